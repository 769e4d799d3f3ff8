"""The shard format: Parquet files of one Arrow schema, and the manifest of a folder of them."""

from curation.shard.manifest import (
    MANIFEST_NAME,
    ShardInfo,
    digest_of,
    is_listed,
    read_manifest,
    undamaged,
    verify,
    write_manifest,
)
from curation.shard.reading import BATCH_ROWS, STREAMING, ShardError, read
from curation.shard.schema import (
    BASE_FIELDS,
    CAPTIONS,
    GROUP_FIELDS,
    TEXT_BOXES,
    content_id,
    schema,
    stored,
)
from curation.shard.writing import ROW_GROUP_BYTES, SHARD_BYTES, SHARD_ROWS, write

__all__ = [
    "BASE_FIELDS",
    "BATCH_ROWS",
    "CAPTIONS",
    "GROUP_FIELDS",
    "MANIFEST_NAME",
    "ROW_GROUP_BYTES",
    "SHARD_BYTES",
    "SHARD_ROWS",
    "STREAMING",
    "TEXT_BOXES",
    "ShardError",
    "ShardInfo",
    "content_id",
    "digest_of",
    "is_listed",
    "read",
    "read_manifest",
    "schema",
    "stored",
    "undamaged",
    "verify",
    "write",
    "write_manifest",
]
