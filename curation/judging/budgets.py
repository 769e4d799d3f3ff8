"""How many rows of each category a quota lets pass."""

from collections.abc import Sequence
from fractions import Fraction
from itertools import product
from math import lcm

import numpy as np
from numpy.typing import NDArray

from curation.configuration.models import Quota
from curation.judging import fitting
from curation.judging.histogram import Part
from curation.judging.ranks import LEVELS

BETWEEN = " | "  # the values of a category of several columns


def cells(quota: Quota) -> tuple[str, ...]:
    """The categories of a quota by several columns: a value of each."""
    return tuple(BETWEEN.join(values) for values in product(*quota.margins.values()))


class Passing:
    """The rows that pass a stage, those ``here`` (K,) of a part, by category in order of ranks.

    ``others`` is how many are of no category, ``totals`` (C,) how many of each of the ``names``.
    """

    def __init__(self, part: Part, here: NDArray[np.bool_]) -> None:
        category, number = part.category[here], part.number[here]
        self.names, self._width = part.names, 2**part.bits
        first = np.searchsorted(category, np.arange(len(self.names) + 1))
        self.others = int(number[: first[0]].sum())
        self._level = np.split(part.level[here], first)[1:-1]
        self._up_to = [np.cumsum(of) for of in np.split(number, first)[1:-1]]
        self.totals = np.array([of[-1] if len(of) else 0 for of in self._up_to], np.int64)

    def within(self, most: NDArray[np.int64]) -> list[int]:
        """How many of each category are at these levels (C,) or better."""
        ends = [
            int(np.searchsorted(level, last, "right"))
            for level, last in zip(self._level, most.tolist(), strict=True)
        ]
        pairs = zip(self._up_to, ends, strict=True)
        return [int(up_to[end - 1]) if end else 0 for up_to, end in pairs]

    def levels_of(self, wanted: Sequence[int]) -> NDArray[np.int64]:
        """The last level of each category up to which there are at most so many rows: (C,)."""
        last = np.full(len(wanted), LEVELS, np.int64)
        for place, (level, up_to) in enumerate(zip(self._level, self._up_to, strict=True)):
            end = np.searchsorted(up_to, wanted[place], "right")
            if end < len(up_to):
                last[place] = level[end] - self._width
        return last


def wanted(quota: Quota, passing: Passing, most: NDArray[np.int64]) -> list[int]:
    """How many of each category are to pass, of those up to the levels ``most`` (C,)."""
    if quota.share is None:
        return _each(quota, passing)
    return _mixed(quota, passing, most) if quota.also else _shares(quota, passing, most)


def _each(quota: Quota, passing: Passing) -> list[int]:
    """Of a fraction or a count."""
    if quota.fraction is None:
        return [quota.count or 0] * len(passing.totals)
    part = Fraction(str(quota.fraction))
    return [max(int(total * part), quota.least or 0) for total in passing.totals.tolist()]


def _mixed(quota: Quota, passing: Passing, most: NDArray[np.int64]) -> list[int]:
    """Of each cell: the largest mix by all columns that there can be."""
    rows = np.array(passing.within(most), np.int64)
    numbers = {name: number for number, name in enumerate(cells(quota))}
    place = np.array([numbers[name] for name in passing.names], np.int64)
    margins = [[*of.values()] for of in quota.margins.values()]
    of_columns = np.unravel_index(place, [len(of) for of in margins])
    return [int(of) for of in fitting.largest_mix(rows, of_columns, margins)]


def _shares(quota: Quota, passing: Passing, most: NDArray[np.int64]) -> list[int]:
    """At most its share of the largest total there can be; where nothing else passes and the shares
    sum to 1, the whole numbers nearest to them.

    Where nothing else passes and they do not sum to 1, there is no mix to be a share of, and all
    may pass: synthetic images can be curated alone.
    """
    rows, parts = passing.within(most), quota.shares
    if passing.others:
        return _within_others(rows, parts, passing, most)
    if sum(parts.values()) != 1:
        return rows
    shares = [parts[name] for name in passing.names]
    supply = zip(rows, shares, strict=True)
    total = min(there // share for there, share in supply if share)
    return fitting.nearest(total, shares)


def _within_others(
    rows: Sequence[int],
    parts: dict[str, Fraction],
    passing: Passing,
    most: NDArray[np.int64],
) -> list[int]:
    """The largest total is others + the sum of the rows that then pass, those of one rank together:
    what follows from a total too large is still too large, so it is come to from above.
    """
    unit = lcm(*(part.denominator for part in parts.values()))
    shares = [int(parts[name] * unit) for name in passing.names]

    def budgets(total: int) -> list[int]:
        return [share * total // unit for share in shares]

    def total_of(counts: Sequence[int]) -> int:
        return passing.others + sum(passing.within(np.minimum(most, passing.levels_of(counts))))

    total = passing.others + sum(rows)
    while (smaller := total_of(budgets(total))) < total:
        total = smaller
    return budgets(total)
