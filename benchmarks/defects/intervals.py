"""Confidence intervals of shares."""

from train.figures import interval


def shown(count: int, total: int) -> str:
    """``97.1 % (94.8-98.4) of 371``."""
    low, high = interval(count, total)
    share = count / total if total else float("nan")
    return f"{share:6.1%} ({low:.1%}-{high:.1%}) of {total}"
