"""Duplicates as a grouping: whether a row has a better-ranked one of equal bytes, or near it.

``summary``, ``merge`` and ``measure`` are its definition, for as many rows as one process holds.
Runs find the same columns with less: ``judging.units`` in one process, where only rows take part
that share a token, ``graphs.near_duplicates`` in many; both end with ``marked``.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from curation.groupings.duplicates import near, representatives
from curation.groupings.duplicates.near import Hashes
from curation.groupings.duplicates.representatives import CONTENT, HASH, Members, Winners
from curation.groupings.duplicates.row_kinds import by_bytes_alone
from curation.groupings.grouping import PASSED
from curation.output import column_files
from curation.signals.signal import Column

IDENTITY = ("key", "uri", "caption_length")
BEHIND_ALL = -1  # in place of the stages passed
COLUMNS = {
    "exact_better": Column(pa.int32(), "0 or 1", "there is a better-ranked row of equal bytes"),
    "near_better": Column(pa.int32(), "0 or 1", "there is a better-ranked near-duplicate"),
    "duplicate_of": Column(pa.string(), "an id", "the best of the rows that it is a duplicate of"),
}


class Duplicates:
    """Equal bytes, and perceptual hashes within ``radius`` bits; ``quality`` ranks rows.

    ``stages`` are the rules that rank before it, as plain data.
    """

    name, version, refers = "duplicates", 1, "duplicate_of"
    columns: Mapping[str, Column] = COLUMNS

    def __init__(self, radius: int, quality: Sequence[str], stages: Any = None) -> None:
        self.radius, self.quality = radius, tuple(quality)
        self.settings: Mapping[str, Any] = {
            "radius": radius,
            "quality": list(quality),
            "stages": stages,
        }
        own = ("phash", "id", *IDENTITY, "synthetic", "input_bytes", PASSED)
        self.reads: Sequence[str] = tuple(dict.fromkeys((*own, *quality)))

    def summary(self, unit: str, rows: pa.Table) -> pa.Table:
        """The best rows of the unit's tokens, by kind of token."""
        known, numbers = hashes(rows)
        own = rows.take(pa.array(known))
        contents = representatives.content_tokens(one_array(own.column("id")))
        everything = Members(near.distinct(numbers)), Members(near.distinct(contents))
        depth = np.asarray(own.column(PASSED).to_numpy(), np.int16)
        return _joined(self.competing(unit, own, known, numbers, (depth, everything[CONTENT])))

    def merge(self, a: pa.Table, b: pa.Table) -> pa.Table:
        """The best rows of the tokens of both."""
        pairs = zip(_by_kind(a), _by_kind(b), strict=True)
        kinds = [
            representatives.best(pa.concat_tables(pair), self.quality, kind)
            for kind, pair in enumerate(pairs)
        ]
        return _joined((kinds[HASH], kinds[CONTENT]))

    def measure(self, unit: str, rows: pa.Table, whole: pa.Table) -> pa.Table:
        """The columns of the unit's rows."""
        own, exact = _by_kind(whole)
        edges = near.join(representatives.tokens_of(own), self.radius)
        around = representatives.best_neighbours(own, near.both_ways(edges), self.quality)
        nearest = representatives.best(pa.concat_tables([own, around]), self.quality, HASH)
        return self.marked(unit, rows, hashes(rows), Winners((nearest, exact)))

    def competing(
        self,
        unit: str,
        own: pa.Table,
        rows: NDArray[np.int64],
        numbers: Hashes,
        ranked: tuple[NDArray[np.int16], Members],
    ) -> tuple[pa.Table, pa.Table]:
        """The best of a unit's rows for each hash (``numbers``) and content that is hot.

        ``own`` (M rows) are those of the unit at ``rows``; ``ranked`` are the stages they pass, and
        the contents that are hot.
        """
        depth, hot = ranked[0].copy(), ranked[1]
        depth[by_bytes_alone(own)] = BEHIND_ALL
        schema = representatives.row_schema(self.quality)
        made = {
            "token": numbers,
            "unit": pa.DictionaryArray.from_arrays(np.zeros(len(rows), np.int32), [unit]),
            "row": rows.astype(np.int32),
            "depth": depth,
            **{name: column_files.as_float(own[name]) for name in self.quality},
            **{name: own[name] for name in ("id", *IDENTITY)},
        }
        arrays = [made[field.name] for field in schema]
        arrays = [
            value.cast(field.type) if hasattr(value, "cast") else pa.array(value, field.type)
            for value, field in zip(arrays, schema, strict=True)
        ]
        by_hash = pa.Table.from_arrays(arrays, schema=schema)
        content = representatives.content_tokens(one_array(own.column("id")))
        equal = by_hash.set_column(0, schema.field(0), pa.array(content))
        equal = equal.filter(pa.array(hot.hold(content)))
        return (
            representatives.best(by_hash, self.quality, HASH),
            representatives.best(equal, self.quality, CONTENT),
        )

    def marked(
        self,
        unit: str,
        rows: pa.Table,
        known: tuple[NDArray[np.int64], Hashes],
        winners: Winners,
    ) -> pa.Table:
        """The columns of the unit's rows, of which those ``known`` have hashes that may be hot."""
        found = representatives.copies(unit, *known, one_array(rows.column("id")), winners)
        alike = by_bytes_alone(rows) & (found.near == 1)
        found.near[alike] = 0
        for row in np.flatnonzero(alike & (found.exact == 0)).tolist():
            found.better[row] = None
        schema = pa.schema([pa.field(name, of.type) for name, of in self.columns.items()])
        return pa.table([found.exact, found.near, found.better], schema=schema)


def hashes(table: pa.Table) -> tuple[NDArray[np.int64], Hashes]:
    """The rows that have a perceptual hash, and those hashes."""
    column = table.column("phash")
    rows = np.flatnonzero(np.asarray(column.is_valid()))
    return rows, np.asarray(column.drop_null().to_numpy(), np.uint64)


def one_array(column: pa.ChunkedArray) -> pa.Array:
    """The column as one array."""
    whole = column.combine_chunks()
    return pa.concat_arrays(whole.chunks) if isinstance(whole, pa.ChunkedArray) else whole


def _joined(kinds: tuple[pa.Table, pa.Table]) -> pa.Table:
    return pa.concat_tables(
        [
            rows.append_column("kind", pa.array(np.full(rows.num_rows, kind, np.int8)))
            for kind, rows in enumerate(kinds)
        ]
    )


def _by_kind(summary: pa.Table) -> tuple[pa.Table, pa.Table]:
    kind = np.asarray(summary.column("kind"))
    plain = summary.drop_columns(["kind"])
    return plain.filter(pa.array(kind == HASH)), plain.filter(pa.array(kind == CONTENT))
