"""The Beam graphs of a run that touch pictures; ``curation.judging`` is the one between them.

Two pipelines: ``measure`` (per unit: signals, models) and ``shards`` (per shard: read, sort,
write), and one for programs (per part). Elements are names and row numbers; picture bytes never
cross a shuffle. Every step
writes files atomically and skips what is already there, so a runner may repeat any of them.
"""

import contextlib
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import apache_beam as beam
import pyarrow as pa

from curation import (
    columns,
    contents,
    failures,
    fingerprint,
    gather,
    measure,
    memory,
    plan,
    rules,
    runners,
    shard,
    signal,
    sources,
    storage,
)
from curation.configuration import Pipeline
from curation.layout import Layout
from curation.program import Program
from curation.verdicts import tiers


class OutputError(Exception):
    """Writing a result failed; a step's failure carries this name through any runner."""


class InputError(Exception):
    """Reading an input failed for a reason that lies in the filesystem, not in the input."""


@contextlib.contextmanager
def reading() -> Iterator[None]:
    """Give what a filesystem raises in the block a name that passes through any runner."""
    try:
        yield
    except OSError as error:
        raise InputError(
            f"{error}; check the network and the credentials, then run the same command again to "
            "go on"
        ) from error


class Step(beam.DoFn):  # type: ignore[misc]
    """What every step knows: where the run is, what it is to do, and which version asked."""

    def __init__(self, output: str, pipeline: Pipeline) -> None:
        super().__init__()
        self.layout = Layout(output)
        self.pipeline = pipeline
        self.driver = fingerprint.here(pipeline.signals)

    def setup(self) -> None:
        fingerprint.check(self.driver)
        import cv2

        cv2.setNumThreads(1)  # the runner's workers are the parallelism
        memory.keep_freed()
        self.signals = signal.discover(self.pipeline.signals)

    def write(self, path: str, table: pa.Table) -> None:
        try:
            columns.write(path, table)
        except OSError as error:
            raise OutputError(failures.of_disk(error)) from error

    def write_signals(self, unit: str, table: pa.Table) -> None:
        if storage.exists(self.layout.checked(unit)):
            storage.delete([self.layout.checked(unit)])
        self.write(self.layout.signals(unit), table)
        self.set_checked(unit)

    def set_checked(self, unit: str) -> None:
        try:
            contents.set_checked(self.layout, unit)
        except OSError as error:
            raise OutputError(failures.of_disk(error)) from error


class MeasureUnit(Step):
    """Unit name -> unit name, once ``signals/<unit>.parquet`` is of what the unit holds now."""

    def process(self, unit: str) -> Iterator[str]:
        if not contents.is_checked(self.layout, unit):
            source = plan.read_unit(self.layout.plan(unit))
            before = contents.measured(self.layout, unit)
            with reading():
                keep = source.columns.keep
                table = contents.compared(before, sources.read(source)) if before else None
                if table is None:
                    table = measure.measure(sources.read(source), self.signals, keep)
            if before is not None and table.equals(before):
                self.set_checked(unit)
            else:
                self.write_signals(unit, table)
        yield unit


class RunModels(Step):
    """Unit name -> unit name, once its living rows have the columns of every ruled model."""

    def setup(self) -> None:
        super().setup()
        ruled = {column for stage in self.pipeline.stages for column in stage.bounds}
        self.models = [
            entry for entry in self.signals if entry.tier == "model" and ruled & set(entry.columns)
        ]
        for entry in self.models:
            signal.load(entry)

    def process(self, unit: str) -> Iterator[str]:
        if self.models:
            table = columns.read(self.layout.signals(unit))
            wanted = measure.pending(table, self._alive(table), self.models)
            if wanted.any():
                source = plan.read_unit(self.layout.plan(unit))
                with reading():
                    table = measure.fill_models(
                        table, wanted, self.models, lambda uris: sources.read(source, only=uris)
                    )
                self.write_signals(unit, table)
        yield unit

    def _alive(self, table: pa.Table) -> Any:
        """Rows that pass what is cheap in the first, loosest stage."""
        known = tiers(self.signals)
        first = [
            check
            for check in rules.checks(self.pipeline, known)
            if check.stage == 0 and known[check.column] in ("file", "pixel")
        ]
        readable = columns.is_null(table.column("reason"))
        judged = rules.judge(
            lambda column: columns.as_float(table.column(column)), readable, first, self.pipeline
        )
        return judged.depth > 0


class GatherShard(Step):
    """A shard's line of the assignment -> its line of the manifest, once its file is there."""

    def __init__(self, output: str, pipeline: Pipeline, kept: Sequence[pa.Field]) -> None:
        super().__init__(output, pipeline)
        self.kept = tuple(kept)

    def process(self, line: str) -> Iterator[tuple[str, shard.ShardInfo]]:
        fields = [*signal.fields(self.signals), *self.kept]
        try:
            info = gather.gather(self.layout.root, *gather.assigned(line), fields)
        except OSError as error:
            raise OutputError(failures.of_disk(error, self.layout.shards)) from error
        memory.give_back()
        if info:
            yield "manifest", info


class WriteManifest(Step):
    """(name, all shards) -> nothing, once the manifest is written."""

    def process(self, element: tuple[str, Iterable[shard.ShardInfo]]) -> None:
        try:
            shard.write_manifest(self.layout.shards, list(element[1]))
        except OSError as error:
            raise OutputError(failures.of_disk(error, self.layout.shards)) from error


class ProgramStep(beam.DoFn):  # type: ignore[misc]
    """What the steps of a program know: where it writes, and which version asked."""

    def __init__(self, output: str, program: Program) -> None:
        super().__init__()
        self.output = output
        self.program = program
        self.driver = fingerprint.here([type(program).__module__])

    def setup(self) -> None:
        fingerprint.check(self.driver)
        import cv2

        cv2.setNumThreads(1)  # the runner's workers are the parallelism
        memory.keep_freed()
        self.program.prepare()


class CarryOut(ProgramStep):
    """A part of a program -> what it tells, once its files are there."""

    def process(self, part: str) -> Iterator[tuple[str, str]]:
        try:
            yield "all", self.program.carry_out(self.output, part)
        except OSError as error:
            raise OutputError(failures.of_disk(error, self.output)) from error
        memory.give_back()


class Complete(ProgramStep):
    """(name, what all parts told) -> nothing, once what goes with them all is written."""

    def __init__(self, output: str, program: Program, parts: Sequence[str]) -> None:
        super().__init__(output, program)
        self.parts = tuple(parts)

    def process(self, element: tuple[str, Iterable[str]]) -> None:
        try:
            self.program.complete(self.output, self.parts, list(element[1]))
        except OSError as error:
            raise OutputError(failures.of_disk(error, self.output)) from error


def units(root: beam.Pipeline, output: str) -> beam.PCollection:
    """The names of all units, read where the graph runs: the graph does not grow with them."""
    return (
        root
        | "Plan" >> beam.Create([output])
        | "Units" >> beam.FlatMap(plan.read_names)
        | "Balance" >> beam.Reshuffle()
    )


def measure_units(output: str, pipeline: Pipeline, arguments: Sequence[str]) -> None:
    """Measure the units and run the models. Raises ``RuntimeError``."""
    with runners.pipeline(arguments) as root:
        (
            units(root, output)
            | "Measure" >> beam.ParDo(MeasureUnit(output, pipeline))
            | "Models"
            >> beam.ParDo(RunModels(output, pipeline)).with_resource_hints(
                **runners.model_hints(arguments)
            )
        )


def write_shards(
    output: str, pipeline: Pipeline, arguments: Sequence[str], kept: Sequence[pa.Field] = ()
) -> None:
    """Gather the kept rows, with these columns of theirs besides, into the assigned shards.

    Raises ``RuntimeError``.
    """
    with runners.pipeline(arguments) as root:
        (
            root
            | "Assignment" >> beam.Create([output])
            | "Shards" >> beam.FlatMap(gather.read_assignment)
            | "Balance" >> beam.Reshuffle()
            | "Gather" >> beam.ParDo(GatherShard(output, pipeline, kept))
            | "All" >> beam.GroupByKey()
            | "Manifest" >> beam.ParDo(WriteManifest(output, pipeline))
        )


def carry_out(
    output: str, program: Program, parts: Sequence[str], arguments: Sequence[str]
) -> None:
    """Make the parts of a program. Raises ``RuntimeError``."""
    with runners.pipeline(arguments) as root:
        (
            root
            | "Parts" >> beam.Create(list(parts))
            | "Balance" >> beam.Reshuffle()
            | "Make" >> beam.ParDo(CarryOut(output, program))
            | "All" >> beam.GroupByKey()
            | "Complete" >> beam.ParDo(Complete(output, program, parts))
        )
