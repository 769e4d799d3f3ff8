"""Confidence intervals of shares."""

from math import sqrt

NORMAL = 1.959964  # 95 % of a normal distribution lie within so many deviations


def wilson(count: int, total: int) -> tuple[float, float]:
    """The 95 % interval of a share (Wilson, JASA 22, 1927); (0, 1) of nothing."""
    if not total:
        return 0.0, 1.0
    share, square = count / total, NORMAL**2
    centre = share + square / (2 * total)
    half = NORMAL * sqrt(share * (1 - share) / total + square / (4 * total**2))
    scale = 1 + square / total
    return max(0.0, (centre - half) / scale), min(1.0, (centre + half) / scale)


def shown(count: int, total: int) -> str:
    """``97.1 % (94.8-98.4) of 371``."""
    low, high = wilson(count, total)
    share = count / total if total else float("nan")
    return f"{share:6.1%} ({low:.1%}-{high:.1%}) of {total}"
