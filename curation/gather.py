"""Gathering one shard: the original bytes of its rows read once more, sorted, written atomically.

Bytes arrive in the order of the sources and leave in the order of the ids. In between they lie in
an unnamed temporary file, so that memory stays small whatever the size of a shard.
"""

import hashlib
import json
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import IO, Any

import numpy as np
import pyarrow as pa

from curation import columns, plan, shard, sources, storage
from curation.layout import Layout
from curation.sources.sample import Caption, Sample

BATCH_BYTES = 4 << 20
Rows = Mapping[str, Sequence[int]]  # unit -> row numbers in its signals file


class InputChangedError(Exception):
    """An input is gone or is not what was measured; names it and says what to do."""


@dataclass(frozen=True)
class _Spilled:
    """A row of the shard without its bytes, which lie at ``offset`` of the temporary file."""

    row: dict[str, Any]
    offset: int
    size: int


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
    metadata = sorted(_metadata(output, rows, signal_fields), key=_order)
    shard_schema = shard.schema(signal_fields)
    name = f"part-{part:05d}-of-{parts:05d}-{_digest(metadata, shard_schema)}.parquet"
    path = storage.join(Layout(output).shards, name)
    if storage.exists(path):
        return _info_of(path, name, len(metadata))
    by_uri = {row["uri"]: row for row in metadata}
    with tempfile.TemporaryFile() as spill:
        spilled = _spill(output, rows, by_uri, spill)
        spilled.sort(key=lambda entry: _order(entry.row))
        return shard.write(path, _batches(spilled, spill, shard_schema), shard_schema)


def _order(row: Mapping[str, Any]) -> tuple[str, str, str]:
    return row["id"], row["key"], row["uri"]


def _metadata(
    output: str, rows: Rows, signal_fields: Sequence[pa.Field]
) -> Iterator[dict[str, Any]]:
    names = [field.name for field in signal_fields]
    layout = Layout(output)
    for unit in sorted(rows):
        chosen = pa.array(rows[unit])
        signals = columns.read(layout.signals(unit), ["uri", "key", "id", *names]).take(chosen)
        groups = columns.read(layout.groups(unit)).take(chosen)
        stages = columns.read(layout.ledger(unit), ("stage",)).take(chosen)
        for entry in zip(signals.to_pylist(), groups.to_pylist(), stages.to_pylist(), strict=True):
            yield entry[0] | entry[1] | entry[2]


def _digest(metadata: Sequence[Mapping[str, Any]], shard_schema: pa.Schema) -> str:
    digest = hashlib.blake2b(str(shard_schema).encode(), digest_size=6)
    for row in metadata:
        told = {name: value for name, value in row.items() if name != "uri"}
        digest.update(json.dumps(told, sort_keys=True).encode())
    return digest.hexdigest()


def _info_of(path: str, name: str, rows: int) -> shard.ShardInfo:
    digest, size = hashlib.sha256(), 0
    with storage.open_read(path) as stream:
        while block := stream.read(1 << 20):
            digest.update(block)
            size += len(block)
    return shard.ShardInfo(name, rows, size, digest.hexdigest())


def _spill(
    output: str, rows: Rows, by_uri: Mapping[str, dict[str, Any]], spill: IO[bytes]
) -> list[_Spilled]:
    layout = Layout(output)
    spilled: list[_Spilled] = []
    for unit in sorted(rows):
        found = columns.read(layout.signals(unit), ("uri",)).take(pa.array(rows[unit]))
        wanted = set(found.column("uri").to_pylist())
        for sample in sources.read(plan.read_unit(layout.plan(unit)), only=wanted):
            wanted.discard(sample.uri)
            spilled.append(_spill_one(layout, unit, sample, by_uri[sample.uri], spill))
        if wanted:
            _refuse(layout, unit, f"{min(wanted)} is gone")
    return spilled


def _spill_one(
    layout: Layout, unit: str, sample: Sample, measured: dict[str, Any], spill: IO[bytes]
) -> _Spilled:
    if sample.data is None or shard.content_id(sample.data) != measured["id"]:
        _refuse(layout, unit, f"{sample.uri} is not what was measured")
    offset = spill.tell()
    spill.write(sample.data or b"")
    row = measured | {
        "caption_raw": _captions(sample.caption_raw),
        "caption_recaption": _captions(sample.caption_recaption),
        "caption_fused": _captions(sample.caption_fused),
        "text_boxes": sample.text_boxes,
        "path": sample.path,
        "source": sample.source,
        "licence": sample.licence,
        "synthetic": sample.synthetic,
    }
    return _Spilled(row, offset, len(sample.data or b""))


def _refuse(layout: Layout, unit: str, what: str) -> None:
    """Forget the stale measurements, so that the next run measures the unit afresh, and stop."""
    storage.delete([layout.signals(unit)])
    raise InputChangedError(f"{what}: an input changed during the run; run the same command again")


def _captions(captions: Sequence[Caption] | None) -> list[dict[str, Any]] | None:
    if captions is None:
        return None
    return [{"text": caption.text, "language": caption.language} for caption in captions]


def _batches(
    spilled: Sequence[_Spilled], spill: IO[bytes], shard_schema: pa.Schema
) -> Iterator[pa.RecordBatch]:
    names = set(shard_schema.names)
    pending: list[dict[str, Any]] = []
    size = 0
    for entry in spilled:
        spill.seek(entry.offset)
        image = {"bytes": spill.read(entry.size), "path": entry.row["path"]}
        pending.append(
            {name: value for name, value in entry.row.items() if name in names} | {"image": image}
        )
        size += entry.size
        if size >= BATCH_BYTES:
            yield pa.RecordBatch.from_pylist(pending, schema=shard_schema)
            pending, size = [], 0
    if pending:
        yield pa.RecordBatch.from_pylist(pending, schema=shard_schema)
