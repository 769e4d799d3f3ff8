"""What a judge of a model says."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from PIL import Image

_QUANTILE = 1.959963984540054  # of the normal distribution, for 95 %


@dataclass(frozen=True)
class Figures:
    """Named ``values``, plain data; a ``sentence`` that says them to a reader, empty where there is
    nothing to say; and a ``grid`` of samples to look at.
    """

    values: Mapping[str, Any] = field(default_factory=dict)
    sentence: str = ""
    grid: Image.Image | None = None


def interval(right: int, count: int) -> tuple[float, float]:
    """The 95 % interval of a share that was ``right`` of ``count`` times, by Wilson's score (E. B.
    Wilson, 1927); (0, 1) where nothing was counted.
    """
    if not count:
        return 0.0, 1.0
    share, square = right / count, _QUANTILE**2
    middle = (share + square / (2 * count)) / (1 + square / count)
    variance = share * (1 - share) / count + square / (4 * count**2)
    half = _QUANTILE / (1 + square / count) * math.sqrt(variance)
    low = 0.0 if right == 0 else middle - half  # exactly, whatever the rounding
    return low, 1.0 if right == count else middle + half


@dataclass(frozen=True)
class Rate:
    """What was right ``right`` of ``of`` times."""

    right: int
    of: int

    def values(self) -> dict[str, float]:
        """Plain data: the share with its 95 % interval, and what it is made of."""
        low, high = interval(self.right, self.of)
        share = self.right / max(1, self.of)
        return {"share": share, "low": low, "high": high, "right": self.right, "of": self.of}

    def __str__(self) -> str:
        low, high = interval(self.right, self.of)
        share = 100 * self.right / max(1, self.of)
        return f"{share:.1f} % [{100 * low:.1f}, {100 * high:.1f}] ({self.right} of {self.of})"
