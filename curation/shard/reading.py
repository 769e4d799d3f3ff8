"""Reading a shard in batches. Pages carry checksums: a flipped bit is an error, never a pixel."""

from collections.abc import Iterator, Sequence
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from curation import storage
from curation.shard import versions
from curation.shard.schema import VERSION

BATCH_ROWS = 64
# without both, Arrow holds a whole row group; with them some pages of each column
STREAMING: dict[str, Any] = {"buffer_size": 1 << 20, "pre_buffer": False}
REMEDY = "run what wrote it again (a `beam run` with --verify)"
_UNREADABLE = (OSError, pa.ArrowException, ValueError)


class ShardError(Exception):
    """A shard that cannot be trusted; the message names the file and the row group."""


def read(path: str, columns: Sequence[str] | None = None) -> Iterator[pa.RecordBatch]:
    """The rows of a shard in order, in batches of at most ``BATCH_ROWS``, checksums verified.

    No batch spans row groups; a batch or two are in memory, not a row group. A shard of an older
    version is read as one of today's. Raises ``FileNotFoundError``, and ``ShardError`` naming the
    file and the row group when a page does not match its checksum, or for a newer version.
    """
    with storage.open_read(path) as stream:
        try:
            file = pq.ParquetFile(stream, page_checksum_verification=True, **STREAMING)
        except _UNREADABLE as error:
            raise ShardError(f"{path}: not a readable Parquet file: {error}; {REMEDY}") from error
        if refusal := versions.refusal(file.schema_arrow):
            raise ShardError(f"{path}: {refusal}")
        is_older = (versions.version_of(file.schema_arrow) or VERSION) < VERSION
        for group in range(file.num_row_groups):
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
