"""The shard format: Parquet files of one Arrow schema, and the manifest of a folder of them."""

from curation.shard.digests import digest_of_rows
from curation.shard.edit_kinds import EDIT_KINDS, EDIT_OPERATIONS
from curation.shard.folder import paths, rows
from curation.shard.instructions import CAPTIONER, of_source
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
from curation.shard.reading import BATCH_ROWS, STREAMING, Outline, ShardError, outline, read
from curation.shard.schema import (
    BASE_FIELDS,
    CAPTIONS,
    EMBEDDING,
    GROUP_FIELDS,
    IMAGE,
    TEXT_BOXES,
    VERSION,
    content_id,
    schema,
    stored,
)
from curation.shard.versions import refusal, version_of
from curation.shard.writing import ROW_GROUP_BYTES, SHARD_BYTES, SHARD_ROWS, write

__all__ = [
    "BASE_FIELDS",
    "BATCH_ROWS",
    "CAPTIONER",
    "CAPTIONS",
    "EDIT_KINDS",
    "EDIT_OPERATIONS",
    "EMBEDDING",
    "GROUP_FIELDS",
    "IMAGE",
    "MANIFEST_NAME",
    "ROW_GROUP_BYTES",
    "SHARD_BYTES",
    "SHARD_ROWS",
    "STREAMING",
    "TEXT_BOXES",
    "VERSION",
    "Outline",
    "ShardError",
    "ShardInfo",
    "content_id",
    "digest_of",
    "digest_of_rows",
    "is_listed",
    "of_source",
    "outline",
    "paths",
    "read",
    "read_manifest",
    "refusal",
    "rows",
    "schema",
    "stored",
    "undamaged",
    "verify",
    "version_of",
    "write",
    "write_manifest",
]
