"""The shard format: one Arrow schema for real and synthetic samples, in Parquet files.

``image`` is the Hugging Face ``Image`` struct with the ORIGINAL bytes, so ``datasets`` and its
viewer open a shard as it is. Pages carry checksums: a flipped bit is an error, never a pixel.
"""

import hashlib
import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, BinaryIO

import pyarrow as pa
import pyarrow.parquet as pq

from curation import rowgroups, storage

ROW_GROUP_BYTES = 8 << 20
SHARD_BYTES = 400 << 20  # well under the 500 MB cap, for the same reason
SHARD_ROWS = 10_000  # at most: what is known of the rows of a shard is held while it is written
BATCH_ROWS = 64
MANIFEST_NAME = "manifest.json"
_BLOCK = 1 << 20
# without both, Arrow holds a whole row group; with them some pages of each column
STREAMING: dict[str, Any] = {"buffer_size": _BLOCK, "pre_buffer": False}
_UNREADABLE = (OSError, pa.ArrowException, ValueError)

CAPTIONS = pa.list_(
    pa.struct([("text", pa.string()), ("language", pa.string()), ("origin", pa.string())])
)
TEXT_BOXES = pa.list_(
    pa.struct([("text", pa.string()), ("quad", pa.list_(pa.float32())), ("level", pa.string())])
)
BASE_FIELDS = (
    pa.field("id", pa.string(), nullable=False),
    # nullable for Hugging Face only, which else sees no Image here; write refuses a null
    pa.field("image", pa.struct([("bytes", pa.binary()), ("path", pa.string())])),
    pa.field("key", pa.string(), nullable=False),
    pa.field("width", pa.int32()),
    pa.field("height", pa.int32()),
    pa.field("format", pa.string()),
    pa.field("caption_raw", CAPTIONS),
    pa.field("caption_recaption", CAPTIONS),
    pa.field("caption_fused", CAPTIONS),
    pa.field("annotation", pa.string()),  # the captioner's JSON
    pa.field("text_boxes", TEXT_BOXES),
    pa.field("source", pa.string()),
    pa.field("licence", pa.string()),
    pa.field("synthetic", pa.bool_(), nullable=False),
    pa.field("stage", pa.string()),
)
GROUP_FIELDS = (
    pa.field("exact_better", pa.int32()),
    pa.field("near_better", pa.int32()),
    pa.field("duplicate_of", pa.string()),
)
_HF_DTYPES = {"float": "float32", "double": "float64", "halffloat": "float16"}


_REMEDY = "run what wrote it again (a `beam run` with --verify)"


class ShardError(Exception):
    """A shard that cannot be trusted; the message names the file and the row group."""


@dataclass(frozen=True)
class ShardInfo:
    """One line of the manifest: ``file`` is relative to the manifest, ``size`` is in bytes."""

    file: str
    rows: int
    size: int
    sha256: str


def content_id(data: bytes) -> str:
    """The id of a sample: the first 128 bits of the SHA-256 of its original bytes, as 32 digits.

    SHA-256, because processors compute it in hardware, at half the cost of BLAKE2b.
    """
    return hashlib.sha256(data).hexdigest()[:32]


def schema(signal_fields: Sequence[pa.Field] = ()) -> pa.Schema:
    """The shard schema with the given signal columns, and Hugging Face feature metadata.

    A signal column that every sample has anyway (``width``) is not written twice.
    """
    base = {field.name for field in BASE_FIELDS}
    measured = [stored(field) for field in signal_fields if field.name not in base]
    plain = pa.schema([*BASE_FIELDS, *measured, *GROUP_FIELDS])
    features = {field.name: _feature(field) for field in plain}
    return plain.with_metadata({"huggingface": json.dumps({"info": {"features": features}})})


def stored(field: pa.Field) -> pa.Field:
    """The field as Parquet files hold it: lists of a fixed size are lists.

    Arrow writes a null among those of a fixed size so that it cannot read it again.
    """
    return field.with_type(_stored(field.type))


def _stored(kind: pa.DataType) -> pa.DataType:
    if pa.types.is_fixed_size_list(kind) or pa.types.is_list(kind):
        return pa.list_(_stored(kind.value_type))
    if pa.types.is_struct(kind):
        return pa.struct([stored(child) for child in kind])
    return kind


def _feature(field: pa.Field) -> Any:
    if field.name == "image":
        return {"_type": "Image"}
    return _feature_of_type(field.type)


def _feature_of_type(kind: pa.DataType) -> Any:
    if pa.types.is_struct(kind):
        return {child.name: _feature_of_type(child.type) for child in kind}
    if pa.types.is_list(kind):
        return {"feature": _feature_of_type(kind.value_type), "_type": "List"}
    name = str(kind).partition("[")[0] if pa.types.is_date(kind) else str(kind)
    return {"dtype": _HF_DTYPES.get(name, name), "_type": "Value"}


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
            for table in rowgroups.row_groups(batches, shard_schema, ROW_GROUP_BYTES):
                writer.write_table(table, row_group_size=table.num_rows)
                rows += table.num_rows
                del table  # else it would be held while the next one is put together
            writer.add_key_value_metadata(dict(footer()))
    return ShardInfo(storage.name_of(path), rows, hashing.size, hashing.digest.hexdigest())


_OPTIONS: dict[str, Any] = {
    "use_dictionary": ["format", "source", "licence", "stage"],
    "write_statistics": ["id", "key", "stage"],
    "write_page_checksum": True,
    "write_page_index": True,
    "store_schema": True,
    # pages are cut after any row: where batches end then leaves no trace in the bytes
    "write_batch_size": 1,
}


def _compression(shard_schema: pa.Schema) -> dict[str, str]:
    """Zstandard for every column but the pictures, which are compressed already."""
    leaves = [leaf for field in shard_schema for leaf in _leaves(field.name, field.type)]
    return {leaf: "none" if leaf == "image.bytes" else "zstd" for leaf in leaves}


def _leaves(name: str, kind: pa.DataType) -> Iterator[str]:
    """The Parquet columns of an Arrow column, by path."""
    if pa.types.is_struct(kind):
        for child in kind:
            yield from _leaves(f"{name}.{child.name}", child.type)
    elif pa.types.is_list(kind):
        yield from _leaves(f"{name}.list.element", kind.value_type)
    else:
        yield name


def read(path: str, columns: Sequence[str] | None = None) -> Iterator[pa.RecordBatch]:
    """The rows of a shard in order, in batches of at most ``BATCH_ROWS``, checksums verified.

    No batch spans row groups; a batch or two are in memory, not a row group. Raises
    ``FileNotFoundError``, and ``ShardError`` naming the file and the row group when a page does
    not match its checksum.
    """
    with storage.open_read(path) as stream:
        try:
            file = pq.ParquetFile(stream, page_checksum_verification=True, **STREAMING)
        except _UNREADABLE as error:
            raise ShardError(f"{path}: not a readable Parquet file: {error}; {_REMEDY}") from error
        for group in range(file.num_row_groups):
            try:
                rows = 0
                for batch in file.iter_batches(BATCH_ROWS, row_groups=[group], columns=columns):
                    rows += batch.num_rows
                    yield batch
            except _UNREADABLE as error:
                raise ShardError(f"{path}: row group {group}: {error}; {_REMEDY}") from error
            expected = file.metadata.row_group(group).num_rows
            if rows != expected:
                raise ShardError(f"{path}: row group {group}: {rows} rows, expected {expected}")


def write_manifest(directory: str, shards: Sequence[ShardInfo]) -> None:
    """Write the manifest of the shards in ``directory``, sorted by file."""
    rows = [asdict(info) for info in sorted(shards, key=lambda info: info.file)]
    text = json.dumps({"shards": rows}, indent=1) + "\n"
    storage.write_bytes(storage.join(directory, MANIFEST_NAME), text.encode())


def read_manifest(directory: str) -> list[ShardInfo]:
    """The shards a directory lists.

    Raises ``FileNotFoundError`` without a manifest, ``ShardError`` for one that is none of ours.
    """
    path = storage.join(directory, MANIFEST_NAME)
    data = storage.read_bytes(path)
    try:
        return [ShardInfo(**row) for row in json.loads(data)["shards"]]
    except (ValueError, LookupError, TypeError, RecursionError) as error:
        raise ShardError(
            f"{path}: expected the list of shards that was written with them ({error}); {_REMEDY}"
        ) from error


def undamaged(path: str) -> ShardInfo | None:
    """The line of a shard that is whole, by its manifest or, where that lacks it, page by page.

    None where there is no such shard, or a damaged one.
    """
    if not storage.exists(path):
        return None
    size, digest = digest_of(path)
    if listed := _line(path):
        return listed if (listed.size, listed.sha256) == (size, digest) else None
    try:
        return ShardInfo(
            storage.name_of(path), sum(batch.num_rows for batch in read(path)), size, digest
        )
    except ShardError:
        return None


def is_listed(path: str) -> bool:
    """Whether the manifest beside a shard lists it."""
    return _line(path) is not None


def _line(path: str) -> ShardInfo | None:
    """A shard's line of the manifest beside it; None where that is missing or damaged."""
    directory, name = path[: -len(storage.name_of(path)) - 1], storage.name_of(path)
    if not storage.exists(storage.join(directory, MANIFEST_NAME)):
        return None
    try:
        return next((info for info in read_manifest(directory) if info.file == name), None)
    except ShardError:
        return None


def verify(directory: str) -> list[ShardInfo]:
    """Check every byte of every shard against the manifest, footers too, and return the list.

    Raises ``ShardError`` naming the first file that is missing or differs, ``FileNotFoundError``
    without a manifest.
    """
    shards = read_manifest(directory)
    for info in shards:
        path = storage.join(directory, info.file)
        try:
            size, digest = digest_of(path)
        except FileNotFoundError as error:
            raise ShardError(f"{path}: missing, though the manifest lists it") from error
        if (size, digest) != (info.size, info.sha256):
            raise ShardError(
                f"{path}: {size} bytes with SHA-256 {digest}, "
                f"expected {info.size} with {info.sha256} by the manifest"
            )
    return shards


def digest_of(path: str) -> tuple[int, str]:
    """A file's size in bytes and its SHA-256, as the manifest tells them."""
    digest, size = hashlib.sha256(), 0
    with storage.open_read(path) as stream:
        while block := stream.read(_BLOCK):
            digest.update(block)
            size += len(block)
    return size, digest.hexdigest()
