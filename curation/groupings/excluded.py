"""Rows that are not to be passed on, because somebody asked so: takedowns, by name.

A name is a key, an id or a SHA-256 of an image. With a row go all rows of the same bytes, whatever
their keys: else a copy would take its place. It still stands for its near-duplicates, which stay
dropped.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from curation.signals.signal import Column, Settings

_HEXADECIMAL = frozenset("0123456789abcdef")
_SCHEMA = pa.schema([pa.field("id", pa.string())])


class Names(Settings):
    """``names`` are the keys, ids and SHA-256 (64 digits) that are excluded."""

    names: tuple[str, ...] = ()


class Excluded:
    """Which rows are excluded: those named, and those with the same id as one named by its key."""

    name, version, refers = "excluded", 1, None
    reads: Sequence[str] = ("key", "id")
    columns: Mapping[str, Column] = {
        "excluded": Column(pa.int8(), "0 or 1", "1 of what a list of names takes out")
    }
    options = Names

    def __init__(self, options: Names = Names()) -> None:  # noqa: B008
        self.settings: Mapping[str, Any] = options.model_dump(mode="json")
        self._names = pa.array([as_id(name) for name in options.names], pa.string())

    def with_options(self, options: Names) -> "Excluded":
        """The grouping with these names."""
        return Excluded(options)

    def summary(self, unit: str, rows: pa.Table) -> pa.Table:
        """The ids of the rows that are named."""
        ids = rows.column("id").filter(self.named(rows))
        return self._distinct(pa.table({"id": ids.drop_null()}, schema=_SCHEMA))

    def merge(self, a: pa.Table, b: pa.Table) -> pa.Table:
        """The ids of both."""
        return self._distinct(pa.concat_tables([a, b]))

    def measure(self, unit: str, rows: pa.Table, summary: pa.Table) -> pa.Table:
        """1 for the rows of these ids; a row that could not be read counts by its key."""
        of_id = pc.is_in(rows.column("id"), value_set=summary.column("id").combine_chunks())
        either = pc.or_(of_id, self.named(rows))
        return pa.table({"excluded": either.cast(pa.int8())})

    def named(self, rows: pa.Table) -> pa.ChunkedArray:
        """Which rows are named themselves: (N,) bool."""
        keys, ids = (pc.is_in(rows.column(of), value_set=self._names) for of in self.reads)
        return pc.or_(keys, ids)

    def _distinct(self, ids: pa.Table) -> pa.Table:
        return ids.group_by("id").aggregate([]).sort_by("id")


def as_id(name: str) -> str:
    """A SHA-256 as the id of its image (``shard.content_id``); any other name as it is."""
    folded = name.lower()
    return folded[:32] if len(name) == 64 and _HEXADECIMAL.issuperset(folded) else name


EXCLUDED = Excluded()
