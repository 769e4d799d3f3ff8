"""From stored signals to verdicts: no pixel is touched, so thresholds move in a second.

Units are read one at a time. What one unit must know of the others is which of its rows lost to a
copy: ``judging.units`` finds that out in one process, ``graphs.judging`` in many, step by step.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from curation import shard
from curation.configuration.loading import Pipeline
from curation.groupings.duplicates import representatives
from curation.groupings.duplicates.near import Edges, Hashes
from curation.groupings.duplicates.representatives import CONTENT, HASH, Copies, Members, Winners
from curation.judging import ledger, mixing, rules
from curation.judging.ledger import Counts
from curation.judging.mixing import Tally
from curation.judging.row_kinds import by_bytes_alone
from curation.judging.rules import DRAW_COLUMN, GROUP_COLUMNS, Check, Judgement, Seen
from curation.measuring.chosen import Chosen
from curation.measuring.pending import Pending
from curation.output import column_files
from curation.output.layout import Layout
from curation.output.measured import LOOKED
from curation.signals.signal import Signal

IDENTITY = ("key", "uri", "caption_length")
BEHIND_ALL = -1  # in place of the stages passed
SIZES = ("size", "input_bytes")
TOLD = ("key", "id", "reason", "detail", *SIZES, *ledger.CAPTION_COLUMNS)


@dataclass(frozen=True)
class Decision:
    """The verdicts over a unit's rows, in the order of its base file, and what led to them.

    ``rows`` are what is stored of the rows, ``ordered`` the checks that were made, ``draws`` (N,)
    those of drawn pictures, 0 for others, or None where the unit holds none. ``unlooked`` (N,) are
    those stopped for want of a model that never looked at them.
    """

    rows: pa.Table
    ordered: tuple[Check, ...]
    judgement: Judgement
    copies: Copies
    draws: NDArray[np.int32] | None
    unlooked: NDArray[np.bool_]

    @property
    def drawn(self) -> NDArray[np.bool_] | None:
        """Which rows are drawn pictures: (N,); None for none."""
        return None if self.draws is None else self.draws > 0


def tiers(signals: Sequence[Signal]) -> dict[str, str]:
    """The tier of every column that a rule may name."""
    found = {column: entry.tier for entry in signals for column in entry.columns}
    return {**found, "size": "file", **dict.fromkeys(GROUP_COLUMNS, "group")}


def scaling(signals: Sequence[Signal]) -> set[str]:
    """The columns that are stored per side of the image, and ruled in pixels."""
    return {name for entry in signals for name, of in entry.columns.items() if of.scales}


def read_edges(output: str) -> Edges:
    """The near-duplicate edges of a run."""
    table = column_files.read_all(Layout(output).near_parts(), ("a", "b"))
    pair = [np.asarray(table.column(name).to_numpy(), np.uint64) for name in ("a", "b")]
    return np.stack(pair, axis=1)


class Judge:
    """Judges the units of a run by one configuration; ``ordered`` are the checks of its stages.

    With ``hold`` it keeps what it read, because three looks at each unit are then faster; without,
    its memory is that of one unit. Methods raise ``columns.ColumnFileError``.
    """

    def __init__(
        self, output: str, pipeline: Pipeline, chosen: Chosen, *, hold: bool = False
    ) -> None:
        self.layout, self.pipeline, self.places = Layout(output), pipeline, chosen.models
        self.measured = chosen.measured(self.layout)
        self._model_of = {
            column: entry.name
            for entry in chosen.signals
            for column in (entry.columns if entry.name in chosen.models else ())
        }
        waves = {column: chosen.models[name][1] for column, name in self._model_of.items()}
        self.ordered: tuple[Check, ...] = rules.checks(
            pipeline, tiers(chosen.signals), waves, scaling(chosen.signals)
        )
        self._own = [check for check in self.ordered if check.column not in GROUP_COLUMNS]
        ruled = {check.column for check in self._own} | set(pipeline.quality)
        needed = ruled | {"reason", "phash", "id", "synthetic", "input_bytes"}
        needed |= {LOOKED + name for name in self.places}
        self._needed = sorted(needed | set(IDENTITY) if hold else needed)
        self._told = self._needed if hold else [*dict.fromkeys((*self._needed, *TOLD))]
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
        return representatives.content_tokens(_one(table.column("id")).take(pa.array(rows)))

    def competing(self, unit: str, hot: tuple[Members, Members]) -> tuple[pa.Table, pa.Table]:
        """The unit's best row of each of its hot tokens, by kind of token."""
        schema = representatives.row_schema(self.pipeline.quality)
        table = self._read(unit, [*dict.fromkeys((*self._needed, *IDENTITY))])
        rows, hashes = self._hot.get(unit) or _hashes(table)
        chosen_rows = hot[HASH].hold(hashes)
        rows, hashes = rows[chosen_rows], hashes[chosen_rows]
        if not len(rows):
            return schema.empty_table(), schema.empty_table()
        chosen = pa.array(rows)
        own = table.take(chosen)
        depth = self._judgement(own, self._own, {}, assumed=self._unseen(own)).depth
        depth[by_bytes_alone(own)] = BEHIND_ALL
        made = {
            "token": hashes,
            "unit": pa.DictionaryArray.from_arrays(np.zeros(len(rows), np.int32), [unit]),
            "row": rows.astype(np.int32),
            "depth": depth,
            **{name: column_files.as_float(own[name]) for name in self.pipeline.quality},
            "id": own["id"],
            **{name: own[name] for name in IDENTITY},
        }
        arrays = [made[field.name] for field in schema]
        arrays = [
            value.cast(field.type) if hasattr(value, "cast") else pa.array(value, field.type)
            for value, field in zip(arrays, schema, strict=True)
        ]
        near_rows = pa.Table.from_arrays(arrays, schema=schema)
        content = representatives.content_tokens(_one(own.column("id")))
        equal = near_rows.set_column(0, schema.field(0), pa.array(content))
        equal = equal.filter(pa.array(hot[CONTENT].hold(content)))
        return (
            representatives.best(near_rows, self.pipeline.quality, HASH),
            representatives.best(equal, self.pipeline.quality, CONTENT),
        )

    def decide(
        self, unit: str, winners: Winners | None, cut_offs: Mapping[int, float] | None = None
    ) -> Decision:
        """Judge the unit's rows; ``cut_offs`` are the largest draws by number of stage, if known.

        Without ``winners`` the copies are those that ``record_copies`` wrote.
        """
        table = self._read(unit, self._told)
        copies = self._copies(unit, table, winners) if winners else self._written_copies(unit)
        groups: dict[str, NDArray[Any]] = {}
        groups |= zip(GROUP_COLUMNS, (copies.exact, copies.near), strict=True)
        ordered, draws = self.ordered, self._draws(table)
        if draws is None:
            judgement = self._judgement(table, ordered, groups, None, self._needless(table, groups))
        else:
            groups[DRAW_COLUMN] = mixing.as_values(draws)
            ordered = rules.with_cut_offs(ordered, cut_offs or {})
            needless = self._needless(table, groups)
            judgement = self._judgement(table, ordered, groups, draws > 0, needless)
        unlooked = self._unlooked(table, ordered, judgement)
        return Decision(table, ordered, judgement, copies, draws, unlooked)

    def pending(self, unit: str, decision: Decision, winners: Winners) -> Pending:
        """The rows that models are to look at before the verdicts can be final.

        These are the rows that nothing cheaper stops, and those that win over copies of theirs by
        what a model has not seen yet: their rank is that of rows that pass.
        """
        if not self.places:
            return {}
        table, found = decision.rows, dict[str, set[int]]()
        self._wait(found, table, decision.judgement, decision.ordered, decision.unlooked)
        own = winners.rows_of(unit)
        if len(own):
            alone = self._judgement(table, self._own, {})
            unlooked = self._unlooked(table, self._own, alone)
            unlooked[np.setdiff1d(np.arange(table.num_rows), own)] = False
            self._wait(found, table, alone, self._own, unlooked)
        return {name: sorted(rows) for name, rows in found.items() if rows}

    def _wait(
        self,
        found: dict[str, set[int]],
        table: pa.Table,
        judgement: Judgement,
        checks: Sequence[Check],
        unlooked: NDArray[np.bool_],
    ) -> None:
        """Add the rows that wait for a model, for all models that share a read with it."""
        rows = np.flatnonzero(unlooked)
        deciding = judgement.check[rows]
        for index in np.unique(deciding).tolist():
            here = rows[deciding == index]
            place = self.places[self._model_of[checks[index].column]]
            for name in (name for name, of in self.places.items() if of == place):
                unseen = here[~_flag(table, LOOKED + name)[here]]
                found.setdefault(name, set()).update(unseen.tolist())

    def tally(self, unit: str, decision: Decision) -> Tally:
        """The draws of the unit's kept rows, decided without cut-offs."""
        kept = decision.judgement.verdict == rules.KEPT
        passed, stages = decision.judgement.depth[kept], len(self.pipeline.stages)
        if decision.draws is None:
            return mixing.tally(None, passed, stages)
        found = mixing.tally(decision.draws[kept], passed, stages)
        found.units.append(unit)
        return found

    def count(self, decision: Decision) -> Counts:
        """The unit's part of the funnel."""
        counts = Counts()
        reasons = decision.rows.column("reason")
        told = (decision.judgement, reasons, decision.ordered, self.pipeline)
        ledger.count(counts, *told, decision.unlooked, decision.drawn)
        return counts

    def record(self, unit: str, decision: Decision) -> Counts:
        """Write the unit's ledger and group columns. Raises ``OSError``."""
        self.record_copies(unit, decision)
        told, table, ordered = decision.judgement, decision.rows, decision.ordered
        why = (decision.copies.better, decision.unlooked)
        written = ledger.rows(table, told, ordered, self.pipeline, *why)
        column_files.write(self.layout.ledger(unit), written)
        counts = self.count(decision)
        kept = told.verdict == rules.KEPT
        ledger.count_captions(counts, table, kept)
        sizes = sum(column_files.as_float(table.column(name))[kept] for name in SIZES)
        least = shard.SHARD_BYTES // shard.SHARD_ROWS
        counts.kept_bytes[unit] = int(np.maximum(sizes, least).sum())
        return counts

    def record_copies(self, unit: str, decision: Decision) -> None:
        """Write the unit's group columns. Raises ``OSError``."""
        copies, schema = decision.copies, pa.schema(shard.GROUP_FIELDS)
        groups = pa.table([copies.exact, copies.near, copies.better], schema=schema)
        column_files.write(self.layout.groups(unit), groups)

    def _copies(self, unit: str, table: pa.Table, winners: Winners) -> Copies:
        rows, hashes = self._hot.get(unit) or _hashes(table)
        found = representatives.copies(unit, rows, hashes, _one(table.column("id")), winners)
        alike = by_bytes_alone(table) & (found.near == 1)
        found.near[alike] = 0
        for row in np.flatnonzero(alike & (found.exact == 0)).tolist():
            found.better[row] = None
        return found

    def _written_copies(self, unit: str) -> Copies:
        written = column_files.read(self.layout.groups(unit))
        exact, near = (np.asarray(written.column(name).to_numpy()) for name in GROUP_COLUMNS)
        return Copies(exact, near, written.column("duplicate_of").to_pylist())

    def _draws(self, table: pa.Table) -> NDArray[np.int32] | None:
        if not self.pipeline.synthetic:
            return None
        drawn = pc.and_(table.column("synthetic"), pc.is_null(table.column("reason")))
        rows = np.flatnonzero(drawn)
        if not len(rows):
            return None
        draws = np.zeros(table.num_rows, np.int32)
        ids = table.column("id").take(pa.array(rows)).to_pylist()
        draws[rows] = mixing.draws(ids, self.pipeline.seed)
        return draws

    def _judgement(
        self,
        table: pa.Table,
        checks: Sequence[Check],
        groups: Mapping[str, NDArray[Any]],
        drawn: NDArray[np.bool_] | None = None,
        assumed: Mapping[tuple[int, str], NDArray[np.bool_]] | None = None,
    ) -> Judgement:
        def seen(check: Check) -> Seen:
            if check.column in groups:
                return rules.numbers(check, groups[check.column].astype(np.float64))
            if check.side == "in":
                return rules.categories(check, table.column(check.column))
            return rules.numbers(check, column_files.as_float(table.column(check.column)))

        readable = column_files.is_null(table.column("reason"))
        return rules.judge(seen, readable, checks, self.pipeline, drawn, assumed)

    def _unlooked(
        self, table: pa.Table, ordered: Sequence[Check], judgement: Judgement
    ) -> NDArray[np.bool_]:
        """Rows that a null stopped which a model would have to look at: (N,)."""
        unlooked = np.zeros(table.num_rows, np.bool_)
        for index, check in enumerate(ordered):
            if model := self._model_of.get(check.column):
                stopped = (judgement.check == index) & (judgement.verdict == rules.QUARANTINED)
                unlooked |= stopped & ~_flag(table, LOOKED + model)
        return unlooked

    def _unseen(self, table: pa.Table) -> dict[tuple[int, str], NDArray[np.bool_]]:
        """By stage and column the rows (N,) that its model did not look at yet."""
        ruled = {(check.stage, check.column) for check in self.ordered}
        return {
            (stage, column): ~_flag(table, LOOKED + self._model_of[column])
            for stage, column in ruled
            if column in self._model_of
        }

    def _needless(
        self, table: pa.Table, groups: Mapping[str, NDArray[Any]]
    ) -> dict[tuple[int, str], NDArray[np.bool_]]:
        """By stage and column the rows (N,) that no model looked at and that fall as copies there.

        No model has to look at them: in the stage that needs it, their copies stand for them.
        """
        unseen = self._unseen(table)
        for place in unseen:
            falls = np.zeros(table.num_rows, np.bool_)
            for check in self.ordered:
                if check.stage == place[0] and check.column in GROUP_COLUMNS:
                    falls |= ~rules.passes(check, groups[check.column])
            unseen[place] &= falls
        return unseen

    def _read(self, unit: str, needed: Sequence[str]) -> pa.Table:
        if self._held is None or not set(needed) <= set(self._needed):
            return self.measured.read(unit, needed)
        if unit not in self._held:
            self._held[unit] = self.measured.read(unit, self._needed)
        return self._held[unit]


def _hashes(table: pa.Table) -> tuple[NDArray[np.int64], Hashes]:
    """The rows that have a perceptual hash, and those hashes."""
    column = table.column("phash")
    rows = np.flatnonzero(~column_files.is_null(column))
    return rows, np.asarray(column.drop_null().to_numpy(), np.uint64)


def _flag(table: pa.Table, name: str) -> NDArray[np.bool_]:
    """A column of booleans without nulls: (N,)."""
    return np.asarray(table.column(name), np.bool_)


def _one(column: pa.ChunkedArray) -> pa.Array:
    """The column as one array."""
    whole = column.combine_chunks()
    return pa.concat_arrays(whole.chunks) if isinstance(whole, pa.ChunkedArray) else whole
