"""Quotas: which rows they limit, by category and rank.

Of the rows of a category that pass everything else those of the best rank are let pass, as many as
the budget allows: a *threshold* (``judging.thresholds``) says down to which rank. Another threshold
lets pass more of the same or fewer of the same.
"""

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from curation.configuration.models import Quota
from curation.judging import histogram, ranks
from curation.judging.budgets import cells
from curation.judging.histogram import Histogram
from curation.judging.ranks import LEVELS
from curation.judging.rules import Check, Seen
from curation.judging.thresholds import OfStages
from curation.output import column_files


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
    """The histogram of the rows that are ``kept`` (N,), of which each passes so many stages.

    Of rows none of which it limits it names no category: they count in any quota.
    """
    ranked = limited.category[kept], limited.level[kept], passed[kept]
    names = limited.names if limited.rows.any() else ()
    return Histogram([histogram.part(names, *ranked)])
