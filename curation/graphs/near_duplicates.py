"""The Beam steps that find the best rows of copies, for more rows than one step may hold.

The tokens that copies share (``groups.duplicates``) are cut into partitions, and no step holds more
than one partition or one unit:

``Join``: hashes by band table -> edges. ``Hot``: tokens by partition -> those of each unit that
another row shares or an edge leads to. ``Compete``: the unit's best row of each. ``Best``: the
best row of each token, passed on along the edges. ``Nearest``: the best of what arrived, told to
the units that asked.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence

import apache_beam as beam
import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from curation.configuration.loading import Pipeline
from curation.graphs.steps import Step, named
from curation.groupings.duplicates import near, representatives
from curation.groupings.duplicates.near import Edges, Hashes
from curation.groupings.duplicates.representatives import HASH, KINDS, Members
from curation.judging import verdicts
from curation.output import column_files

Place = tuple[int, int]  # kind of token, partition
Told = tuple[str, bytes]  # who or what, and columns as bytes
EDGES, ROWS = "edges", "rows"  # no unit has such a name: theirs are hexadecimal


class CopiesStep(Step):
    """What the steps of judging share: the judge, partitions, rows as bytes."""

    def __init__(self, output: str, pipeline: Pipeline, partitions: int = 1) -> None:
        super().__init__(output, pipeline)
        self.partitions = partitions

    def setup(self) -> None:
        super().setup()
        self.judge = verdicts.Judge(self.layout.root, self.pipeline, self.chosen)
        self.quality = self.pipeline.quality
        self.schema = representatives.row_schema(self.quality)

    def spread(self, tokens: Hashes) -> Iterator[tuple[int, NDArray[np.int64]]]:
        """The partitions of the tokens, and where in ``tokens`` theirs are."""
        mixed = tokens * np.uint64(0x9E3779B97F4A7C15)  # Fibonacci hashing
        partition = ((mixed >> np.uint64(32)) % np.uint64(self.partitions)).astype(np.int64)
        yield from _places(partition)

    def pack(self, rows: pa.Table) -> bytes:
        """Rows as the body of one Arrow batch, without its schema."""
        (batch,) = rows.combine_chunks().to_batches()
        return bytes(batch.serialize())

    def unpack(self, blocks: Iterable[bytes]) -> pa.Table:
        """The rows of several ``pack``."""
        batches = [pa.ipc.read_record_batch(pa.py_buffer(data), self.schema) for data in blocks]
        return pa.Table.from_batches(batches, self.schema)

    def write(self, path: str, table: pa.Table) -> None:
        """Write a table of columns."""
        with named():
            column_files.write(path, table)

    def write_edges(self, part: int, edges: Edges) -> None:
        """Write one part of the near-duplicate edges, in which a < b."""
        table = pa.table({"a": edges[:, 0], "b": edges[:, 1]})
        self.write(self.layout.near(part, self.partitions), table)


class SpreadHashes(CopiesStep):
    """Unit name -> ((band table, partition), batch of permuted distinct hashes)."""

    def process(self, unit: str) -> Iterator[tuple[tuple[int, int], bytes]]:
        hashes = near.distinct(self.judge.hashes(unit))
        for number, table in enumerate(near.tables(self.pipeline.near_duplicate.radius)):
            moved = table.permute(hashes)
            partition = table.partition_of(moved, self.partitions)
            for part in np.unique(partition).tolist():
                yield (number, part), moved[partition == part].tobytes()


class JoinTable(CopiesStep):
    """((band table, partition), batches) -> edges, at the places of both their ends."""

    def process(
        self, element: tuple[tuple[int, int], Iterable[bytes]]
    ) -> Iterator[tuple[Place, Told]]:
        (number, _), batches = element
        radius = self.pipeline.near_duplicate.radius
        hashes = np.concatenate([np.frombuffer(batch, np.uint64) for batch in batches])
        for edges in near.join_blocks(hashes, near.tables(radius)[number], radius):
            links = near.both_ways(edges)
            for part, chosen in self.spread(links[:, 0]):
                yield (HASH, part), (EDGES, links[chosen].tobytes())


class SpreadTokens(CopiesStep):
    """Unit name -> (place, (unit, its tokens)), twice what several of its rows share."""

    def process(self, unit: str) -> Iterator[tuple[Place, Told]]:
        for kind, tokens in enumerate(self.judge.tokens(unit)):
            sent = representatives.at_most_twice(tokens)
            for part, chosen in self.spread(sent):
                yield (kind, part), (unit, sent[chosen].tobytes())


class FindHot(CopiesStep):
    """(place, tokens and edges) -> (unit, (kind, its hot tokens)); writes the edges."""

    def process(
        self, element: tuple[Place, Iterable[Told]]
    ) -> Iterator[tuple[str, tuple[int, bytes]]]:
        (kind, part), values = element
        received = _sorted_out(values)
        links = _links(received.pop(EDGES, []))
        if kind == HASH:
            self.write_edges(part, near.sorted_edges([links[links[:, 0] < links[:, 1]]]))
        of_unit = {
            unit: np.frombuffer(b"".join(data), np.uint64) for unit, data in received.items()
        }
        if not of_unit:
            return
        every = np.concatenate(list(of_unit.values()))
        hot = Members(representatives.hot(every, links[:, 0]))
        for unit, tokens in of_unit.items():
            mine = near.distinct(tokens[hot.hold(tokens)])
            if len(mine):
                yield unit, (kind, mine.tobytes())


class Compete(CopiesStep):
    """(unit, hot tokens) -> (place, the unit's best row of each token)."""

    def process(
        self, element: tuple[str, Iterable[tuple[int, bytes]]]
    ) -> Iterator[tuple[Place, Told]]:
        unit, values = element
        hot = [
            Members(np.sort(np.frombuffer(b"".join(data), np.uint64))) for data in by_kind(values)
        ]
        for kind, rows in enumerate(self.judge.competing(unit, hot)):
            for part, chosen in self.spread(representatives.tokens_of(rows)):
                yield (kind, part), (ROWS, self.pack(rows.take(chosen)))


class FindBest(CopiesStep):
    """(place, rows and edges) -> (place, best rows; or a unit and its tokens there)."""

    def process(self, element: tuple[Place, Iterable[Told]]) -> Iterator[tuple[Place, Told]]:
        (kind, part), values = element
        received = _sorted_out(values)
        rows = self.unpack(received[ROWS])
        names = rows.column("unit").combine_chunks().dictionary_encode()
        tokens, units = representatives.tokens_of(rows), names.dictionary.to_pylist()
        for number, chosen in _places(np.asarray(names.indices.to_numpy(), np.int64)):
            yield (kind, part), (units[number], near.distinct(tokens[chosen]).tobytes())
        best = representatives.best(rows, self.quality, kind)
        yield (kind, part), (ROWS, self.pack(best))
        around = representatives.best_neighbours(
            best, _links(received.get(EDGES, [])), self.quality
        )
        for target, chosen in self.spread(representatives.tokens_of(around)):
            yield (kind, target), (ROWS, self.pack(around.take(chosen)))


class FindNearest(CopiesStep):
    """(place, best rows and units' tokens) -> (unit, (kind, winners of its tokens))."""

    def process(
        self, element: tuple[Place, Iterable[Told]]
    ) -> Iterator[tuple[str, tuple[int, bytes]]]:
        (kind, _), values = element
        received = _sorted_out(values)
        best = representatives.best(self.unpack(received.pop(ROWS)), self.quality, kind)
        tokens = representatives.tokens_of(best)
        for unit, data in received.items():
            mine = near.distinct(np.frombuffer(b"".join(data), np.uint64))
            first, last = (np.searchsorted(tokens, mine, side) for side in ("left", "right"))
            chosen = np.concatenate([first, *_more(first, last)])
            yield unit, (kind, self.pack(best.take(np.sort(chosen))))
        if self.chosen.models:  # what wins elsewhere has to be looked at
            names = best.column("unit").combine_chunks().dictionary_encode()
            owners = names.dictionary.to_pylist()
            for number, won in _places(np.asarray(names.indices.to_numpy(), np.int64)):
                yield owners[number], (kind, self.pack(best.take(won)))


def _sorted_out(values: Iterable[Told]) -> dict[str, list[bytes]]:
    by_name: dict[str, list[bytes]] = defaultdict(list)
    for name, data in values:
        by_name[name].append(data)
    return dict(by_name)


def by_kind(values: Iterable[tuple[int, bytes]]) -> list[list[bytes]]:
    """What was told of each kind of tokens; nothing of what is empty."""
    of_kinds: list[list[bytes]] = [[] for _ in KINDS]
    for kind, data in values:
        if data:
            of_kinds[kind].append(data)
    return of_kinds


def _links(blocks: Sequence[bytes]) -> Edges:
    return np.frombuffer(b"".join(blocks), np.uint64).reshape(-1, 2)


def _places(numbers: NDArray[np.int64]) -> Iterator[tuple[int, NDArray[np.int64]]]:
    """Each different number, and where it stands."""
    if len(numbers):
        order = np.argsort(numbers, kind="stable")
        names, first = np.unique(numbers[order], return_index=True)
        yield from zip(names.tolist(), np.split(order, first[1:]), strict=True)


def _more(first: NDArray[np.int64], last: NDArray[np.int64]) -> Iterator[NDArray[np.int64]]:
    """The places after the first of each range: ids that agree in their first 64 bits."""
    for number in np.flatnonzero(last - first > 1).tolist():
        yield np.arange(first[number] + 1, last[number])


def winners(
    names: beam.PCollection, output: str, pipeline: Pipeline, partitions: int
) -> beam.PCollection:
    """Names of units -> (unit, (kind of token, the best rows of its hot tokens, packed))."""
    step_arguments = (output, pipeline, partitions)
    edges = (
        names
        | "Hashes" >> beam.ParDo(SpreadHashes(*step_arguments))
        | "Tables" >> beam.GroupByKey()
        | "Join" >> beam.ParDo(JoinTable(*step_arguments))
    )
    tokens = names | "Tokens" >> beam.ParDo(SpreadTokens(*step_arguments))
    rows_of_units = (
        (tokens, edges)
        | "TokensAndEdges" >> beam.Flatten()
        | "Places" >> beam.GroupByKey()
        | "Hot" >> beam.ParDo(FindHot(*step_arguments))
        | "HotOfUnits" >> beam.GroupByKey()
        | "Compete" >> beam.ParDo(Compete(*step_arguments))
    )
    return (
        (rows_of_units, edges)
        | "RowsAndEdges" >> beam.Flatten()
        | "Rows" >> beam.GroupByKey()
        | "Best" >> beam.ParDo(FindBest(*step_arguments))
        | "Around" >> beam.GroupByKey()
        | "Nearest" >> beam.ParDo(FindNearest(*step_arguments))
    )
