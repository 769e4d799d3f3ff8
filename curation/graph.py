"""The Beam graphs of a run, and the only module that builds them.

Two pipelines: ``measure`` (per unit: signals, models, then the near-duplicate tables) and
``shards`` (per shard: read, sort, write). Elements are unit names, row numbers and batches of
hashes; picture bytes never cross a shuffle. Every step writes files atomically and skips what is
already there, so a runner may repeat any of them.
"""

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import apache_beam as beam
import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from curation import (
    columns,
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
from curation.groups import near
from curation.layout import Layout
from curation.verdicts import tiers

ROWS_PER_PARTITION = 2_000_000
ALL_TABLES = -1


class OutputError(Exception):
    """Writing a result failed; a step's failure carries this name through any runner."""


class _Step(beam.DoFn):  # type: ignore[misc]
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

    def hashes(self, unit: str) -> NDArray[np.uint64]:
        """The unit's perceptual hashes, distinct and sorted."""
        column = columns.read(self.layout.signals(unit), ("phash",)).column("phash")
        return near.distinct(np.asarray(column.drop_null().to_numpy(), np.uint64))

    def write(self, path: str, table: pa.Table) -> None:
        try:
            columns.write(path, table)
        except OSError as error:
            raise OutputError(str(error)) from error


class MeasureUnit(_Step):
    """Unit name -> unit name, once ``signals/<unit>.parquet`` is there."""

    def process(self, unit: str) -> Iterator[str]:
        path = self.layout.signals(unit)
        if not storage.exists(path):
            samples = sources.read(plan.read_unit(self.layout.plan(unit)))
            self.write(path, measure.measure(samples, self.signals))
        yield unit


class RunModels(_Step):
    """Unit name -> unit name, once its living rows have the columns of every ruled model."""

    def process(self, unit: str) -> Iterator[str]:
        ruled = {column for stage in self.pipeline.stages for column in stage.bounds}
        models = [
            entry for entry in self.signals if entry.tier == "model" and ruled & set(entry.columns)
        ]
        if models:
            table = columns.read(self.layout.signals(unit))
            wanted = measure.pending(table, self._alive(table), models)
            if wanted.any():
                source = plan.read_unit(self.layout.plan(unit))
                table = measure.fill_models(
                    table, wanted, models, lambda uris: sources.read(source, only=uris)
                )
                self.write(self.layout.signals(unit), table)
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


class SpreadHashes(_Step):
    """Unit name -> ((table, partition), batch of permuted hashes as bytes).

    With one partition it is (``ALL_TABLES``, 0) and the unit's name: one step then reads all hashes
    itself and joins them, and nothing is shuffled.
    """

    def __init__(self, output: str, pipeline: Pipeline, partitions: int) -> None:
        super().__init__(output, pipeline)
        self.partitions = partitions

    def process(self, unit: str) -> Iterator[tuple[tuple[int, int], bytes]]:
        if self.partitions == 1:
            yield (ALL_TABLES, 0), unit.encode()
            return
        hashes = self.hashes(unit)
        for number, table in enumerate(near.tables(self.pipeline.near_duplicate_radius)):
            moved = table.permute(hashes)
            partition = table.partition_of(moved, self.partitions)
            for part in np.unique(partition).tolist():
                yield (number, part), moved[partition == part].tobytes()


class JoinTable(_Step):
    """((table, partition), batches) -> (part of the result, edges as bytes)."""

    def __init__(self, output: str, pipeline: Pipeline, partitions: int) -> None:
        super().__init__(output, pipeline)
        self.partitions = partitions

    def process(
        self, element: tuple[tuple[int, int], Iterable[bytes]]
    ) -> Iterator[tuple[int, bytes]]:
        (number, _), batches = element
        radius = self.pipeline.near_duplicate_radius
        if number == ALL_TABLES:
            hashes = np.concatenate([self.hashes(batch.decode()) for batch in batches])
            edges = near.join(near.distinct(hashes), radius)
        else:
            hashes = np.concatenate([np.frombuffer(batch, np.uint64) for batch in batches])
            edges = near.join_table(hashes, near.tables(radius)[number], radius)
        part = (edges[:, 0] % np.uint64(self.partitions)).astype(np.int64)
        for target in np.unique(part).tolist():
            yield target, edges[part == target].tobytes()


class WriteEdges(_Step):
    """(part, edge batches) -> part, once its file of edges is written."""

    def __init__(self, output: str, pipeline: Pipeline, partitions: int) -> None:
        super().__init__(output, pipeline)
        self.partitions = partitions

    def process(self, element: tuple[int, Iterable[bytes]]) -> Iterator[int]:
        part, batches = element
        blocks = [np.frombuffer(batch, np.uint64).reshape(-1, 2) for batch in batches]
        edges = near.sorted_edges(blocks)
        table = pa.table({"a": edges[:, 0], "b": edges[:, 1]})
        self.write(self.layout.near(part, self.partitions), table)
        yield part


class AssignRows(_Step):
    """Unit name -> (shard, (unit, row numbers))."""

    def __init__(self, output: str, pipeline: Pipeline, parts: int) -> None:
        super().__init__(output, pipeline)
        self.parts = parts

    def process(self, unit: str) -> Iterator[tuple[int, tuple[str, list[int]]]]:
        for part, rows in gather.kept_rows(self.layout.root, unit, self.parts):
            yield part, (unit, rows)


class GatherShard(_Step):
    """(shard, rows by unit) -> the shard's line of the manifest, once its file is there."""

    def __init__(self, output: str, pipeline: Pipeline, parts: int) -> None:
        super().__init__(output, pipeline)
        self.parts = parts

    def process(
        self, element: tuple[int, Iterable[tuple[str, list[int]]]]
    ) -> Iterator[tuple[str, shard.ShardInfo]]:
        part, entries = element
        fields = signal.fields(self.signals)
        try:
            info = gather.gather(self.layout.root, part, self.parts, dict(entries), fields)
        except OSError as error:
            raise OutputError(f"{self.layout.shards}: {error}") from error
        yield "manifest", info


class WriteManifest(_Step):
    """(name, all shards) -> nothing, once the manifest is written."""

    def process(self, element: tuple[str, Iterable[shard.ShardInfo]]) -> None:
        try:
            shard.write_manifest(self.layout.shards, list(element[1]))
        except OSError as error:
            raise OutputError(f"{self.layout.shards}: {error}") from error


def measure_units(
    output: str, units: Sequence[str], pipeline: Pipeline, arguments: Sequence[str], rows: int
) -> None:
    """Measure the units, run the models, join near duplicates.

    ``rows`` is about how many the units hold. Raises ``RuntimeError``.
    """
    partitions = 1 + rows // ROWS_PER_PARTITION
    with runners.pipeline(arguments) as root:
        (
            root
            | "Units" >> beam.Create(list(units))
            | "Balance" >> beam.Reshuffle()
            | "Measure" >> beam.ParDo(MeasureUnit(output, pipeline))
            | "Models" >> beam.ParDo(RunModels(output, pipeline))
            | "Hashes" >> beam.ParDo(SpreadHashes(output, pipeline, partitions))
            | "Tables" >> beam.GroupByKey()
            | "Join" >> beam.ParDo(JoinTable(output, pipeline, partitions))
            | "Edges" >> beam.GroupByKey()
            | "WriteEdges" >> beam.ParDo(WriteEdges(output, pipeline, partitions))
        )


def write_shards(
    output: str, units: Sequence[str], parts: int, pipeline: Pipeline, arguments: Sequence[str]
) -> None:
    """Gather the kept rows into ``parts`` shards. Raises ``RuntimeError``."""
    with runners.pipeline(arguments) as root:
        (
            root
            | "Units" >> beam.Create(list(units))
            | "Assign" >> beam.ParDo(AssignRows(output, pipeline, parts))
            | "Shards" >> beam.GroupByKey()
            | "Gather" >> beam.ParDo(GatherShard(output, pipeline, parts))
            | "All" >> beam.GroupByKey()
            | "Manifest" >> beam.ParDo(WriteManifest(output, pipeline))
        )
