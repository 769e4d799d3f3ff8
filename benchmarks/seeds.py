"""Means over runs of several seeds, with what is not known: Student's t, 95 %, two-sided."""

from collections.abc import Sequence
from statistics import mean, stdev

T95 = {2: 12.71, 3: 4.30, 4: 3.18, 5: 2.78}  # by the number of runs


def halfwidth(values: Sequence[float]) -> float:
    """Half of the interval of a mean of 2 to 5 ``values``; infinite of a single one."""
    if len(values) == 1:
        return float("inf")
    return T95[len(values)] * stdev(values) / len(values) ** 0.5


def interval(values: Sequence[float], digits: int = 1) -> str:
    """The mean with its interval, as in 81.2±3.4; of a single value no interval."""
    if len(values) == 1:
        return f"{values[0]:.{digits}f}"
    return f"{mean(values):.{digits}f}±{halfwidth(values):.{digits}f}"
