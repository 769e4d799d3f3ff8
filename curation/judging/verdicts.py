"""From stored signals to verdicts: no pixel is touched, so thresholds move in a second.

Units are read one at a time. What one unit must know of the others is which of its rows lost to a
copy: ``judging.units`` finds that out in one process, ``graphs.judging`` in many, step by step.
"""

import functools
from collections.abc import Callable, Mapping, Sequence

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from curation.configuration.loading import Pipeline, Quota
from curation.groupings.duplicates import representatives
from curation.groupings.duplicates.grouping import IDENTITY, hashes
from curation.groupings.duplicates.near import Edges, Hashes
from curation.groupings.duplicates.representatives import (
    CONTENT,
    HASH,
    KINDS,
    PAIR,
    Members,
    Winners,
)
from curation.groupings.grouping import PASSED, Grouping
from curation.judging import captions, pairs, quotas, rules
from curation.judging.caption_ends import CaptionEnds
from curation.judging.decision import Decision
from curation.judging.histogram import Histogram
from curation.judging.ledger import COLUMNS, RETRIEVED
from curation.judging.pair_columns import PairColumns
from curation.judging.quotas import Limited
from curation.judging.reading import Reading
from curation.judging.rules import Check, Seen
from curation.judging.thresholds import Step, Thresholds, steps
from curation.judging.waiting import Looked, Waiting
from curation.measuring.chosen import Chosen
from curation.measuring.pending import Pending
from curation.measuring.pending import Waiting as Looks
from curation.output import column_files
from curation.output.groups import side_by_side
from curation.output.layout import Layout
from curation.output.measured import LOOKED, Measured
from curation.signals.pair_kind import UNKNOWN

NONE: Thresholds = {}


def read_edges(output: str) -> Edges:
    """The near-duplicate edges of a run."""
    table = column_files.read_all(Layout(output).near_parts(), ("a", "b"))
    pair = [np.asarray(table.column(name).to_numpy(), np.uint64) for name in ("a", "b")]
    return np.stack(pair, axis=1)


class Judge:
    """Judges the units of a run by one configuration; ``ordered`` are the checks of its stages,
    ``steps`` those in which the thresholds of its quotas are found, ``models`` what any is still
    to look at.

    With ``hold`` it keeps readings of all units, some ten bytes a row, a hundred of one that may
    be a copy; else that of the last. ``measured`` gives columns. Methods raise ``ColumnFileError``.
    """

    def __init__(
        self,
        output: str,
        pipeline: Pipeline,
        chosen: Chosen,
        *,
        hold: bool = False,
        measured: Measured | None = None,
    ) -> None:
        self.layout, self.pipeline = Layout(output), pipeline
        self.measured = measured or chosen.measured(self.layout)
        self.groups = chosen.groups(self.layout)
        self.groupings = {entry.name: entry for entry in chosen.groupings}
        self.duplicates = chosen.duplicates
        self.wholes: dict[str, pa.Table] = {}
        owners = chosen.owner | chosen.fillers
        waves = {
            column: chosen.models[of.name][1]
            for column, of in owners.items()
            if of.name in chosen.models
        }
        own = rules.checks(
            pipeline, chosen.tiers, waves, chosen.scaling, chosen.fillers.keys() & waves.keys()
        )
        self.ordered: tuple[Check, ...] = rules.with_quotas(own, pipeline)
        self.steps: tuple[Step, ...] = steps(pipeline)
        numbered = [*enumerate(self.ordered)]
        self._own = [
            (number, check)
            for number, check in numbered
            if not check.quota and check.column not in self.groups.ruled
        ]
        self._others = [entry for entry in numbered if entry not in self._own]
        self.models = Waiting(chosen, self.ordered, self.groups.refers)
        ruled = {check.column for _, check in self._own} | set(pipeline.quality)
        ruled |= {column for columns in chosen.quotas.values() for column in columns}
        ruled_captions = captions.columns(pipeline)
        ruled = ruled - {rules.CAPTIONS} | set(ruled_captions)
        self._pairs = PairColumns(pipeline, chosen, self.measured)
        ruled |= self._pairs.ruled
        self._ruled = sorted(ruled)
        self._said = [name for name in (RETRIEVED, UNKNOWN) if name in chosen.owner]
        needed = ruled | {"reason", "phash", "id", "synthetic", pairs.SIZE}
        needed |= {"caption_length", "captions_digest"}
        self._needed = sorted(needed | {LOOKED + name for name in chosen.models})
        self._ruled_captions, self.caption_ends = ruled_captions, CaptionEnds(pipeline, chosen)
        ruled_pairs = any(check.column == "pair_better" for check in self.ordered)
        self._standing_for = KINDS if ruled_pairs else (HASH, CONTENT)
        models = {name for name, of in chosen.owner.items() if of.tier == "model"}
        self._is_rank_seen = not models.isdisjoint(pipeline.quality)  # ranks then rise, too
        self._hold = hold
        self._readings: dict[str, Reading] = {}

    @property
    def others(self) -> list[Grouping]:
        """The groupings beside duplicates."""
        return [entry for entry in self.groupings.values() if entry is not self.duplicates]

    def summary(self, unit: str, grouping: Grouping, winners: Winners | None = None) -> pa.Table:
        """What a grouping must know of a unit; with ``winners`` it may read duplicates' columns."""
        made = winners and self._duplicates(unit, self.reading(unit, winners.hashes), winners)
        return grouping.summary(unit, self.rows_of(unit, grouping, made))

    def hashes(self, unit: str) -> Hashes:
        """The perceptual hashes of the rows that have one: (N,)."""
        return hashes(self.measured.read(unit, ("phash",)))[1]

    def tokens(self, unit: str) -> list[Hashes]:
        """By kind the tokens of the rows that have a perceptual hash, each (N,).

        Equal contents have equal perceptual hashes, so no others need be looked at.
        """
        table = self.measured.read(unit, ("phash", "id", "captions_digest"))
        rows, numbers = hashes(table)
        named = table.take(pa.array(rows))
        return [numbers, *(representatives.tokens(named, kind) for kind in (CONTENT, PAIR))]

    def reading(self, unit: str, hot: Members | None = None) -> Reading:
        """The unit's rows by the rules on signals, and those that may be copies: with a ``hot``
        hash.
        """
        known = self._readings.get(unit)
        if known is not None and (hot is None or known.contenders is not None):
            return known
        if not self._hold:
            self._readings.clear()
        reading = self._readings[unit] = self._read(unit, hot)
        return reading

    def _read(self, unit: str, hot: Members | None) -> Reading:
        table = self.rows(unit)
        rows, reasons = table.num_rows, table.column("reason")
        looked = self._looked(table)
        limited = tuple(
            quotas.limited(quota, table, self.pipeline.seed, self._unlooked(looked, quota, table))
            for quota in self.pipeline.quotas
        )
        seen = self._seen(table, {})
        readable = column_files.is_null(reasons)
        own = assumed = rules.stops(seen, readable, self._own)
        if self.models.at_unlooked(looked, own).any():
            unseen = self.models.unseen(looked, rows)
            assumed = rules.stops(seen, readable, self._own, unseen)
        contenders = None
        if hot is not None:
            depth = rules.judgement(assumed, readable, self.ordered, self.pipeline).depth
            passed = table.append_column(PASSED, pa.array(depth))
            contenders = self.duplicates.contenders(unit, passed, hot)
        broken = reasons.filter(pc.is_valid(reasons))
        return Reading(readable, broken, own, assumed, looked, limited, contenders)

    def rows(self, unit: str, besides: Sequence[str] = ()) -> pa.Table:
        """What verdicts on the unit's rows (N) are made of, and columns besides."""
        table = self.measured.read(unit, [*dict.fromkeys((*self._needed, *besides))])
        return self._pairs.added(table, unit, besides)

    def following(self, table: pa.Table, limits: NDArray[np.int64]) -> Pending:
        """Which of these rows (N) models are to look at next, by rules on signals alone.

        A row is not looked at for what a check decides from its limit (N,) on.
        """
        looked, waiting = self._looked(table), dict[str, set[int]]()
        readable = column_files.is_null(table.column("reason"))
        own = rules.stops(self._seen(table, {}), readable, self._own)
        unlooked = self.models.at_unlooked(looked, own) & (own.check < limits)
        self.models.add(waiting, looked, own.check, unlooked)
        return {name: sorted(rows) for name, rows in waiting.items() if rows}

    def _looked(self, table: pa.Table) -> dict[str, NDArray[np.bool_]]:
        """By model, at which of the rows (N,) it looked."""
        looked = {
            name: np.asarray(table.column(LOOKED + name), np.bool_) for name in self.models.places
        }
        return self._pairs.looked(table, looked)

    def named(self, unit: str, own: pa.Table, hot: Members) -> pa.Table:
        """Contenders of the unit with the names of those whose content is ``hot``."""
        equal = hot.hold(representatives.content_tokens(own.column("id")))
        if not equal.any():
            return own
        rows = pa.array(np.asarray(own.column("row")), mask=~equal)
        names = self.measured.read(unit, IDENTITY).take(rows)
        for name in IDENTITY:
            place = own.schema.get_field_index(name)
            own = own.set_column(place, own.schema.field(place), names.column(name))
        return own

    def competing(self, unit: str, hot: Sequence[Members]) -> list[pa.Table]:
        """The unit's best row of each of its hot tokens, by kind of token."""
        own = self.reading(unit, hot[0]).contenders
        assert own is not None
        return self.duplicates.competing(self.named(unit, own, hot[CONTENT]), hot[CONTENT:])

    def decide(self, unit: str, winners: Winners | None, thresholds: Thresholds = NONE) -> Decision:
        """Judge the unit's rows by those ``thresholds`` of quotas that are known.

        Without ``winners`` the group columns are those that were written.
        """
        reading = self.reading(unit, winners.hashes if winners else None)
        groups = self._grouped(unit, reading, winners) if winners else self.groups.read(unit)
        seen = self._seen(groups, {of.quota.name: of for of in reading.limited}, thresholds)
        own = reading.own
        if reading.assumed is not own:
            falls = self.models.falls(groups)
            needless = self.models.at_unlooked(reading.looked, own, falls)
            own = reading.assumed.where(needless, own)
        stopped = own.before(rules.stops(seen, reading.readable, self._others))
        least = np.zeros(reading.rows, np.int16)
        for of in reading.limited:
            if of.quota.share is not None:
                since = self.pipeline.number_of(of.quota.since) + 1
                least[of.rows] = np.maximum(least[of.rows], since)
        judged = rules.judgement(stopped, reading.readable, self.ordered, self.pipeline, least)
        unlooked = self.models.stopped(reading, judged)
        return Decision(reading, self.ordered, judged, groups, thresholds, unlooked)

    def stored(self, unit: str) -> pa.Table:
        """What ledgers say of the unit's rows, and what rules read."""
        names = (*self._ruled, *COLUMNS, *self._said, *self.caption_ends.columns)
        return self._pairs.added(self.measured.read(unit, [*dict.fromkeys(names)]), unit)

    def held_against(self, table: pa.Table, decision: Decision) -> rules.Held:
        """What decided about each of the rows (``stored``), and the bound it was held against."""
        limited = {of.quota.name: of for of in decision.reading.limited}
        columns = side_by_side([table, decision.groups])
        seen = self._seen(columns, limited, decision.thresholds)
        return rules.held_against(seen, decision.judgement, decision.ordered)

    def pending(self, unit: str, decision: Decision, winners: Winners) -> Pending:
        """The rows that models are to look at before the verdicts can be final.

        These are the rows that nothing cheaper stops, and those that win over copies of theirs by
        what a model has not seen yet: their rank is that of rows that pass. Kept rows wait for what
        is requested of them.
        """
        if not self.models.places:
            return {}
        reading, waiting = decision.reading, dict[str, set[int]]()
        self.models.add(waiting, reading.looked, decision.judgement.check, decision.unlooked)
        own = winners.rows_of(unit, self._standing_for)
        if len(own):
            unlooked = self.models.at_unlooked(reading.looked, reading.own)
            unlooked[np.setdiff1d(np.arange(reading.rows), own)] = False
            self.models.add(waiting, reading.looked, reading.own.check, unlooked)
        kept = decision.judgement.verdict == rules.KEPT
        self.models.add_kept(waiting, reading.looked, kept)
        return {name: sorted(rows) for name, rows in waiting.items() if rows}

    def waiting(self, unit: str, decision: Decision, winners: Winners) -> Looks:
        """The pending rows, and up to which check each may go on by its own columns.

        Ranks only fall while models look. So a row that falls as no duplicate now will fall as none
        while it passes, and one that wins over a copy still does. What quotas and other groupings
        say may change either way.
        """
        rows = self.pending(unit, decision, winners)
        if not rows:
            return Looks({})
        free = np.full(decision.reading.rows, len(self.ordered), np.int64)
        limits = free.copy()
        for index, check in reversed(self._others):
            if check.quota:
                limited = {of.quota.name: of for of in decision.reading.limited}[check.column]
                limits[limited.rows | limited.null] = index
            elif check.column not in self.duplicates.columns or self._may_yet_fall(check.column):
                limits[:] = index
        stages = [check.stage for check in self.ordered]
        for stage, falls in self.models.falls(decision.groups).items():
            limits = np.minimum(limits, np.where(falls, stages.index(stage), limits))
        if not self._is_rank_seen:
            limits[winners.rows_of(unit, self._standing_for)] = len(self.ordered)
        every = Looks(rows).every
        return Looks(rows, {row: int(limits[row]) for row in every if limits[row] < free[row]})

    def _may_yet_fall(self, column: str) -> bool:
        """Whether a row that is no such duplicate may become one though it passes all else.

        It may where ranks rise; and of other bytes' where its image is ranked by another row that
        stays beside it.
        """
        unique = any(check.column == "exact_better" for check in self.ordered)
        return self._is_rank_seen or (column == "near_better" and not unique)

    def looked_at(self, stage: str, rule: str | None) -> frozenset[str]:
        """The models whose columns are of a kept row, by its stage and rule in the ledger."""
        return self.models.looked_at(self.pipeline.number_of(stage) + 1, rule)

    def counted(self, unit: str, decision: Decision, step: Step) -> Histogram:
        """The ranks of the unit's kept rows in a quota, decided by the thresholds of the steps
        before.
        """
        judgement = decision.judgement
        deep = judgement.depth > self.pipeline.number_of(self.pipeline.keep)
        kept = (judgement.verdict == rules.KEPT) | decision.unlooked & deep
        counted = quotas.counted(decision.reading.limited[step.number], kept, judgement.depth)
        if decision.waits:
            counted.units.append(unit)
        return counted

    def _grouped(self, unit: str, reading: Reading, winners: Winners) -> pa.Table:
        """The columns of all groupings of the unit."""
        tables = []
        for name, entry in self.groupings.items():
            if entry is self.duplicates:
                tables.append(self._duplicates(unit, reading, winners))
            else:
                if name not in self.wholes:
                    self.wholes[name] = column_files.read(self.groups.whole(name))
                rows = self.rows_of(unit, entry, tables[0])
                tables.append(entry.measure(unit, rows, self.wholes[name]))
        return side_by_side(tables)

    def _duplicates(self, unit: str, reading: Reading, winners: Winners) -> pa.Table:
        """The columns of duplicates of the unit."""
        own = reading.contenders
        assert own is not None
        return self.duplicates.marked(unit, reading.rows, own, winners)

    def all_groups(self, table: pa.Table, decision: Decision) -> pa.Table:
        """The columns of groupings, and the stages that captions of the rows (``stored``) pass."""
        if not self._ruled_captions:
            return decision.groups
        depths = captions.depths(table, self.pipeline, texts=True)
        stages = captions.stages(depths, self.pipeline, table.num_rows)
        return side_by_side([decision.groups, stages])

    def ends(self, table: pa.Table, decision: Decision) -> pa.Table:
        """What became of each caption of the rows (``stored``)."""
        depths = captions.depths(table, self.pipeline, texts=True)
        return self.caption_ends.of_unit(table, depths, decision)

    def rows_of(
        self, unit: str, grouping: Grouping, duplicates: pa.Table | None = None
    ) -> pa.Table:
        """What a grouping reads of a unit; of ``duplicates`` what those columns say."""
        made = [name for name in self.duplicates.columns if name in grouping.reads]
        measured = [name for name in grouping.reads if name not in (PASSED, *made)]
        table = self.measured.read(unit, measured)
        if made and duplicates is not None:
            table = side_by_side([table, duplicates.select(made)])
        if PASSED in grouping.reads:
            reading = self.reading(unit)
            judged = reading.assumed, reading.readable, self.ordered, self.pipeline
            table = table.append_column(PASSED, pa.array(rules.judgement(*judged).depth))
        return table.select(grouping.reads)

    def _unlooked(self, looked: Looked, quota: Quota, table: pa.Table) -> NDArray[np.bool_]:
        """The rows (N,) at which a model of the quota's categories did not look yet."""
        rows = table.num_rows
        every = (
            self.models.unlooked(looked, column, rows) & self._pairs.open_to(table, column)
            for column in quota.margins
        )
        return functools.reduce(np.logical_or, every, np.zeros(rows, np.bool_))

    def _seen(
        self, table: pa.Table, limited: Mapping[str, Limited], thresholds: Thresholds = NONE
    ) -> Callable[[Check], Seen]:
        """What checks see of rows with these columns."""
        ruled = set(self._ruled_captions) <= set(table.column_names)
        depths: captions.BySplit = {}
        if ruled and self._ruled_captions:
            depths = captions.depths(table, self.pipeline)
        waits = self.caption_ends.waits(table, depths)
        edits = self._pairs.of(table)

        def seen(check: Check) -> Seen:
            if check.quota:
                return limited[check.column].seen(check, thresholds.get(check.column, {}))
            if check.column == rules.CAPTIONS:
                return captions.seen(check, depths, waits)
            return edits.seen(check, pairs.seen(check, table.column(check.column)))

        return seen
