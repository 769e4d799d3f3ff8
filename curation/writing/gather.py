"""Gathering one shard: the original bytes of its rows read once more, sorted, written atomically.

Bytes arrive in the order of the sources and leave in the order of the ids, as what was measured
does (``stored``); neither is in memory as a whole while the shard is written.
"""

import json
import tempfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from curation import shard, storage
from curation.output import column_files
from curation.output.groups import Groups
from curation.output.layout import Layout
from curation.output.measured import Measured
from curation.runners import memory
from curation.signals.captions import stage_column
from curation.writing import caption_stages, stored
from curation.writing.originals import OF_SOURCE, SAID, Originals

BATCH_BYTES = 512 << 10
NOT_STORED = ["uri", "size"]  # nor part of a shard's name
IN_OUR_WORDS = ("edit_kind", "edit_operation")  # of which no other name passes on
Share = tuple[str, int, int]  # a unit; which of how many equal ranges of content hashes


def assign(kept_bytes: Iterable[tuple[str, int]]) -> list[list[Share]]:
    """What each shard holds, from the bytes that every unit keeps.

    Whole units are put together until a shard is full, in the order of their names, which are
    hashes: a shard mixes units from anywhere in the collection, and each unit is read once. Only a
    unit that fills several shards is divided, and read once for each.
    """
    shards: list[list[Share]] = []
    filling: list[Share] = []
    filled = shard.SHARD_BYTES
    for unit, size in sorted(kept_bytes):
        shares = -(-size // shard.SHARD_BYTES)
        if shares > 1:
            shards += [[(unit, share, shares)] for share in range(shares)]
        elif shares:
            if filled + size > shard.SHARD_BYTES:
                filling, filled = [], 0
                shards.append(filling)
            filling.append((unit, 0, 1))
            filled += size
    return shards


def write_assignment(output: str, kept_bytes: Mapping[str, int]) -> int:
    """Write down what each shard is to hold, for ``read_assignment``; returns how many there are.

    Raises ``OSError``.
    """
    shards = assign(kept_bytes.items())
    lines = [json.dumps([part, len(shards), shares]) for part, shares in enumerate(shards)]
    storage.write_bytes(Layout(output).assignment, "".join(f"{line}\n" for line in lines).encode())
    return len(shards)


def read_assignment(output: str) -> list[str]:
    """A line per shard, to be read by ``assigned``. Raises ``OSError``."""
    return storage.read_bytes(Layout(output).assignment).decode().splitlines()


def assigned(line: str) -> tuple[int, int, list[Share]]:
    """The shard's number, how many there are, and what it holds."""
    part, parts, shares = json.loads(line)
    return part, parts, [(unit, share, of) for unit, share, of in shares]


def kept_rows(output: str, unit: str, share: int, shares: int) -> list[int]:
    """The numbers of the kept rows of a unit whose content hashes are in one of equal ranges."""
    ledger = column_files.read(Layout(output).ledger(unit), ("id", "verdict"))
    kept = np.flatnonzero(column_files.equals(ledger.column("verdict"), "kept"))
    ids = ledger.column("id").take(pa.array(kept)).to_pylist()
    ranges = np.asarray([int(name[:8], 16) * shares >> 32 for name in ids], np.int64)
    return [int(row) for row in kept[ranges == share]]


def gather(
    columns: Measured,
    groups: Groups,
    place: tuple[int, int, Sequence[Share]],
    signal_fields: Sequence[pa.Field],
    group_fields: Sequence[pa.Field] = (),
    stages: Sequence[str] = (),
    looked_at: stored.LookedAt | None = None,
) -> shard.ShardInfo | None:
    """Write shard ``part`` of ``parts`` unless it is there already; ``None`` if it holds nothing.

    ``stages`` are those of the pipeline in order: captions pass no deeper one than their image.
    ``looked_at`` says by the stage and rule of a row which models' columns are of it (None: all):
    so shards follow from contents and rules, whatever ran before.
    Its name carries a digest of its rows, so a shard that is there and whole is the right one; one
    that is damaged is written again. Raises ``InputChangedError``, ``OSError``.
    """
    layout, (part, parts, shares) = columns.layout, place
    rows = {unit: kept_rows(layout.root, unit, share, of) for unit, share, of in shares}
    if not any(rows.values()):  # a few large files seldom fall into every range of hashes
        return None
    measured, row_of = stored.in_order(columns, groups, rows, signal_fields, looked_at)
    measured = caption_stages.capped(measured, stages)
    shard_schema = shard.schema([*signal_fields, *group_fields])
    digest = shard.digest_of_rows(measured.drop_columns(NOT_STORED), 6, str(shard_schema))
    name = f"part-{part:05d}-of-{parts:05d}-{digest}.parquet"
    path = storage.join(layout.shards, name)
    if storage.exists(path):
        if info := shard.undamaged(path):
            return info
        storage.delete([path])
    with tempfile.TemporaryFile() as spill, tempfile.TemporaryFile() as aside:
        originals = Originals(layout, measured.num_rows, spill)
        _locate(originals, rows, measured.column("uri"), row_of)
        sizes = np.asarray(measured.column("size").to_numpy(), np.int64) + originals.beside
        stored.set_aside(aside, measured, _pieces(sizes))
        del measured
        memory.give_back()
        return shard.write(
            path, _batches(stored.taken_up(aside), originals, shard_schema), shard_schema
        )


def _locate(
    originals: Originals,
    rows: Mapping[str, Sequence[int]],
    locations: pa.ChunkedArray,
    place: NDArray[np.int64],
) -> None:
    """Tell unit by unit which of its rows are wanted, and as which row of the shard."""
    first = 0
    for unit in sorted(rows):
        places = place[first : first + len(rows[unit])]
        first += len(rows[unit])
        uris = locations.take(pa.array(places)).to_pylist()
        originals.add(unit, dict(zip(uris, places.tolist(), strict=True)))


def _pieces(sizes: NDArray[np.int64]) -> list[slice]:
    """Rows of these bytes (N,) in order, in pieces of about ``BATCH_BYTES``."""
    pieces, total, start = list[slice](), np.cumsum(sizes), 0
    while start < len(total):
        before = int(total[start - 1]) if start else 0
        stop = max(start + 1, int(np.searchsorted(total, before + BATCH_BYTES)))
        pieces.append(slice(start, stop))
        start = stop
    return pieces


def _batches(
    measured: Iterable[pa.RecordBatch], originals: Originals, shard_schema: pa.Schema
) -> Iterator[pa.RecordBatch]:
    """The rows in order, piece by piece, columns in the order of the shard."""
    start = 0
    for piece in measured:
        keys = (piece.column(name).to_pylist() for name in ("uri", "id", SAID))
        known = zip(*keys, strict=True)
        read = [originals.read(start + row, *keys_of_row) for row, keys_of_row in enumerate(known)]
        batch = pa.RecordBatch.from_arrays(
            [_column(field, read, piece) for field in shard_schema], schema=shard_schema
        )
        del read  # else its bytes would be held a second time while the batch is written
        yield batch
        start += piece.num_rows


def _column(
    field: pa.Field, read: Sequence[tuple[bytes, dict[str, object]]], measured: pa.RecordBatch
) -> pa.Array:
    """One column of a piece: of what was measured, else from the originals."""
    if field.name == "image":
        images = _binary([data for data, _ in read])
        paths = pa.array([of_source["path"] for _, of_source in read], pa.string())
        return pa.StructArray.from_arrays([images, paths], fields=list(field.type))
    if field.name not in OF_SOURCE:
        return measured.column(field.name).cast(field.type)
    said: list[Any] = [of_source[field.name] for _, of_source in read]
    if field.name in measured.schema.names:
        values = measured.column(field.name).cast(field.type).to_pylist()
        said = [_standing(field, *of) for of in zip(said, values, strict=True)]
    if (passed := stage_column(field.name.removeprefix("caption_"))) in measured.schema.names:
        stages = measured.column(passed).to_pylist()
        said = [_with_stages(*of) for of in zip(said, stages, strict=True)]
    return pa.array(said, field.type)


def _standing(field: pa.Field, said: Any, measured: Any) -> Any:
    """What of a source's and a signal's value stands: captions that a source has are not replaced,
    and they are what was judged; of a kind of edit what was measured, even where that is nothing.
    """
    if field.name in IN_OUR_WORDS:
        return measured
    stands = measured is None or (bool(said) and field.type == shard.CAPTIONS)
    return said if stands else measured


def _with_stages(
    captions: list[dict[str, Any]] | None, stages: Sequence[str | None]
) -> list[dict[str, Any]] | None:
    """Captions with the stage that each passed; what a model wrote and no rule counts has none."""
    if not captions or not stages:
        return captions
    return [{**of, "stage": at} for of, at in zip(captions, stages, strict=True)]


def _binary(values: Sequence[bytes]) -> pa.Array:
    """The values in one buffer of just their size: Arrow's own grows by doubling."""
    ends = np.cumsum([0, *map(len, values)], dtype=np.int32)
    buffers = [None, pa.py_buffer(ends), pa.py_buffer(b"".join(values))]
    return pa.Array.from_buffers(pa.binary(), len(values), buffers)
