"""Bounds on every image of an edit pair: a row falls at the first check that one of them fails.

What holds for the result holds for its inputs, unless the pipeline says otherwise for the kind of
edit (``edits``): an input that is blurred, for a restoration, is not to fall for it. Bounds on
columns of pairs hold for pairs alone.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Literal

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from curation.configuration.models import Bound, Instead
from curation.judging import rules
from curation.judging.rules import Check, Seen
from curation.output import column_files, input_columns
from curation.output.measured import OWN

KIND = "edit_kind"  # the column by which a pipeline tells edits apart
SIZE = "input_bytes"  # the column that says which rows are edits
Mask = NDArray[np.bool_]


@dataclass(frozen=True)
class Pairs:
    """The edits among the N rows of a ``table``. ``of_pairs`` are the columns that they alone have;
    lists of what was measured of inputs are named as in ``input_columns``. ``edits`` say by kind
    what holds instead of bounds. Kinds that a model says are known in stages after the one of the
    number ``fills_after``, in which it looks: a bound sees the same, whoever looked before.
    """

    table: pa.Table
    of_pairs: frozenset[str]
    edits: Mapping[str, Instead]
    fills_after: int | None = None

    @cached_property
    def rows(self) -> Mask:
        """Which rows are edits: (N,)."""
        return rows(self.table)

    @cached_property
    def has_any(self) -> bool:
        """Whether any row is an edit."""
        return bool(self.rows.any())

    def seen(self, check: Check, looked: Seen) -> Seen:
        """What a check sees of all images of rows, given what it ``looked`` at: their own."""
        if check.column in self.of_pairs:
            others = ~self.rows
            looked = replace(looked, passed=looked.passed | others, null=looked.nulls & self.rows)
        if not self.has_any:
            return looked
        looked = self._instead(check, looked, "image", self.table.column(check.column), self.rows)
        name = input_columns.column(check.column)
        if name not in self.table.column_names:
            return looked
        return self._with_inputs(check, looked, self.table.column(name))

    def _with_inputs(self, check: Check, looked: Seen, lists: pa.ChunkedArray) -> Seen:
        """With what it sees of inputs: of several images that fail, the first one decides."""
        passed, null, value = looked.passed.copy(), looked.nulls.copy(), looked.value.copy()
        bound = np.array(np.broadcast_to(looked.bound, len(value)), np.float64)
        image = np.zeros(len(value), np.int8)
        for place, values, there in _by_place(lists, self.rows):
            own = self._instead(check, seen(check, values), "inputs", values, there)
            here = passed & there & ~own.passed
            passed[here], null[here], image[here] = False, own.nulls[here], place
            value[here] = own.value[here]
            bound[here] = np.broadcast_to(own.bound, len(value))[here]
        return Seen(passed, value, bound, null, image)

    def _instead(
        self,
        check: Check,
        looked: Seen,
        which: Literal["image", "inputs"],
        values: pa.ChunkedArray,
        rows: Mask,
    ) -> Seen:
        """By what holds instead for ``rows`` of some kinds, of whose ``values`` it looked so."""
        is_early = self.fills_after is not None and check.stage <= self.fills_after
        for kind, instead in self.edits.items():
            bounds = getattr(instead, which)
            if check.column in bounds:
                here = rows & column_files.equals(self._own if is_early else self._kinds, kind)
                looked = _where(here, _held(check, bounds[check.column], values), looked)
        return looked

    @cached_property
    def _kinds(self) -> pa.ChunkedArray:
        return pc.fill_null(self.table.column(KIND).cast(pa.string()), "")

    @cached_property
    def _own(self) -> pa.ChunkedArray:
        """The kinds that sources and instructions say."""
        return pc.fill_null(self.table.column(OWN + KIND).cast(pa.string()), "")


def rows(table: pa.Table) -> Mask:
    """Which rows of a table are edits: (N,); none where it does not say."""
    if SIZE not in table.column_names:
        return np.zeros(table.num_rows, np.bool_)
    return np.asarray(column_files.as_float(table.column(SIZE)) > 0)


def seen(check: Check, column: pa.ChunkedArray) -> Seen:
    """What a check sees of a column."""
    if check.side == "in":
        return rules.categories(check, column)
    return rules.numbers(check, column_files.as_float(column))


def _held(check: Check, bound: Bound | str, values: pa.ChunkedArray) -> Seen | None:
    """What a check sees of values by another bound; None where that lets all pass."""
    if not isinstance(bound, Bound):
        return None
    if check.side == "in":
        return seen(replace(check, among=bound.among), values) if bound.among else None
    limit = getattr(bound, check.side)
    return None if limit is None else seen(replace(check, bound=float(limit)), values)


def _where(here: Mask, own: Seen | None, other: Seen) -> Seen:
    """The one ``here``, elsewhere the other."""
    if own is None:
        return replace(other, passed=other.passed | here, null=other.nulls & ~here)
    return Seen(
        np.where(here, own.passed, other.passed),
        np.where(here, own.value, other.value),
        np.where(here, own.bound, other.bound),
        np.where(here, own.nulls, other.nulls),
    )


def _by_place(lists: pa.ChunkedArray, edits: Mask) -> Iterator[tuple[int, pa.ChunkedArray, Mask]]:
    """Input by input: which it is, from 1 on, the values of all rows, and which rows have it.

    An edit without a list was not looked at: its first input is null.
    """
    if pa.types.is_null(lists.type):
        yield 1, lists, edits
        return
    lengths = np.asarray(pc.fill_null(pc.list_value_length(lists), 0), np.int64)
    null = column_files.is_null(lists)
    for place in range(1, max(1, int(lengths.max(initial=0))) + 1):
        there = edits & ((lengths >= place) | (null & (place == 1)))
        yield place, _at(lists, place), there


def _at(lists: pa.ChunkedArray, place: int) -> pa.ChunkedArray:
    """The entry at a place of each list, null where there is none: (N,)."""
    joined = lists.combine_chunks()
    joined = pa.concat_arrays(joined.chunks) if isinstance(joined, pa.ChunkedArray) else joined
    offsets = np.asarray(joined.offsets, np.int64)
    starts, ends = offsets[:-1] + place - 1, offsets[1:]
    missing = (starts >= ends) | column_files.is_null(joined)
    return pa.chunked_array([joined.values.take(pa.array(starts, mask=missing))])
