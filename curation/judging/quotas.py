"""Quotas: which rows they limit, and the thresholds that make a budget.

Of the rows of a category that pass everything else those of the best rank are let pass, as many as
the budget allows: a *threshold* says down to which rank. Another threshold lets pass more of the
same or fewer of the same, and neither the order of rows nor where they are judged changes one.

Thresholds are found from how many rows of a category have which rank (``judging.histogram``).
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import product
from math import lcm
from typing import NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from curation.configuration.models import Pipeline, Quota
from curation.judging import fitting, histogram, ranks
from curation.judging.histogram import Histogram, Part
from curation.judging.ranks import LEVELS
from curation.judging.rules import Check, Seen
from curation.output import column_files

BETWEEN = " | "  # the values of a category of several columns


class Threshold(NamedTuple):
    """The last ``level`` of a category that passes a stage, and the ``bound`` of its ranks.

    ``of`` are the rows it was found among, or None for a share: that is of all that passes.
    """

    bound: float
    of: int | None
    level: int = LEVELS


OfStages = Mapping[int, Mapping[str, Threshold]]  # by number of stage and category
Thresholds = Mapping[str, OfStages]  # by name of quota; empty for one that is not known yet


@dataclass(frozen=True)
class Limited:
    """The N rows of a unit as a quota sees them.

    ``category`` (N,) is an index of ``names``, or -1 of a row that it does not limit; ``value``
    (N,) what ranks the row, NaN where that is not known, and ``level`` (N,) its rank; ``null`` (N,)
    are rows that cannot be judged.
    """

    quota: Quota
    names: tuple[str, ...]
    category: NDArray[np.int32]
    value: NDArray[np.float64]
    level: NDArray[np.int64]
    null: NDArray[np.bool_]

    @property
    def rows(self) -> NDArray[np.bool_]:
        """Which rows it limits: (N,)."""
        return self.category >= 0

    def seen(self, check: Check, thresholds: OfStages) -> Seen:
        """What a check sees of the rows; without a threshold all pass."""
        known = thresholds.get(check.stage, {})
        of_names = [known[name].level if name in known else LEVELS for name in self.names]
        last = np.array([*of_names, LEVELS])[self.category]  # the last is that of no category
        within = (self.level <= last) | ~self.rows
        return Seen(within & ~self.null, self.value, self._bounds(last), self.null)

    def _bounds(self, last: NDArray[np.int64]) -> NDArray[np.float64]:
        """What each row must reach, or may not exceed, where these levels are the last (N,)."""
        if self.quota.order is None:
            return np.where(self.rows & (last < LEVELS), ranks.sampling_keys(last), np.inf)
        bound = np.full(len(last), -np.inf)
        for level in np.unique(last[self.rows & (last < LEVELS)]).tolist():
            here = self.rows & (last == level)
            bound[here] = ranks.least_values(self.level[here], level)
        return bound


def limited(
    quota: Quota, table: pa.Table, seed: int, unlooked: NDArray[np.bool_] | None = None
) -> Limited:
    """The rows of a unit as a quota sees them.

    ``unlooked`` (N,) are those at which the model of the categories did not look yet.
    """
    names, category = _categories(quota, table)
    rows = np.flatnonzero(category >= 0)
    if not len(rows) and not (unlooked is not None and unlooked.any()):
        return _nobody(quota, names, len(category))
    value, level = np.full(len(category), np.nan), np.zeros(len(category), np.int64)
    keys = ranks.sampling_levels(table.column("id").take(pa.array(rows)).to_pylist(), seed)
    if len(rows) and quota.order is None:
        level[rows] = keys
        value[rows] = ranks.sampling_keys(keys)
    elif len(rows):
        value[rows] = column_files.as_float(table.column(quota.order))[rows]
        is_known = ~np.isnan(value[rows])
        known = rows[is_known]
        level[known] = ranks.column_levels(value[known], keys[is_known])
    null = (category >= 0) & np.isnan(value)
    if unlooked is not None:
        null |= unlooked
    return Limited(quota, names, category, value, level, null)


def _nobody(quota: Quota, names: tuple[str, ...], rows: int) -> Limited:
    """A unit of so many rows, none of which is limited: it takes no memory."""
    category, value = np.full(1, -1, np.int32), np.full(1, np.nan)
    level, null = np.zeros(1, np.int64), np.zeros(1, np.bool_)
    arrays = (np.broadcast_to(of, rows) for of in (category, value, level, null))
    return Limited(quota, names, *arrays)


def _categories(quota: Quota, table: pa.Table) -> tuple[tuple[str, ...], NDArray[np.int32]]:
    """The categories of the readable rows: names, and an index of them or -1: (N,)."""
    if not quota.also:
        return _values(table, quota.by, quota.share)
    place, sizes = np.zeros(table.num_rows, np.int32), [len(of) for of in quota.margins.values()]
    lacks = np.zeros(table.num_rows, np.bool_)
    for size, (column, shares) in zip(sizes, quota.margins.items(), strict=True):
        own = _values(table, column, shares)[1]
        place, lacks = place * size + own, lacks | (own < 0)
    return cells(quota), np.where(lacks, -1, place).astype(np.int32)


def cells(quota: Quota) -> tuple[str, ...]:
    """The categories of a quota by several columns: a value of each."""
    return tuple(BETWEEN.join(values) for values in product(*quota.margins.values()))


def _values(
    table: pa.Table, by: str, shares: Iterable[str] | None
) -> tuple[tuple[str, ...], NDArray[np.int32]]:
    """The categories of the readable rows by one column."""
    column = table.column(by)
    if pa.types.is_null(column.type):  # of a model that looked at no row yet
        column = column.cast(pa.string())
    coded = column.combine_chunks().dictionary_encode()
    occurring = coded.dictionary.cast(pa.string()).to_pylist()
    names = tuple(occurring if shares is None else shares)
    place = {name: number for number, name in enumerate(names)}
    number_of = np.array([*(place.get(name, -1) for name in occurring), -1], np.int32)
    category = number_of[np.asarray(pc.fill_null(coded.indices, len(occurring)))]
    readable = column_files.is_null(table.column("reason"))
    return names, np.where(readable, category, -1).astype(np.int32)


def counted(limited: Limited, kept: NDArray[np.bool_], passed: NDArray[np.int16]) -> Histogram:
    """The histogram of the rows that are ``kept`` (N,), of which each passes so many stages."""
    ranked = limited.category[kept], limited.level[kept], passed[kept]
    return Histogram([histogram.part(limited.names, *ranked)])


def thresholds(total: Histogram, quota: Quota, pipeline: Pipeline) -> OfStages:
    """The thresholds of all categories that occur, for stage ``since`` and each later one.

    A later stage never lets pass what an earlier one stopped, and what was stopped counts no more:
    no model looks at it. So a fraction is one of stage ``since``, and a share is held by what is
    left in each. Of a share, where nothing else passes and the shares do not sum to 1, there is no
    mix to be a share of, and all may pass: synthetic images can be curated alone.
    """
    if not total.units:
        return {}
    part = total.added()
    budget = _each if quota.share is None else _mixed if quota.also else _shares
    most = np.full(len(part.names), LEVELS)
    occurring = [part.names[of] for of in np.unique(part.category) if of >= 0]
    of_stages: dict[int, dict[str, Threshold]] = {}
    since = pipeline.number_of(quota.since)
    for stage in range(since, len(pipeline.stages)):
        passing = _Passing(part, part.passed > stage)
        rows = passing.within(most)
        if stage == since or quota.share is not None:
            most = np.minimum(most, passing.levels_of(budget(quota, passing, most)))
        levels = most.tolist()
        bounds = [_bound(quota, level) for level in levels]
        numbers = [None] * len(bounds) if quota.share is not None else rows
        by_name = dict(zip(part.names, map(Threshold, bounds, numbers, levels), strict=True))
        of_stages[stage] = {name: by_name[name] for name in occurring}
    return of_stages


def _bound(quota: Quota, level: int) -> float:
    return level / LEVELS if quota.order is None else ranks.least_value(level)


class _Passing:
    """The rows that pass a stage, by category in order of their ranks."""

    def __init__(self, part: Part, here: NDArray[np.bool_]) -> None:
        category, number = part.category[here], part.number[here]
        self.names, self._width = part.names, 2**part.bits
        first = np.searchsorted(category, np.arange(len(self.names) + 1))
        self.others = int(number[: first[0]].sum())
        self._level = np.split(part.level[here], first)[1:-1]
        self._up_to = [np.cumsum(of) for of in np.split(number, first)[1:-1]]
        self.totals = np.array([of[-1] if len(of) else 0 for of in self._up_to], np.int64)

    def within(self, most: NDArray[np.int64]) -> list[int]:
        """How many of each category are at these levels or better."""
        ends = [
            int(np.searchsorted(level, last, "right"))
            for level, last in zip(self._level, most.tolist(), strict=True)
        ]
        pairs = zip(self._up_to, ends, strict=True)
        return [int(up_to[end - 1]) if end else 0 for up_to, end in pairs]

    def levels_of(self, wanted: Sequence[int]) -> NDArray[np.int64]:
        """The last level of each category up to which there are at most so many rows."""
        last = np.full(len(wanted), LEVELS, np.int64)
        for place, (level, up_to) in enumerate(zip(self._level, self._up_to, strict=True)):
            end = np.searchsorted(up_to, wanted[place], "right")
            if end < len(up_to):
                last[place] = level[end] - self._width
        return last


def _each(quota: Quota, passing: _Passing, most: NDArray[np.int64]) -> list[int]:
    """How many of each category are to pass, of a fraction or a count."""
    if quota.fraction is None:
        return [quota.count or 0] * len(passing.totals)
    part = Fraction(str(quota.fraction))
    return [max(int(total * part), quota.least or 0) for total in passing.totals.tolist()]


def _mixed(quota: Quota, passing: _Passing, most: NDArray[np.int64]) -> list[int]:
    """How many of each cell are to pass: the largest mix by all columns that there can be."""
    rows = np.array(passing.within(most), np.int64)
    numbers = {name: number for number, name in enumerate(cells(quota))}
    place = np.array([numbers[name] for name in passing.names], np.int64)
    margins = [[*of.values()] for of in quota.margins.values()]
    of_columns = np.unravel_index(place, [len(of) for of in margins])
    return [int(of) for of in fitting.largest_mix(rows, of_columns, margins)]


def _shares(quota: Quota, passing: _Passing, most: NDArray[np.int64]) -> list[int]:
    """How many of each category are to pass: at most its share of the largest total there can be.

    That is the largest with total = others + the sum of the rows that then pass, rows of one rank
    together: what follows from a total too large is still too large, so it is come to from above.
    """
    rows, parts = passing.within(most), quota.shares
    if not passing.others and sum(parts.values()) != 1:
        return rows
    unit = lcm(*(part.denominator for part in parts.values()))
    shares = [int(parts[name] * unit) for name in passing.names]

    def budgets(total: int) -> list[int]:
        return [share * total // unit for share in shares]

    def total_of(wanted: Sequence[int]) -> int:
        return passing.others + sum(passing.within(np.minimum(most, passing.levels_of(wanted))))

    total = passing.others + sum(rows)
    while (smaller := total_of(budgets(total))) < total:
        total = smaller
    return budgets(total)
