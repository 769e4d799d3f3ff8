"""Writing a shard: whole or not at all, and the same bytes for the same rows."""

import hashlib
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, BinaryIO

import pyarrow as pa
import pyarrow.parquet as pq

from curation import storage
from curation.shard import row_groups
from curation.shard.manifest import ShardInfo

ROW_GROUP_BYTES = 8 << 20
SHARD_BYTES = 400 << 20  # well under the 500 MB cap, for the same reason
SHARD_ROWS = 10_000  # at most: what is known of the rows of a shard is held while it is written


class _HashingStream:
    """Counts and hashes what passes through to the stream below."""

    def __init__(self, stream: BinaryIO) -> None:
        self._stream = stream
        self.digest = hashlib.sha256()
        self.size = 0
        self.closed = False

    def write(self, data: Any) -> int:
        view = memoryview(data)
        self.digest.update(view)
        self.size += view.nbytes
        self._stream.write(view)
        return view.nbytes

    def tell(self) -> int:
        return self.size

    def flush(self) -> None:
        self._stream.flush()

    def close(self) -> None:
        self.closed = True

    def writable(self) -> bool:
        return True

    def readable(self) -> bool:
        return False

    def seekable(self) -> bool:
        return False


def write(
    path: str,
    batches: Iterable[pa.RecordBatch],
    shard_schema: pa.Schema,
    footer: Callable[[], Mapping[str, str]] = dict,
) -> ShardInfo:
    """Write one shard atomically; row groups are cut at ``ROW_GROUP_BYTES``.

    ``footer`` is asked after the last batch for metadata to end the file with.

    The bytes written depend only on the rows and their order, never on the batches' sizes; a
    hundred rows or some megabytes a batch are cheap, one row costs about 1 ms.
    Raises ``OSError`` when the disk is full or read-only, ``ValueError`` for a row without image
    bytes, ``pa.ArrowInvalid`` for a null in another required column; then no final name appears.
    """
    rows = 0
    with storage.atomic_write(path) as stream:
        hashing = _HashingStream(stream)
        sink = pa.PythonFile(hashing, mode="w")
        compression = _compression(shard_schema)
        with pq.ParquetWriter(sink, shard_schema, compression=compression, **_OPTIONS) as writer:
            for table in row_groups.row_groups(batches, shard_schema, ROW_GROUP_BYTES):
                writer.write_table(table, row_group_size=table.num_rows)
                rows += table.num_rows
                del table  # else it would be held while the next one is put together
            writer.add_key_value_metadata(dict(footer()))
    return ShardInfo(storage.name_of(path), rows, hashing.size, hashing.digest.hexdigest())


_OPTIONS: dict[str, Any] = {
    "use_dictionary": ["format", "source", "licence", "stage", "category", "domain"],
    "write_statistics": ["id", "key", "stage"],
    "write_page_checksum": True,
    "write_page_index": True,
    "store_schema": True,
    # pages are cut after any row: where batches end then leaves no trace in the bytes
    "write_batch_size": 1,
}


_IMAGES = ("image.bytes", "inputs.list.element.bytes", "edit_mask.bytes")


def _compression(shard_schema: pa.Schema) -> dict[str, str]:
    """Zstandard for every column but images, which are compressed already, and single numbers.

    Eighty columns of these, a few hundred bytes each in a row group, cost more to compress than all
    the captions, and a thousandth of the shard is saved.
    """
    numbers = {field.name for field in shard_schema if pa.types.is_primitive(field.type)}
    plain = {*_IMAGES, *numbers}
    leaves = [leaf for field in shard_schema for leaf in _leaves(field.name, field.type)]
    return {leaf: "none" if leaf in plain else "zstd" for leaf in leaves}


def _leaves(name: str, kind: pa.DataType) -> Iterator[str]:
    """The Parquet columns of an Arrow column, by path."""
    if pa.types.is_struct(kind):
        for child in kind:
            yield from _leaves(f"{name}.{child.name}", child.type)
    elif pa.types.is_list(kind):
        yield from _leaves(f"{name}.list.element", kind.value_type)
    else:
        yield name
