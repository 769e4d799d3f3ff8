"""From stored signals to verdicts: no pixel is touched, so thresholds move in a second."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from curation import columns, rules
from curation.configuration import Pipeline
from curation.groups import duplicates
from curation.groups.duplicates import Duplicates
from curation.groups.near import Edges
from curation.layout import Layout
from curation.rules import GROUP_COLUMNS, Check, Judgement
from curation.signal import Signal

IDENTITY = ("id", "key", "uri", "caption_length")


@dataclass(frozen=True)
class Verdicts:
    """Verdicts over all units of a run, rows in the order of ``units`` and of their signals files.

    ``start[n]`` is the first row of unit n (one more entry than units). ``exact``, ``near`` (N,)
    are the group columns. ``better`` maps a duplicate's row to the id of its best copy.
    """

    units: tuple[str, ...]
    start: NDArray[np.int64]
    ordered: tuple[Check, ...]
    judgement: Judgement
    exact: NDArray[np.int8]
    near: NDArray[np.int8]
    better: dict[int, str]

    def of_unit(self, number: int) -> tuple[slice, Judgement]:
        """The rows of one unit and their judgement."""
        rows = slice(int(self.start[number]), int(self.start[number + 1]))
        all_rows = self.judgement
        return rows, Judgement(
            all_rows.verdict[rows], all_rows.depth[rows], all_rows.check[rows], all_rows.value[rows]
        )


def tiers(signals: Sequence[Signal]) -> dict[str, str]:
    """The tier of every column that a rule may name."""
    found = {column: entry.tier for entry in signals for column in entry.columns}
    return {**found, "size": "file", **dict.fromkeys(GROUP_COLUMNS, "group")}


def read_edges(output: str) -> Edges:
    """The near-duplicate edges of a run."""
    table = columns.read_all(Layout(output).near_parts(), ("a", "b"))
    pair = [np.asarray(table.column(name).to_numpy(), np.uint64) for name in ("a", "b")]
    return np.stack(pair, axis=1)


@dataclass(frozen=True)
class Stored:
    """The measured columns of several units, one after the other."""

    layout: Layout
    units: tuple[str, ...]
    start: NDArray[np.int64]
    table: pa.Table

    @classmethod
    def read(cls, output: str, units: Sequence[str], needed: Sequence[str]) -> "Stored":
        """Read the needed columns of every unit. Raises ``columns.ColumnFileError``."""
        layout = Layout(output)
        tables = [columns.read(layout.signals(unit), needed) for unit in units]
        start = np.cumsum([0, *(table.num_rows for table in tables)])
        empty = pa.table({name: [] for name in needed})
        return cls(layout, tuple(units), start, pa.concat_tables(tables) if tables else empty)

    def identity(self, rows: NDArray[np.int64]) -> pa.Table:
        """``IDENTITY`` of a few rows (sorted), reading only the units that hold them."""
        cuts = np.searchsorted(rows, self.start)
        found = []
        for number in np.flatnonzero(np.diff(cuts)).tolist():
            inside = rows[cuts[number] : cuts[number + 1]] - self.start[number]
            found.append(columns.read(self.layout.signals(self.units[number]), IDENTITY))
            found[-1] = found[-1].take(inside)
        types = [pa.string(), pa.string(), pa.string(), pa.int32()]
        empty = pa.table([pa.array([], kind) for kind in types], names=list(IDENTITY))
        return pa.concat_tables(found) if found else empty


def decide(
    output: str, units: Sequence[str], pipeline: Pipeline, signals: Sequence[Signal]
) -> Verdicts:
    """Judge every row of the units. Raises ``columns.ColumnFileError``."""
    ordered = rules.checks(pipeline, tiers(signals))
    own = [check for check in ordered if check.column not in GROUP_COLUMNS]
    needed = {check.column for check in own} | {"reason", "phash"} | set(pipeline.quality)
    stored = Stored.read(output, units, sorted(needed))
    groups = {name: np.zeros(stored.table.num_rows, np.int8) for name in GROUP_COLUMNS}

    def values(column: str) -> NDArray[np.float64]:
        if column in groups:
            return groups[column].astype(np.float64)
        return columns.as_float(stored.table.column(column))

    readable = columns.is_null(stored.table.column("reason"))
    depth = rules.judge(values, readable, own, pipeline).depth
    rows, copies, better = _duplicates(stored, depth, pipeline.quality)
    groups["exact_better"][rows], groups["near_better"][rows] = copies.exact, copies.near
    judgement = rules.judge(values, readable, ordered, pipeline)
    exact, near = (groups[name] for name in GROUP_COLUMNS)
    return Verdicts(stored.units, stored.start, ordered, judgement, exact, near, better)


def _duplicates(
    stored: Stored, depth: NDArray[np.int16], quality: Sequence[str]
) -> tuple[NDArray[np.int64], Duplicates, dict[int, str]]:
    """The rows that may have copies, what their best copies are, and those copies' ids by row."""
    hashes = stored.table.column("phash")
    known, filled = ~columns.is_null(hashes), np.asarray(hashes.fill_null(0).to_numpy(), np.uint64)
    edges = read_edges(stored.layout.root)
    rows = duplicates.candidates(filled, known, edges)
    identity = stored.identity(rows)
    chosen = stored.table.select(list(quality)).take(rows)
    ranked = {"depth": depth[rows], **{name: columns.as_float(chosen[name]) for name in quality}}
    ranked |= {name: identity[name] for name in IDENTITY}
    rank = duplicates.ranks(pa.table(ranked), quality)
    ids = identity["id"].combine_chunks().dictionary_encode()
    numbers = np.asarray(ids.indices.to_numpy(), np.int64)
    copies = duplicates.resolve(filled[rows], edges, numbers, rank)
    losers = np.flatnonzero(copies.better >= 0)
    names = identity["id"].take(pa.array(copies.better[losers])).to_pylist()
    return rows, copies, dict(zip(rows[losers].tolist(), names, strict=True))
