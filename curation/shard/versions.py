"""Shards of older versions are read as if they were of today's, newer ones are refused.

Version 1, whose footer names none: captions without a stage, and no ``inputs``,
``caption_instruction``, ``category``, ``domain`` and ``weight``. Version 2: no ``edit_kind``,
``edit_operation``, ``edit_mask`` and ``input_boxes``.
"""

from collections.abc import Collection, Mapping

import pyarrow as pa

from curation.shard.schema import BASE_FIELDS, VERSION, VERSION_KEY

_OF_EVERY_VERSION = {"id", "image", "key", "caption_raw"}


def version_of(schema: pa.Schema) -> int | None:
    """The version of a shard by its schema; None for a table that is no shard.

    Raises ``ValueError`` for a version that is no number.
    """
    metadata: Mapping[bytes, bytes] = schema.metadata or {}
    stored = metadata.get(VERSION_KEY.encode())
    if stored is not None:
        return int(stored)
    return 1 if set(schema.names) >= _OF_EVERY_VERSION else None


def refusal(schema: pa.Schema) -> str | None:
    """Why a shard cannot be read, or None; tables that are no shards can."""
    try:
        version = version_of(schema)
    except ValueError:
        version = 0
    if version is None or 1 <= version <= VERSION:
        return None
    stored = (schema.metadata or {})[VERSION_KEY.encode()].decode("utf-8", "replace")
    return (
        f"a shard of schema version {stored}; expected 1 to {VERSION}: read it with the version of "
        "this project that wrote it, or a later one"
    )


def as_current(batch: pa.RecordBatch, wanted: Collection[str] | None) -> pa.RecordBatch:
    """Rows of an older shard as today's: null for what the ``wanted`` columns lack."""
    here = set(batch.schema.names)
    base = [
        field
        for field in BASE_FIELDS
        if field.name in here or wanted is None or field.name in wanted
    ]
    of_base = {field.name for field in base}
    fields = [*base, *(field for field in batch.schema if field.name not in of_base)]
    arrays = [
        batch.column(field.name).cast(field.type)
        if field.name in here
        else pa.nulls(batch.num_rows, field.type)
        for field in fields
    ]
    return pa.RecordBatch.from_arrays(arrays, schema=pa.schema(fields))
