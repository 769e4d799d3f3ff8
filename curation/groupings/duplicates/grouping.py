"""Duplicates as a grouping: whether a row has a better-ranked one of equal bytes, of equal bytes
and captions, or near it.

``summary``, ``merge`` and ``measure`` are its definition, for as many rows as one process holds.
Runs find the same columns with less: ``judging.units`` in one process, where only rows take part
that share a token, ``graphs.near_duplicates`` in many; both end with ``marked``.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from curation.groupings.duplicates import near, representatives
from curation.groupings.duplicates.near import Hashes
from curation.groupings.duplicates.representatives import (
    BEHIND_ALL,
    CONTENT,
    HASH,
    KINDS,
    PAIR,
    Members,
    Winners,
)
from curation.groupings.duplicates.row_kinds import by_bytes_alone
from curation.groupings.grouping import PASSED
from curation.output import column_files
from curation.signals.signal import Column, Settings

IDENTITY = ("key", "uri")
_OWN = ("caption_length", "captions_digest", "synthetic", "input_bytes", PASSED)
COLUMNS = {
    "exact_better": Column(pa.int32(), "0 or 1", "there is a better-ranked row of equal bytes"),
    "pair_better": Column(
        pa.int32(), "0 or 1", "there is a better-ranked row of equal bytes and captions"
    ),
    "near_better": Column(
        pa.int32(), "0 or 1", "there is a better-ranked near-duplicate of other bytes"
    ),
    "duplicate_of": Column(pa.string(), "an id", "the best near-duplicate, or else its own"),
}

OF_EQUAL_BYTES = ("exact_better", "pair_better")  # the better row has the row's own id


class Duplicates:
    """Equal bytes, with equal captions too, and perceptual hashes within ``radius`` bits, of mirror
    images too; ``quality`` ranks rows.

    ``stages`` are the rules that rank before it, as plain data.
    """

    name, version, refers = "duplicates", 3, "duplicate_of"
    options = Settings  # radius and quality stand at the top of a pipeline
    columns: Mapping[str, Column] = COLUMNS

    def __init__(self, radius: int, quality: Sequence[str], stages: Any = None) -> None:
        self.radius, self.quality = radius, tuple(quality)
        self.settings: Mapping[str, Any] = {
            "radius": radius,
            "quality": list(quality),
            "stages": stages,
        }
        own = ("phash", "id", *IDENTITY, *_OWN)
        self._schema = representatives.row_schema(self.quality)
        self.reads: Sequence[str] = tuple(dict.fromkeys((*own, *quality)))

    def with_options(self, options: Settings) -> "Duplicates":
        """Nothing may be set."""
        return self

    def summary(self, unit: str, rows: pa.Table) -> pa.Table:
        """The best rows of the unit's tokens, by kind of token."""
        own = self.contenders(unit, rows)
        everything = [representatives.tokens(own, kind) for kind in (CONTENT, PAIR)]
        return _joined(self.competing(own, [Members(near.distinct(of)) for of in everything]))

    def merge(self, a: pa.Table, b: pa.Table) -> pa.Table:
        """The best rows of the tokens of both."""
        both = zip(_by_kind(a), _by_kind(b), strict=True)
        return _joined(
            representatives.best(pa.concat_tables(of), self.quality, kind)
            for kind, of in enumerate(both)
        )

    def measure(self, unit: str, rows: pa.Table, summary: pa.Table) -> pa.Table:
        """The columns of the unit's rows."""
        own, exact, pairs = _by_kind(summary)
        edges = near.join(representatives.tokens_of(own), self.radius)
        around = representatives.best_neighbours(own, near.both_ways(edges), self.quality)
        nearest = representatives.best(pa.concat_tables([own, around]), self.quality, HASH)
        own = self.contenders(unit, rows)
        return self.marked(unit, rows.num_rows, own, Winners((nearest, exact, pairs)))

    def contenders(self, unit: str, rows: pa.Table, hot: Members | None = None) -> pa.Table:
        """The rows of a unit that may be copies, those with a hash that is ``hot``.

        ``key`` and ``uri`` are null where ``rows`` have none: they tell apart only equal contents.
        """
        known, numbers = hashes(rows)
        if hot is not None:
            chosen = hot.hold(numbers)
            known, numbers = known[chosen], numbers[chosen]
        named = [name for name in IDENTITY if name in rows.column_names]
        own = rows.select([*dict.fromkeys(["id", *self.quality, *named, *_OWN])]).take(
            pa.array(known)
        )
        depth = np.asarray(own.column(PASSED).to_numpy(), np.int16).copy()
        depth[by_bytes_alone(own)] = BEHIND_ALL
        made = {
            "token": pa.array(numbers),
            "unit": pa.array([unit], pa.string()).take(pa.array(np.zeros(len(known), np.int32))),
            "row": pa.array(known.astype(np.int32)),
            "depth": pa.array(depth),
            **{name: pa.array(column_files.as_float(own[name])) for name in self.quality},
            **{name: own[name] for name in ("id", "caption_length", "captions_digest", *named)},
        }
        return pa.table(
            [made.get(of.name, pa.nulls(len(known), of.type)) for of in self._schema],
            schema=self._schema,
        )

    def competing(self, own: pa.Table, hot: Sequence[Members]) -> list[pa.Table]:
        """The best of a unit's rows for each hash, and each content and pair that is ``hot``."""
        rows = [own, *representatives.sharing(own, hot)]
        return [representatives.best(of, self.quality, kind) for kind, of in enumerate(rows)]

    def marked(self, unit: str, count: int, own: pa.Table, winners: Winners) -> pa.Table:
        """The columns of the unit's ``count`` rows, of which ``own`` may be copies."""
        copies = representatives.copies(unit, count, own, winners)
        schema = pa.schema([pa.field(name, of.type) for name, of in self.columns.items()])
        columns = [pa.array(of) for of in (copies.exact, copies.pair, copies.near)]
        return pa.table([*(of.cast(pa.int32()) for of in columns), copies.better], schema=schema)


def hashes(table: pa.Table) -> tuple[NDArray[np.int64], Hashes]:
    """The rows that have a perceptual hash, and what stands for it and its mirrored one."""
    column = table.column("phash")
    rows = np.flatnonzero(np.asarray(column.is_valid()))
    return rows, near.tokens(np.asarray(column.drop_null().to_numpy(), np.uint64))


def _joined(kinds: Iterable[pa.Table]) -> pa.Table:
    return pa.concat_tables(
        [
            rows.append_column("kind", pa.array(np.full(rows.num_rows, kind, np.int8)))
            for kind, rows in enumerate(kinds)
        ]
    )


def _by_kind(summary: pa.Table) -> list[pa.Table]:
    kind = np.asarray(summary.column("kind"))
    plain = summary.drop_columns(["kind"])
    return [plain.filter(pa.array(kind == own)) for own in KINDS]
