"""Shards as older versions of the schema had them; the first said no version in its footer."""

from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from curation import shard

LACKING_IN_2 = ("edit_kind", "edit_operation", "edit_mask", "input_boxes")
LACKING = ("inputs", "caption_instruction", "category", "domain", "weight", *LACKING_IN_2)
CAPTIONS = pa.list_(
    pa.struct([("text", pa.string()), ("language", pa.string()), ("origin", pa.string())])
)


def write_version_1(path: Path, table: pa.Table) -> Path:
    """Write the rows of a shard of today as a shard of version 1, with what synthesis recorded."""
    older = table.drop_columns([name for name in LACKING if name in table.schema.names])
    fields = [
        field.with_type(CAPTIONS) if field.type == shard.CAPTIONS else field
        for field in older.schema
    ]
    metadata = {k: v for k, v in (table.schema.metadata or {}).items() if k == b"synthesis"}
    schema = pa.schema(fields, metadata=metadata)
    rows = pa.Table.from_pylist(older.to_pylist(), schema=schema)
    pq.write_table(rows, path, write_page_checksum=True)
    return path


def write_version_2(path: Path, table: pa.Table) -> Path:
    """Write the rows of a shard of today as a shard of version 2."""
    older = table.drop_columns([name for name in LACKING_IN_2 if name in table.schema.names])
    metadata = {**(table.schema.metadata or {}), b"inkstone_schema": b"2"}
    pq.write_table(older.replace_schema_metadata(metadata), path, write_page_checksum=True)
    return path
