"""From stored signals to verdicts: no pixel is touched, so thresholds move in a second.

Units are read one at a time. What one unit must know of the others is which of its rows lost to a
copy: ``winners`` finds that out in one process, ``curation.judging`` in many, with the same steps.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from curation import columns, ledger, rules, shard
from curation.configuration import Pipeline
from curation.groups import duplicates, near
from curation.groups.duplicates import CONTENT, HASH, Copies, Members, Winners
from curation.groups.near import Edges, Hashes
from curation.layout import Layout
from curation.ledger import Counts
from curation.rules import GROUP_COLUMNS, Check, Judgement
from curation.signal import Signal

IDENTITY = ("key", "uri", "caption_length")
TOLD = ("key", "id", "reason", "detail", "size")


@dataclass(frozen=True)
class Decision:
    """The verdicts over a unit's rows, in the order of its signals file, and their copies."""

    judgement: Judgement
    copies: Copies


def tiers(signals: Sequence[Signal]) -> dict[str, str]:
    """The tier of every column that a rule may name."""
    found = {column: entry.tier for entry in signals for column in entry.columns}
    return {**found, "size": "file", **dict.fromkeys(GROUP_COLUMNS, "group")}


def read_edges(output: str) -> Edges:
    """The near-duplicate edges of a run."""
    table = columns.read_all(Layout(output).near_parts(), ("a", "b"))
    pair = [np.asarray(table.column(name).to_numpy(), np.uint64) for name in ("a", "b")]
    return np.stack(pair, axis=1)


class Judge:
    """Judges the units of a run by one configuration; ``ordered`` are the checks it makes.

    With ``hold`` it keeps what it read, because three looks at each unit are then faster; without,
    its memory is that of one unit. Methods raise ``columns.ColumnFileError``.
    """

    def __init__(
        self, output: str, pipeline: Pipeline, signals: Sequence[Signal], *, hold: bool = False
    ) -> None:
        self.layout, self.pipeline = Layout(output), pipeline
        self.ordered: tuple[Check, ...] = rules.checks(pipeline, tiers(signals))
        self._own = [check for check in self.ordered if check.column not in GROUP_COLUMNS]
        ruled = {check.column for check in self._own} | set(pipeline.quality)
        needed = ruled | {"reason", "phash", "id"}
        self._needed = sorted(needed | set(IDENTITY) if hold else needed)
        self._held: dict[str, pa.Table] | None = {} if hold else None
        self._hot: dict[str, tuple[NDArray[np.int64], Hashes]] = {}

    def hashes(self, unit: str) -> Hashes:
        """The perceptual hashes of the rows that have one: (N,)."""
        return _hashes(self._read(unit, ("phash",)))[1]

    def contents(self, unit: str, hot: Members | None = None) -> Hashes:
        """Content tokens of the rows that have a perceptual hash, or a hot one: (N,).

        Equal contents have equal perceptual hashes, so no others need be looked at, here or later.
        """
        table = self._read(unit, ("phash", "id"))
        rows, hashes = _hashes(table)
        if hot is not None:
            chosen = hot.hold(hashes)
            rows, hashes = self._hot[unit] = rows[chosen], hashes[chosen]
        return duplicates.content_tokens(_one(table.column("id")).take(pa.array(rows)))

    def competing(self, unit: str, hot: tuple[Members, Members]) -> tuple[pa.Table, pa.Table]:
        """The unit's best row of each of its hot tokens, by kind of token."""
        schema = duplicates.row_schema(self.pipeline.quality)
        table = self._read(unit, [*dict.fromkeys((*self._needed, *IDENTITY))])
        rows, hashes = self._hot.get(unit) or _hashes(table)
        chosen_rows = hot[HASH].hold(hashes)
        rows, hashes = rows[chosen_rows], hashes[chosen_rows]
        if not len(rows):
            return schema.empty_table(), schema.empty_table()
        chosen = pa.array(rows)
        own = table.take(chosen)
        depth = self._judgement(own, self._own, {}).depth
        made = {
            "token": hashes,
            "unit": pa.DictionaryArray.from_arrays(np.zeros(len(rows), np.int32), [unit]),
            "row": rows.astype(np.int32),
            "depth": depth,
            **{name: columns.as_float(own[name]) for name in self.pipeline.quality},
            "id": own["id"],
            **{name: own[name] for name in IDENTITY},
        }
        arrays = [made[field.name] for field in schema]
        arrays = [
            value.cast(field.type) if hasattr(value, "cast") else pa.array(value, field.type)
            for value, field in zip(arrays, schema, strict=True)
        ]
        near_rows = pa.Table.from_arrays(arrays, schema=schema)
        content = duplicates.content_tokens(_one(own.column("id")))
        equal = near_rows.set_column(0, schema.field(0), pa.array(content))
        equal = equal.filter(pa.array(hot[CONTENT].hold(content)))
        return (
            duplicates.best(near_rows, self.pipeline.quality, HASH),
            duplicates.best(equal, self.pipeline.quality, CONTENT),
        )

    def decide(self, unit: str, winners: Winners) -> Decision:
        """Judge the unit's rows."""
        return self._decide(unit, self._read(unit, self._needed), winners)

    def record(self, unit: str, winners: Winners) -> Counts:
        """Judge the unit's rows, write its ledger and group columns. Raises ``OSError``."""
        table = self._read(unit, [*dict.fromkeys((*self._needed, *TOLD))])
        decision = self._decide(unit, table, winners)
        told, copies, counts = decision.judgement, decision.copies, Counts()
        rows = ledger.rows(table, told, self.ordered, self.pipeline, copies.better)
        columns.write(self.layout.ledger(unit), rows)
        groups = [copies.exact, copies.near, copies.better]
        schema = pa.schema(shard.GROUP_FIELDS)
        columns.write(self.layout.groups(unit), pa.table(groups, schema=schema))
        ledger.count(counts, told, table.column("reason"), self.ordered, self.pipeline)
        kept = pa.array(told.verdict == rules.KEPT)
        sizes = np.asarray(table.column("size").filter(kept).to_numpy(), np.int64)
        least = shard.SHARD_BYTES // shard.SHARD_ROWS
        counts.kept_bytes[unit] = int(np.maximum(sizes, least).sum())
        return counts

    def reasons(self, unit: str) -> pa.ChunkedArray:
        """Why a row of the unit could not be measured, or null."""
        return self._read(unit, ("reason",)).column("reason")

    def _decide(self, unit: str, table: pa.Table, winners: Winners) -> Decision:
        ids = _one(table.column("id"))
        rows, hashes = self._hot.get(unit) or _hashes(table)
        copies = duplicates.copies(unit, rows, hashes, ids, winners)
        groups = dict(zip(GROUP_COLUMNS, (copies.exact, copies.near), strict=True))
        return Decision(self._judgement(table, self.ordered, groups), copies)

    def _judgement(
        self, table: pa.Table, checks: Sequence[Check], groups: dict[str, NDArray[np.int8]]
    ) -> Judgement:
        def values(column: str) -> NDArray[np.float64]:
            if column in groups:
                return groups[column].astype(np.float64)
            return columns.as_float(table.column(column))

        readable = columns.is_null(table.column("reason"))
        return rules.judge(values, readable, checks, self.pipeline)

    def _read(self, unit: str, needed: Sequence[str]) -> pa.Table:
        path = self.layout.signals(unit)
        if self._held is None or not set(needed) <= set(self._needed):
            return columns.read(path, needed)
        if unit not in self._held:
            self._held[unit] = columns.read(path, self._needed)
        return self._held[unit]


def winners(judge: Judge, units: Sequence[str], join: Callable[[Hashes], Edges]) -> Winners:
    """The winners among all units, in one process; ``join`` gives the edges of hashes.

    Memory: 8 bytes a row, 8 more for each hot one, and about 200 for each hot token of each unit.
    """
    hashes = np.concatenate([judge.hashes(unit) for unit in units])
    edges = join(hashes)
    shared = Members(duplicates.hot(hashes, edges))
    del hashes
    contents = np.concatenate([judge.contents(unit, shared) for unit in units])
    hot = shared, Members(duplicates.hot(contents, np.empty(0, np.uint64)))
    del contents
    found = [judge.competing(unit, hot) for unit in units]
    quality = judge.pipeline.quality
    own, exact = (
        duplicates.best(pa.concat_tables(of_kind), quality, kind)
        for kind, of_kind in enumerate(zip(*found, strict=True))
    )
    around = duplicates.best_neighbours(own, near.both_ways(edges), quality)
    return Winners((duplicates.best(pa.concat_tables([own, around]), quality, HASH), exact))


def _hashes(table: pa.Table) -> tuple[NDArray[np.int64], Hashes]:
    """The rows that have a perceptual hash, and those hashes."""
    column = table.column("phash")
    rows = np.flatnonzero(~columns.is_null(column))
    return rows, np.asarray(column.drop_null().to_numpy(), np.uint64)


def _one(column: pa.ChunkedArray) -> pa.Array:
    """The column as one array."""
    whole = column.combine_chunks()
    return pa.concat_arrays(whole.chunks) if isinstance(whole, pa.ChunkedArray) else whole
