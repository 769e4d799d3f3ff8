"""Reading a shard in batches. Pages carry checksums: a flipped bit is an error, never a pixel."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from curation import storage
from curation.shard import versions
from curation.shard.schema import BASE_FIELDS, VERSION

BATCH_ROWS = 64
# without both, Arrow holds a whole row group; with them some pages of each column
STREAMING: dict[str, Any] = {"buffer_size": 1 << 20, "pre_buffer": False}
REMEDY = "run what wrote it again (`beam run` with --verify, or a rendering after removing it)"
_UNREADABLE = (OSError, pa.ArrowException, ValueError)


class ShardError(Exception):
    """A shard that cannot be trusted; the message names the file and the row group."""


@dataclass(frozen=True)
class Outline:
    """What a shard's footer says: its columns, and how many rows each row group has."""

    columns: tuple[str, ...]
    groups: tuple[int, ...]


def outline(path: str) -> Outline:
    """Read a shard's footer alone; an older one has today's columns, too.

    Raises as ``read`` does.
    """
    with _opened(path) as file:
        names = dict.fromkeys(file.schema_arrow.names)
        if _is_older(file):
            names |= dict.fromkeys(field.name for field in BASE_FIELDS)
        rows = (file.metadata.row_group(group).num_rows for group in range(file.num_row_groups))
        return Outline(tuple(names), tuple(rows))


def read(
    path: str, columns: Sequence[str] | None = None, groups: Sequence[int] | None = None
) -> Iterator[pa.RecordBatch]:
    """The rows of a shard in order, in batches of at most ``BATCH_ROWS``, checksums verified.

    ``groups`` are the row groups to read, all where not given. No batch spans row groups; a batch
    or two are in memory, not a row group. A shard of an older version is read as one of today's.
    Raises ``FileNotFoundError``, and ``ShardError`` naming the file and the row group when a page
    does not match its checksum, or for a newer version.
    """
    with _opened(path) as file:
        is_older = _is_older(file)
        for group in range(file.num_row_groups) if groups is None else groups:
            try:
                rows = 0
                for batch in file.iter_batches(BATCH_ROWS, row_groups=[group], columns=columns):
                    rows += batch.num_rows
                    yield versions.as_current(batch, columns) if is_older else batch
            except _UNREADABLE as error:
                raise ShardError(f"{path}: row group {group}: {error}; {REMEDY}") from error
            expected = file.metadata.row_group(group).num_rows
            if rows != expected:
                raise ShardError(f"{path}: row group {group}: {rows} rows, expected {expected}")


@contextmanager
def _opened(path: str) -> Iterator[pq.ParquetFile]:
    with storage.open_read(path) as stream:
        try:
            file = pq.ParquetFile(stream, page_checksum_verification=True, **STREAMING)
        except _UNREADABLE as error:
            raise ShardError(f"{path}: not a readable Parquet file: {error}; {REMEDY}") from error
        if refusal := versions.refusal(file.schema_arrow):
            raise ShardError(f"{path}: {refusal}")
        yield file


def _is_older(file: pq.ParquetFile) -> bool:
    return (versions.version_of(file.schema_arrow) or VERSION) < VERSION
