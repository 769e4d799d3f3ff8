"""From stored signals to verdicts: no pixel is touched, so thresholds move in a second.

Units are read one at a time. What one unit must know of the others is which of its rows lost to a
copy: ``judging.units`` finds that out in one process, ``graphs.judging`` in many, step by step.
"""

from collections.abc import Mapping, Sequence

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from curation.configuration.loading import Pipeline
from curation.groupings.duplicates import representatives
from curation.groupings.duplicates.grouping import IDENTITY, hashes, one_array
from curation.groupings.duplicates.near import Edges, Hashes
from curation.groupings.duplicates.representatives import CONTENT, HASH, Members, Winners
from curation.groupings.grouping import PASSED, Grouping
from curation.judging import captions, quotas, rules
from curation.judging.decision import Decision
from curation.judging.histogram import Histogram
from curation.judging.quotas import Limited, Thresholds
from curation.judging.recording import COLUMNS
from curation.judging.rules import Check, Judgement, Seen
from curation.judging.waiting import Waiting
from curation.measuring.chosen import Chosen
from curation.measuring.pending import Pending
from curation.output import column_files
from curation.output.groups import side_by_side
from curation.output.layout import Layout
from curation.output.measured import LOOKED
from curation.signals.signal import Signal

NONE: Thresholds = {}


def tiers(chosen: Chosen) -> dict[str, str]:
    """The tier of every column that a rule may name."""
    known = {column: entry.tier for entry in chosen.signals for column in entry.columns}
    groups = (column for entry in chosen.groupings for column in entry.columns)
    return {**known, "size": "file", **dict.fromkeys(groups, "group")}


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
        self.layout, self.pipeline = Layout(output), pipeline
        self.measured, self.groups = chosen.measured(self.layout), chosen.groups(self.layout)
        self.groupings = {entry.name: entry for entry in chosen.groupings}
        self.duplicates = chosen.duplicates
        self.wholes: dict[str, pa.Table] = {}
        waves = {
            column: chosen.models[of.name][1]
            for column, of in chosen.owner.items()
            if of.name in chosen.models
        }
        self.ordered: tuple[Check, ...] = rules.checks(
            pipeline, tiers(chosen), waves, scaling(chosen.signals)
        )
        self._with_quotas = rules.with_quotas(self.ordered, pipeline)
        self._own = [check for check in self.ordered if check.column not in self.groups.ruled]
        self._waiting = Waiting(chosen, self.ordered, self.groups.refers)
        ruled = {check.column for check in self._own} | set(pipeline.quality)
        ruled |= {column for columns in chosen.quotas.values() for column in columns}
        needed = ruled | {"reason", "phash", "id", "synthetic", "input_bytes"}
        needed |= {LOOKED + name for name in chosen.models}
        needed = needed - {rules.CAPTIONS} | set(captions.columns(pipeline))
        needed |= {name for entry in self.others for name in entry.reads if name != PASSED}
        self._needed = sorted(needed)
        self._told = self._needed if hold else [*dict.fromkeys((*self._needed, *COLUMNS))]
        self._ruled_captions = captions.columns(pipeline)
        self._held: dict[str, pa.Table] | None = {} if hold else None
        self._hot: dict[str, tuple[NDArray[np.int64], Hashes]] = {}

    @property
    def others(self) -> list[Grouping]:
        """The groupings beside duplicates."""
        return [entry for entry in self.groupings.values() if entry is not self.duplicates]

    def summary(self, unit: str, grouping: Grouping) -> pa.Table:
        """What a grouping must know of a unit."""
        return grouping.summary(unit, self.rows_of(unit, grouping))

    def hashes(self, unit: str) -> Hashes:
        """The perceptual hashes of the rows that have one: (N,)."""
        return hashes(self._read(unit, ("phash",)))[1]

    def contents(self, unit: str, hot: Members | None = None) -> Hashes:
        """Content tokens of the rows that have a perceptual hash, or a hot one: (N,).

        Equal contents have equal perceptual hashes, so no others need be looked at, here or later.
        """
        table = self._read(unit, ("phash", "id"))
        rows, numbers = hashes(table)
        if hot is not None:
            chosen = hot.hold(numbers)
            rows, numbers = self._hot[unit] = rows[chosen], numbers[chosen]
        return representatives.content_tokens(one_array(table.column("id")).take(pa.array(rows)))

    def competing(self, unit: str, hot: tuple[Members, Members]) -> tuple[pa.Table, pa.Table]:
        """The unit's best row of each of its hot tokens, by kind of token."""
        schema = representatives.row_schema(self.pipeline.quality)
        beside = () if self._held is not None else IDENTITY  # read at once, unless the rest is held
        table = self._read(unit, [*dict.fromkeys((*self._needed, *beside))])
        rows, numbers = self._hot.get(unit) or hashes(table)
        chosen = hot[HASH].hold(numbers)
        rows, numbers = rows[chosen], numbers[chosen]
        if not len(rows):
            return schema.empty_table(), schema.empty_table()
        own = table.take(pa.array(rows))
        names = [name for name in IDENTITY if name not in own.column_names]
        if names:
            named = self.measured.read(unit, names).take(pa.array(rows))
            own = side_by_side([own, named])
        depth = self._judgement(own, self._own, {}, assumed=self._waiting.unseen(own)).depth
        return self.duplicates.competing(unit, own, rows, numbers, (depth, hot[CONTENT]))

    def decide(self, unit: str, winners: Winners | None, thresholds: Thresholds = NONE) -> Decision:
        """Judge the unit's rows by those ``thresholds`` of quotas that are known.

        Without ``winners`` the group columns are those that were written.
        """
        table = self._read(unit, self._told)
        grouped = self._grouped(unit, table, winners) if winners else self.groups.read(unit)
        groups = {name: grouped.column(name) for name in self.groups.ruled}
        limited = tuple(
            quotas.limited(
                quota, table, self.pipeline.seed, self._waiting.unlooked(table, quota.by)
            )
            for quota in self.pipeline.quotas
        )
        ordered, needless = self._with_quotas, self._waiting.needless(table, groups)
        judgement = self._judgement(table, ordered, groups, limited, thresholds, needless)
        unlooked = self._waiting.stopped(table, ordered, judgement)
        return Decision(table, ordered, judgement, grouped, limited, thresholds, unlooked)

    def pending(self, unit: str, decision: Decision, winners: Winners) -> Pending:
        """The rows that models are to look at before the verdicts can be final.

        These are the rows that nothing cheaper stops, and those that win over copies of theirs by
        what a model has not seen yet: their rank is that of rows that pass. Kept rows wait for what
        is requested of them.
        """
        if not self._waiting.places:
            return {}
        table, waiting = decision.rows, dict[str, set[int]]()
        judged = (decision.judgement, decision.ordered, decision.unlooked)
        self._waiting.add(waiting, table, judged)
        own = winners.rows_of(unit)
        if len(own):
            alone = self._judgement(table, self._own, {})
            unlooked = self._waiting.stopped(table, self._own, alone)
            unlooked[np.setdiff1d(np.arange(table.num_rows), own)] = False
            self._waiting.add(waiting, table, (alone, self._own, unlooked))
        kept = decision.judgement.verdict == rules.KEPT
        self._waiting.add_kept(waiting, table, kept)
        return {name: sorted(rows) for name, rows in waiting.items() if rows}

    def counted(self, unit: str, decision: Decision, quota: int = 0) -> Histogram:
        """The ranks of the unit's kept rows in a quota, decided by the thresholds before it."""
        judgement = decision.judgement
        kept = judgement.verdict == rules.KEPT
        counted = quotas.counted(decision.limited[quota], kept, judgement.depth)
        if decision.waits:
            counted.units.append(unit)
        return counted

    def _grouped(self, unit: str, table: pa.Table, winners: Winners) -> pa.Table:
        """All group columns of the unit."""
        known = self._hot.get(unit) or hashes(table)
        tables = []
        for name, entry in self.groupings.items():
            if entry is self.duplicates:
                tables.append(self.duplicates.marked(unit, table, known, winners))
            else:
                if name not in self.wholes:
                    self.wholes[name] = column_files.read(self.groups.whole(name))
                rows = self.rows_of(unit, entry)
                tables.append(entry.measure(unit, rows, self.wholes[name]))
        if self._ruled_captions:
            depths = captions.depths(table, self.pipeline)
            tables.append(captions.stages(depths, self.pipeline, table.num_rows))
        return side_by_side(tables)

    def rows_of(self, unit: str, grouping: Grouping) -> pa.Table:
        """What a grouping reads of a unit."""
        reads = [name for name in grouping.reads if name != PASSED]
        if PASSED not in grouping.reads:
            return self._read(unit, reads)
        table = self._read(unit, [*dict.fromkeys((*self._needed, *reads))])
        judged = self._judgement(table, self._own, {}, assumed=self._waiting.unseen(table))
        return table.append_column(PASSED, pa.array(judged.depth)).select(grouping.reads)

    def _judgement(
        self,
        table: pa.Table,
        checks: Sequence[Check],
        groups: Mapping[str, pa.ChunkedArray],
        limited: Sequence[Limited] = (),
        thresholds: Thresholds = NONE,
        assumed: Mapping[tuple[int, str], NDArray[np.bool_]] | None = None,
    ) -> Judgement:
        by_quota = {of.quota.name: of for of in limited}
        depths = captions.depths(table, self.pipeline) if self._ruled_captions else {}

        def seen(check: Check) -> Seen:
            if check.quota:
                return by_quota[check.column].seen(check, thresholds.get(check.column, {}))
            if check.column == rules.CAPTIONS:
                return captions.seen(check, depths, table.num_rows)
            column = groups[check.column] if check.column in groups else table[check.column]
            if check.side == "in":
                return rules.categories(check, column)
            return rules.numbers(check, column_files.as_float(column))

        least = np.zeros(table.num_rows, np.int16)
        for of in limited:
            if of.quota.share is not None:
                since = self.pipeline.number_of(of.quota.since) + 1
                least[of.rows] = np.maximum(least[of.rows], since)
        readable = column_files.is_null(table.column("reason"))
        return rules.judge(seen, readable, checks, self.pipeline, least, assumed)

    def _read(self, unit: str, needed: Sequence[str]) -> pa.Table:
        if self._held is None or not set(needed) <= set(self._needed):
            return self.measured.read(unit, needed)
        if unit not in self._held:
            self._held[unit] = self.measured.read(unit, self._needed)
        return self._held[unit]
