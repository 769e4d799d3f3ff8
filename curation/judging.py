"""The Beam graph between measuring and writing: near duplicates, then every unit's verdicts.

Up to ``ROWS_PER_PARTITION`` rows one step does all of it, one unit in memory at a time. Above that
the tokens that copies share (``groups.duplicates``) are cut into partitions of about that many
rows, and no step holds more than one partition or one unit:

``Join``: hashes by band table -> edges. ``Hot``: tokens by partition -> those of each unit that
another row shares or an edge leads to. ``Compete``: the unit's best row of each. ``Best``: the
best row of each token, passed on along the edges. ``Nearest``: the best of what arrived, told to
the units that asked. ``Judge``: the unit's ledger.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence

import apache_beam as beam
import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from curation import plan, runners, storage, verdicts
from curation.configuration import Pipeline
from curation.graph import OutputError, Step, units
from curation.groups import duplicates, near
from curation.groups.duplicates import HASH, Members, Winners
from curation.groups.near import Edges, Hashes
from curation.ledger import Counts

ROWS_PER_PARTITION = 2_000_000
Place = tuple[int, int]  # kind of token, partition
Told = tuple[str, bytes]  # who or what, and columns as bytes
EDGES, ROWS = "edges", "rows"  # no unit has such a name: theirs are hexadecimal


class JudgingStep(Step):
    """What the steps of judging share: the judge, partitions, files, rows as bytes."""

    def __init__(self, output: str, pipeline: Pipeline, partitions: int = 1) -> None:
        super().__init__(output, pipeline)
        self.partitions = partitions

    def setup(self) -> None:
        super().setup()
        self.judge = verdicts.Judge(self.layout.root, self.pipeline, self.signals)
        self.quality = self.pipeline.quality
        self.schema = duplicates.row_schema(self.quality)

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

    def write_edges(self, part: int, edges: Edges) -> None:
        """Write one part of the near-duplicate edges, in which a < b."""
        table = pa.table({"a": edges[:, 0], "b": edges[:, 1]})
        self.write(self.layout.near(part, self.partitions), table)

    def write_counts(self, counts: Counts) -> None:
        """Write the funnel of the run."""
        try:
            storage.write_bytes(self.layout.counts, counts.to_bytes())
        except OSError as error:
            raise OutputError(str(error)) from error

    def record(self, unit: str, winners: Winners) -> Counts:
        """Write the unit's verdicts."""
        try:
            return self.judge.record(unit, winners)
        except OSError as error:
            raise OutputError(str(error)) from error


class JudgeAll(JudgingStep):
    """Output folder -> nothing, once all its units are judged, one after the other."""

    def process(self, output: str) -> None:
        names, counts = plan.read_names(output), Counts()
        winners = verdicts.winners(self.judge, names, self._join)
        for name in names:
            counts.add(self.record(name, winners))
        self.write_counts(counts)

    def _join(self, hashes: Hashes) -> Edges:
        edges = near.join(near.distinct(hashes), self.pipeline.near_duplicate_radius)
        self.write_edges(0, edges)
        return edges


class SpreadHashes(JudgingStep):
    """Unit name -> ((band table, partition), batch of permuted distinct hashes)."""

    def process(self, unit: str) -> Iterator[tuple[tuple[int, int], bytes]]:
        hashes = near.distinct(self.judge.hashes(unit))
        for number, table in enumerate(near.tables(self.pipeline.near_duplicate_radius)):
            moved = table.permute(hashes)
            partition = table.partition_of(moved, self.partitions)
            for part in np.unique(partition).tolist():
                yield (number, part), moved[partition == part].tobytes()


class JoinTable(JudgingStep):
    """((band table, partition), batches) -> edges, at the places of both their ends."""

    def process(
        self, element: tuple[tuple[int, int], Iterable[bytes]]
    ) -> Iterator[tuple[Place, Told]]:
        (number, _), batches = element
        radius = self.pipeline.near_duplicate_radius
        hashes = np.concatenate([np.frombuffer(batch, np.uint64) for batch in batches])
        for edges in near.join_blocks(hashes, near.tables(radius)[number], radius):
            links = near.both_ways(edges)
            for part, chosen in self.spread(links[:, 0]):
                yield (HASH, part), (EDGES, links[chosen].tobytes())


class SpreadTokens(JudgingStep):
    """Unit name -> (place, (unit, its tokens)), twice what several of its rows share."""

    def process(self, unit: str) -> Iterator[tuple[Place, Told]]:
        for kind, tokens in enumerate((self.judge.hashes(unit), self.judge.contents(unit))):
            found = duplicates.at_most_twice(tokens)
            for part, chosen in self.spread(found):
                yield (kind, part), (unit, found[chosen].tobytes())


class FindHot(JudgingStep):
    """(place, tokens and edges) -> (unit, (kind, its hot tokens)); writes the edges."""

    def process(
        self, element: tuple[Place, Iterable[Told]]
    ) -> Iterator[tuple[str, tuple[int, bytes]]]:
        (kind, part), values = element
        told = _sorted_out(values)
        links = _links(told.pop(EDGES, []))
        if kind == HASH:
            self.write_edges(part, near.sorted_edges([links[links[:, 0] < links[:, 1]]]))
        of_unit = {unit: np.frombuffer(b"".join(data), np.uint64) for unit, data in told.items()}
        if not of_unit:
            return
        every = np.concatenate(list(of_unit.values()))
        hot = Members(duplicates.hot(every, links[:, 0]))
        for unit, tokens in of_unit.items():
            mine = near.distinct(tokens[hot.hold(tokens)])
            if len(mine):
                yield unit, (kind, mine.tobytes())


class Compete(JudgingStep):
    """(unit, hot tokens) -> (place, the unit's best row of each token)."""

    def process(
        self, element: tuple[str, Iterable[tuple[int, bytes]]]
    ) -> Iterator[tuple[Place, Told]]:
        unit, values = element
        hashes, contents = (
            Members(np.sort(np.frombuffer(b"".join(data), np.uint64))) for data in _by_kind(values)
        )
        for kind, rows in enumerate(self.judge.competing(unit, (hashes, contents))):
            for part, chosen in self.spread(duplicates.tokens_of(rows)):
                yield (kind, part), (ROWS, self.pack(rows.take(chosen)))


class FindBest(JudgingStep):
    """(place, rows and edges) -> (place, best rows; or a unit and its tokens there)."""

    def process(self, element: tuple[Place, Iterable[Told]]) -> Iterator[tuple[Place, Told]]:
        (kind, part), values = element
        told = _sorted_out(values)
        rows = self.unpack(told[ROWS])
        names = rows.column("unit").combine_chunks().dictionary_encode()
        tokens, units = duplicates.tokens_of(rows), names.dictionary.to_pylist()
        for number, chosen in _places(np.asarray(names.indices.to_numpy(), np.int64)):
            yield (kind, part), (units[number], near.distinct(tokens[chosen]).tobytes())
        found = duplicates.best(rows, self.quality, kind)
        yield (kind, part), (ROWS, self.pack(found))
        around = duplicates.best_neighbours(found, _links(told.get(EDGES, [])), self.quality)
        for target, chosen in self.spread(duplicates.tokens_of(around)):
            yield (kind, target), (ROWS, self.pack(around.take(chosen)))


class FindNearest(JudgingStep):
    """(place, best rows and units' tokens) -> (unit, (kind, winners of its tokens))."""

    def process(
        self, element: tuple[Place, Iterable[Told]]
    ) -> Iterator[tuple[str, tuple[int, bytes]]]:
        (kind, _), values = element
        told = _sorted_out(values)
        found = duplicates.best(self.unpack(told.pop(ROWS)), self.quality, kind)
        tokens = duplicates.tokens_of(found)
        for unit, data in told.items():
            mine = near.distinct(np.frombuffer(b"".join(data), np.uint64))
            first, last = (np.searchsorted(tokens, mine, side) for side in ("left", "right"))
            chosen = np.concatenate([first, *_more(first, last)])
            yield unit, (kind, self.pack(found.take(np.sort(chosen))))


class JudgeUnit(JudgingStep):
    """(unit, winners of its tokens) -> its counts, once its verdicts are written."""

    def process(
        self, element: tuple[str, Iterable[tuple[int, bytes]]]
    ) -> Iterator[tuple[str, Counts]]:
        unit, values = element
        near_rows, equal = (
            duplicates.best(self.unpack(data), self.quality, kind)
            for kind, data in enumerate(_by_kind(values))
        )
        yield "counts", self.record(unit, Winners((near_rows, equal)))


class AddCounts(beam.CombineFn):  # type: ignore[misc]
    """Counts of units -> counts of all of them, added on the way."""

    def create_accumulator(self) -> Counts:
        return Counts()

    def add_input(self, accumulator: Counts, counts: Counts) -> Counts:
        accumulator.add(counts)
        return accumulator

    def merge_accumulators(self, accumulators: Iterable[Counts]) -> Counts:
        merged = Counts()
        for counts in accumulators:
            merged.add(counts)
        return merged

    def extract_output(self, accumulator: Counts) -> Counts:
        return accumulator


class WriteCounts(JudgingStep):
    """("counts", counts of the run) -> nothing, once they are written."""

    def process(self, element: tuple[str, Counts]) -> None:
        self.write_counts(element[1])


def _sorted_out(values: Iterable[Told]) -> dict[str, list[bytes]]:
    told: dict[str, list[bytes]] = defaultdict(list)
    for name, data in values:
        told[name].append(data)
    return dict(told)


def _by_kind(values: Iterable[tuple[int, bytes]]) -> tuple[list[bytes], list[bytes]]:
    """What was told of hashes, and of contents; nothing of what is empty."""
    told: tuple[list[bytes], list[bytes]] = ([], [])
    for kind, data in values:
        if data:
            told[kind].append(data)
    return told


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


def _asking(unit: str) -> tuple[str, tuple[int, bytes]]:
    """Every unit is judged, also one that no winner is told to."""
    return unit, (HASH, b"")


def judge_units(output: str, pipeline: Pipeline, arguments: Sequence[str], rows: int) -> None:
    """Join near duplicates; write ledger and groups of every unit, then the counts of the run.

    ``rows`` is about how many the units hold. Raises ``RuntimeError``.
    """
    partitions = 1 + rows // ROWS_PER_PARTITION
    if partitions == 1:
        with runners.pipeline(arguments) as root:
            root | "Plan" >> beam.Create([output]) | beam.ParDo(JudgeAll(output, pipeline))
        return
    told = (output, pipeline, partitions)
    with runners.pipeline(arguments) as root:
        names = units(root, output)
        edges = (
            names
            | "Hashes" >> beam.ParDo(SpreadHashes(*told))
            | "Tables" >> beam.GroupByKey()
            | "Join" >> beam.ParDo(JoinTable(*told))
        )
        tokens = names | "Tokens" >> beam.ParDo(SpreadTokens(*told))
        rows_of_units = (
            (tokens, edges)
            | "TokensAndEdges" >> beam.Flatten()
            | "Places" >> beam.GroupByKey()
            | "Hot" >> beam.ParDo(FindHot(*told))
            | "HotOfUnits" >> beam.GroupByKey()
            | "Compete" >> beam.ParDo(Compete(*told))
        )
        winners = (
            (rows_of_units, edges)
            | "RowsAndEdges" >> beam.Flatten()
            | "Rows" >> beam.GroupByKey()
            | "Best" >> beam.ParDo(FindBest(*told))
            | "Around" >> beam.GroupByKey()
            | "Nearest" >> beam.ParDo(FindNearest(*told))
        )
        all_units = names | "EveryUnit" >> beam.Map(_asking)
        (
            (winners, all_units)
            | "UnitsAndWinners" >> beam.Flatten()
            | "Winners" >> beam.GroupByKey()
            | "Judge" >> beam.ParDo(JudgeUnit(*told))
            | "Add" >> beam.CombinePerKey(AddCounts())
            | "Counts" >> beam.ParDo(WriteCounts(*told))
        )
