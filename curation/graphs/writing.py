"""The graph that writes shards: rows gathered by shard, and the manifest of them all."""

from collections.abc import Iterable, Iterator, Sequence

import apache_beam as beam
import pyarrow as pa

from curation import shard
from curation.configuration.loading import Pipeline
from curation.failures import exit_codes
from curation.graphs.steps import OutputError, Step
from curation.judging.verdicts import Judge
from curation.runners import memory, running
from curation.writing import gather


class GatherShard(Step):
    """A shard's line of the assignment -> its line of the manifest, once its file is there."""

    def __init__(self, output: str, pipeline: Pipeline, kept: Sequence[pa.Field]) -> None:
        super().__init__(output, pipeline)
        self.kept = tuple(kept)

    def setup(self) -> None:
        super().setup()
        memory.give_large_back()
        self.judge = Judge(self.layout.root, self.pipeline, self.chosen)

    def process(self, line: str) -> Iterator[tuple[str, shard.ShardInfo]]:
        fields = [*self.chosen.shard_fields(), *self.kept]
        try:
            info = gather.gather(
                self.measured,
                self.chosen.groups(self.layout),
                gather.assigned(line),
                fields,
                self.chosen.group_fields,
                [of.name for of in self.pipeline.stages],
                self.judge.looked_at,
            )
        except OSError as error:
            raise OutputError(exit_codes.of_disk(error, self.layout.shards)) from error
        memory.give_back()
        if info:
            yield "manifest", info


class WriteManifest(Step):
    """(name, all shards) -> nothing, once the manifest is written."""

    def process(self, element: tuple[str, Iterable[shard.ShardInfo]]) -> None:
        try:
            shard.write_manifest(self.layout.shards, list(element[1]))
        except OSError as error:
            raise OutputError(exit_codes.of_disk(error, self.layout.shards)) from error


def write_shards(
    output: str, pipeline: Pipeline, arguments: Sequence[str], kept: Sequence[pa.Field] = ()
) -> None:
    """Gather the kept rows, with these columns of theirs besides, into the assigned shards.

    Raises ``RuntimeError``.
    """
    with running.pipeline(arguments) as root:
        (
            root
            | "Assignment" >> beam.Create([output])
            | "Shards" >> beam.FlatMap(gather.read_assignment)
            | "Balance" >> beam.Reshuffle()
            | "Gather" >> beam.ParDo(GatherShard(output, pipeline, kept))
            | "All" >> beam.GroupByKey()
            | "Manifest" >> beam.ParDo(WriteManifest(output, pipeline))
        )
