"""The Beam graph between measuring and writing: near duplicates, then every unit's verdicts.

Up to ``ROWS_PER_PARTITION`` rows one step does all of it, one unit in memory at a time. Above that
``graphs.near_duplicates`` finds in partitions of about that many rows what each unit must know of
the others, and ``Judge`` writes the unit's ledger. Units with rows that a quota limits
only count their ranks; thresholds are found from the ranks of all units, step by step
(``judging.thresholds``), and then ``JudgeLimited`` writes the ledger.
"""

import functools
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field

import apache_beam as beam
import pyarrow as pa

from curation import storage
from curation.configuration.loading import Pipeline
from curation.graphs import near_duplicates
from curation.graphs.near_duplicates import CopiesStep
from curation.graphs.steps import named, units
from curation.groupings.duplicates import near, representatives
from curation.groupings.duplicates.near import Edges, Hashes
from curation.groupings.duplicates.representatives import HASH, Winners
from curation.groupings.grouping import Telling, concluded
from curation.judging import recording
from curation.judging import units as judged_units
from curation.judging.decision import Decision
from curation.judging.histogram import Histogram
from curation.judging.ledger import Counts
from curation.judging.thresholds import Thresholds, of_step, steps
from curation.judging.verdicts import Judge
from curation.measuring import pending
from curation.measuring.chosen import Chosen
from curation.measuring.pending import Waiting
from curation.runners import running
from curation.sources import plan

ROWS_PER_PARTITION = 2_000_000


class JudgingStep(CopiesStep):
    """A step that writes verdicts."""

    def write_counts(self, counts: Counts) -> None:
        """Write the funnel of the run."""
        with named():
            storage.write_bytes(self.layout.counts, counts.to_bytes())

    def record_groups(self, unit: str, decision: Decision) -> None:
        """Write the unit's group columns."""
        with named():
            recording.record_groups(self.judge, unit, decision)

    def record(self, unit: str, decision: Decision) -> Counts:
        """Write the unit's verdicts."""
        with named():
            return recording.record(self.judge, unit, decision)

    def record_pending(self, unit: str, waiting: Waiting) -> Counts:
        """Write which rows models are still to look at, and count them."""
        with named():
            pending.write(self.layout, unit, waiting)
        pending_rows = Counter({name: len(of) for name, of in waiting.rows.items()})
        return Counts(pending=pending_rows, waiting=len(waiting.every))


class JudgeAll(JudgingStep):
    """Output folder -> nothing, once all its units are judged, one after the other."""

    def process(self, output: str) -> None:
        names, counts = plan.read_names(output), Counts()
        self.judge = Judge(output, self.pipeline, self.chosen, hold=True)
        winners = judged_units.winners(self.judge, names, self._join)
        judged_units.sum_up(self.judge, names, winners)
        for grouping in self.judge.others:
            if isinstance(grouping, Telling):  # of the others nobody asks
                self.write(self.judge.groups.whole(grouping.name), self.judge.wholes[grouping.name])
        for name, decision in judged_units.decisions(self.judge, names, winners):
            counts.add(self.record(name, decision))
            counts.add(self.record_pending(name, self.judge.waiting(name, decision, winners)))
        self.write_counts(counts)

    def _join(self, hashes: Hashes) -> Edges:
        edges = near.join(near.distinct(hashes), self.pipeline.near_duplicate.radius)
        self.write_edges(0, edges)
        return edges


@dataclass
class Judged:
    """What is told of judged units: their ``counts``, and the ranks of the rows they keep.

    ``free`` are those of units in which no quota limits a row, the others are in ``waiting``: of
    those units only what is pending is counted yet. ``thresholds`` are those known by now, after
    so many ``steps``.
    """

    counts: Counts = field(default_factory=Counts)
    free: Histogram = field(default_factory=Histogram)
    waiting: Histogram = field(default_factory=Histogram)
    thresholds: Thresholds = field(default_factory=dict)
    steps: int = 0

    def add(self, other: "Judged") -> None:
        """Add other units."""
        self.counts.add(other.counts)
        self.free.add(other.free)
        self.waiting.add(other.waiting)
        self.thresholds = self.thresholds or other.thresholds
        self.steps = max(self.steps, other.steps)


class JudgeUnit(JudgingStep):
    """(unit, winners of its tokens) -> its counts, once its verdicts are written.

    Of a unit with rows that a quota limits only the group columns are written.
    """

    def process(
        self, element: tuple[str, Iterable[tuple[int, bytes]]]
    ) -> Iterator[tuple[str, Judged]]:
        unit, values = element
        winners = Winners(
            tuple(
                representatives.best(self.unpack(data), self.quality, kind)
                for kind, data in enumerate(near_duplicates.by_kind(values))
            )
        )
        decision = self.judge.decide(unit, winners)
        judged = Judged(self.record_pending(unit, self.judge.waiting(unit, decision, winners)))
        first = self.judge.steps[:1]
        ranks = self.judge.counted(unit, decision, *first) if first else Histogram()
        if decision.waits:
            self.record_groups(unit, decision)
            judged.waiting.add(ranks)
        else:
            judged.counts.add(self.record(unit, decision))
            judged.free.add(ranks)
        yield "units", judged


class FindThresholds(JudgingStep):
    """("units", all of them) -> (unit, thresholds and after how many steps) for each with rows that
    a quota limits.
    """

    def process(self, element: tuple[str, Judged]) -> Iterator[tuple[str, tuple[Thresholds, int]]]:
        judged, total = element[1], Histogram()
        for ranks in (judged.free, judged.waiting):
            total.add(ranks)
        step = self.judge.steps[judged.steps]
        known = of_step(total, step, judged.thresholds, self.pipeline)
        for unit in total.units:
            yield unit, (known, judged.steps + 1)


class JudgeLimited(JudgingStep):
    """(unit, thresholds after so many steps) -> its ranks in the next step; after the last its
    verdicts are written and it is counted.
    """

    def process(self, element: tuple[str, tuple[Thresholds, int]]) -> Iterator[tuple[str, Judged]]:
        unit, (known, steps) = element
        decision = self.judge.decide(unit, None, known)
        if steps == len(self.judge.steps):
            yield "units", Judged(self.record(unit, decision))
        else:
            ranks = self.judge.counted(unit, decision, self.judge.steps[steps])
            yield "units", Judged(waiting=ranks, thresholds=known, steps=steps)


@beam.typehints.with_input_types(Judged)
@beam.typehints.with_output_types(Judged)
class AddJudged(beam.CombineFn):  # type: ignore[misc]
    """What is told of units -> what is told of all of them, added on the way."""

    def create_accumulator(self) -> Judged:
        return Judged()

    def add_input(self, accumulator: Judged, judged: Judged) -> Judged:
        accumulator.add(judged)
        return accumulator

    def merge_accumulators(self, accumulators: Iterable[Judged]) -> Judged:
        merged = Judged()
        for judged in accumulators:
            merged.add(judged)
        return merged

    def extract_output(self, accumulator: Judged) -> Judged:
        return accumulator


class WriteCounts(JudgingStep):
    """("units", what is told of all of them) -> nothing, once the counts are written."""

    def process(self, element: tuple[str, Judged]) -> None:
        self.write_counts(element[1].counts)


def _without_waiting(element: tuple[str, Judged]) -> tuple[str, Judged]:
    """What is told of units whose verdicts are written, and what the others' depend on."""
    name, judged = element
    return name, Judged(judged.counts, judged.free)


class Summarise(JudgingStep):
    """Unit name -> (grouping, the unit's summary), for all beside duplicates."""

    def process(self, unit: str) -> Iterator[tuple[str, pa.Table]]:
        for grouping in self.judge.others:
            yield grouping.name, self.judge.summary(unit, grouping)


class MergeSummaries(JudgingStep):
    """(grouping, summaries of units) -> nothing, once that of the whole is written."""

    def process(self, element: tuple[str, Iterable[pa.Table]]) -> None:
        name, summaries = element
        grouping = self.judge.groupings[name]
        summary = functools.reduce(grouping.merge, summaries)
        self.write(self.judge.groups.whole(name), concluded(grouping, summary))


def _sum_up(step_arguments: tuple[str, Pipeline, int], arguments: Sequence[str]) -> None:
    """Write what each grouping beside duplicates knows of all units."""
    if not step_arguments[1].groupings:
        return
    with running.pipeline(arguments) as root:
        (
            units(root, step_arguments[0])
            | "Summarise" >> beam.ParDo(Summarise(*step_arguments))
            | "Summaries" >> beam.GroupByKey()
            | "Merge" >> beam.ParDo(MergeSummaries(*step_arguments))
        )


def _asking(unit: str) -> tuple[str, tuple[int, bytes]]:
    """Every unit is judged, also one that no winner is told to."""
    return unit, (HASH, b"")


def refuse_too_many(signals: Chosen, pipeline: Pipeline, rows: int) -> None:
    """Raises ``ConfigurationError``: for so many rows a grouping would take several processes."""
    made = signals.duplicates.columns.keys()
    for grouping in signals.groupings:
        if rows > ROWS_PER_PARTITION and not made.isdisjoint(grouping.reads):
            message = f"the grouping {grouping.name!r} holds all rows in one process: of about"
            message += f" {rows:,} rows, expected at most {ROWS_PER_PARTITION:,}; run the"
            message += " collection in parts, or leave out the grouping and what rules its columns"
            raise pipeline.error(message, "groupings")


def judge_units(output: str, pipeline: Pipeline, arguments: Sequence[str], rows: int) -> None:
    """Join near duplicates; write ledger and groups of every unit, then the counts of the run.

    ``rows`` is about how many the units hold. Raises ``RuntimeError``.
    """
    partitions = 1 + rows // ROWS_PER_PARTITION
    if partitions == 1:
        with running.pipeline(arguments) as root:
            root | "Plan" >> beam.Create([output]) | beam.ParDo(JudgeAll(output, pipeline))
        return
    step_arguments = (output, pipeline, partitions)
    _sum_up(step_arguments, arguments)
    with running.pipeline(arguments) as root:
        names = units(root, output)
        winners = near_duplicates.winners(names, *step_arguments)
        all_units = names | "EveryUnit" >> beam.Map(_asking)
        judged = (
            (winners, all_units)
            | "UnitsAndWinners" >> beam.Flatten()
            | "Winners" >> beam.GroupByKey()
            | "Judge" >> beam.ParDo(JudgeUnit(*step_arguments))
            | "Add" >> beam.CombinePerKey(AddJudged())
        )
        done = judged | "Done" >> beam.Map(_without_waiting)
        for number in range(len(steps(pipeline))):
            limited = (
                judged
                | f"Thresholds{number}" >> beam.ParDo(FindThresholds(*step_arguments))
                | f"BalanceLimited{number}" >> beam.Reshuffle()
                | f"JudgeLimited{number}" >> beam.ParDo(JudgeLimited(*step_arguments))
            )
            judged = (
                (done, limited)
                | f"FreeAndLimited{number}" >> beam.Flatten()
                | f"AddLimited{number}" >> beam.CombinePerKey(AddJudged())
            )
        judged | "Counts" >> beam.ParDo(WriteCounts(*step_arguments))
