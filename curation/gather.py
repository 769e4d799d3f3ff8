"""Gathering one shard: the original bytes of its rows read once more, sorted, written atomically.

Bytes arrive in the order of the sources and leave in the order of the ids. In between they lie in
an unnamed temporary file, with all that only the source knows, so that memory stays small whatever
the size of a shard: what was measured is held as columns, never as a Python object per row.
"""

import hashlib
import json
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from typing import IO, Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from curation import columns, plan, shard, sources, storage
from curation.layout import Layout
from curation.sources.sample import Caption, Sample

BATCH_BYTES = 2 << 20
DIGEST_ROWS = 256
ORDER = ("id", "key", "uri")
OF_SOURCE = (
    "path",
    "caption_raw",
    "caption_recaption",
    "caption_fused",
    "text_boxes",
    "source",
    "licence",
    "synthetic",
)
Rows = Mapping[str, Sequence[int]]  # unit -> row numbers in its signals file


class InputChangedError(Exception):
    """An input is gone or is not what was measured; names it and says what to do."""


def part_of(ids: Sequence[str], parts: int) -> list[int]:
    """The shard of each row: equal ranges of the content hash, so that order never matters."""
    return [int(name[:8], 16) * parts >> 32 for name in ids]


def kept_rows(output: str, unit: str, parts: int) -> Iterator[tuple[int, list[int]]]:
    """The kept rows of a unit as (shard number, row numbers)."""
    ledger = columns.read(Layout(output).ledger(unit), ("id", "verdict"))
    kept = np.flatnonzero(np.asarray(ledger.column("verdict").to_pylist(), object) == "kept")
    numbers = np.asarray(part_of(ledger.column("id").take(kept).to_pylist(), parts), np.int64)
    for part in np.unique(numbers).tolist():
        yield part, kept[numbers == part].tolist()


def gather(
    output: str, part: int, parts: int, rows: Rows, signal_fields: Sequence[pa.Field]
) -> shard.ShardInfo:
    """Write shard ``part`` of ``parts`` unless it is there already.

    Its name carries a digest of its rows, so a shard that is there is the right one. Raises
    ``InputChangedError``, ``OSError``.
    """
    measured, place = _sorted(_metadata(output, rows, signal_fields))
    shard_schema = shard.schema(signal_fields)
    name = f"part-{part:05d}-of-{parts:05d}-{_digest(measured, shard_schema)}.parquet"
    path = storage.join(Layout(output).shards, name)
    if storage.exists(path):
        return shard.ShardInfo(name, measured.num_rows, *shard.digest_of(path))
    with tempfile.TemporaryFile() as spill:
        ends = _spill(output, rows, measured, place, spill)
        return shard.write(path, _batches(measured, ends, spill, shard_schema), shard_schema)


def _metadata(
    output: str, rows: Rows, signal_fields: Sequence[pa.Field]
) -> Iterator[pa.RecordBatch]:
    """What is stored of the rows, unit by unit, in the order of ``rows``."""
    names = [field.name for field in signal_fields]
    layout = Layout(output)
    for unit in sorted(rows):
        chosen = pa.array(rows[unit], pa.int64())
        table = columns.read(layout.signals(unit), [*dict.fromkeys((*ORDER, *names))])
        for more in (
            columns.read(layout.groups(unit)),
            columns.read(layout.ledger(unit), ("stage",)),
        ):
            for field, column in zip(more.schema, more.columns, strict=True):
                table = table.append_column(field, column)
        yield from table.take(chosen).combine_chunks().to_batches()


def _sorted(batches: Iterator[pa.RecordBatch]) -> tuple[pa.Table, NDArray[np.int64]]:
    """The rows in the order of the shard, and where each of the given rows is among them: (N,)."""
    table = pa.Table.from_batches(list(batches))
    order = pc.sort_indices(table, sort_keys=[(name, "ascending") for name in ORDER])
    place = np.empty(table.num_rows, np.int64)
    place[order.to_numpy()] = np.arange(table.num_rows)
    return table.take(order).combine_chunks(), place


def _digest(measured: pa.Table, shard_schema: pa.Schema) -> str:
    digest = hashlib.blake2b(str(shard_schema).encode(), digest_size=6)
    told = measured.drop_columns(["uri"])
    for start in range(0, told.num_rows, DIGEST_ROWS):
        piece = told.slice(start, DIGEST_ROWS).to_pydict()
        digest.update(json.dumps(piece, sort_keys=True).encode())
    return digest.hexdigest()


def _spill(
    output: str, rows: Rows, measured: pa.Table, place: NDArray[np.int64], spill: IO[bytes]
) -> NDArray[np.int64]:
    """Write down each row's bytes and what its source says: (N, 3) start, middle and end."""
    layout = Layout(output)
    ends = np.full((measured.num_rows, 3), -1, np.int64)
    first = 0
    for unit in sorted(rows):
        places = place[first : first + len(rows[unit])]
        first += len(rows[unit])
        uris = measured.column("uri").take(pa.array(places)).to_pylist()
        place_of = dict(zip(uris, places.tolist(), strict=True))
        for sample in sources.read(plan.read_unit(layout.plan(unit)), only=set(uris)):
            row = place_of.pop(sample.uri)
            if sample.data is None or shard.content_id(sample.data) != str(
                measured.column("id")[row]
            ):
                _refuse(layout, unit, f"{sample.uri} is not what was measured")
            start = spill.tell()
            middle = start + spill.write(sample.data or b"")
            ends[row] = start, middle, middle + spill.write(_of_source(sample))
        if place_of:
            _refuse(layout, unit, f"{min(place_of)} is gone")
    return ends


def _refuse(layout: Layout, unit: str, what: str) -> None:
    """Forget the stale measurements, so that the next run measures the unit afresh, and stop."""
    storage.delete([layout.signals(unit)])
    raise InputChangedError(f"{what}: an input changed during the run; run the same command again")


def _of_source(sample: Sample) -> bytes:
    told = {name: getattr(sample, name) for name in OF_SOURCE}
    for name in ("caption_raw", "caption_recaption", "caption_fused"):
        told[name] = _captions(told[name])
    return json.dumps(told).encode()


def _captions(captions: Sequence[Caption] | None) -> list[dict[str, Any]] | None:
    if captions is None:
        return None
    return [{"text": caption.text, "language": caption.language} for caption in captions]


def _batches(
    measured: pa.Table, ends: NDArray[np.int64], spill: IO[bytes], shard_schema: pa.Schema
) -> Iterator[pa.RecordBatch]:
    total = np.cumsum(ends[:, 2] - ends[:, 0])
    start = 0
    while start < len(ends):
        before = int(total[start - 1]) if start else 0
        stop = max(start + 1, int(np.searchsorted(total, before + BATCH_BYTES)))
        piece = measured.slice(start, stop - start)
        yield _batch(piece, ends[start:stop].tolist(), spill, shard_schema)
        start = stop


def _batch(
    measured: pa.Table, ends: list[list[int]], spill: IO[bytes], shard_schema: pa.Schema
) -> pa.RecordBatch:
    images: list[bytes] = []
    told: list[dict[str, Any]] = []
    for start, middle, end in ends:
        spill.seek(start)
        images.append(spill.read(middle - start))
        told.append(json.loads(spill.read(end - middle)))
    made = {name: [row[name] for row in told] for name in OF_SOURCE}
    image = [pa.array(images, pa.binary()), pa.array(made["path"], pa.string())]
    arrays = []
    for field in shard_schema:
        if field.name == "image":
            arrays.append(pa.StructArray.from_arrays(image, fields=list(field.type)))
        elif field.name in made:
            arrays.append(pa.array(made[field.name], field.type))
        else:
            arrays.append(measured.column(field.name).combine_chunks().cast(field.type))
    return pa.RecordBatch.from_arrays(arrays, schema=shard_schema)
