"""A digest of rows: equal for equal rows, wherever they lie and however they are chunked."""

import hashlib
import json
from typing import Any

import numpy as np
import pyarrow as pa

_ROWS = 256  # as JSON at once


def digest_of_rows(rows: pa.Table, size: int, *more: str) -> str:
    """A digest of ``size`` bytes, in hexadecimal digits, of the rows and of ``more``.

    Lists of numbers, such as embeddings, are taken from their buffers: as JSON, 10,000 of 768
    numbers would cost three seconds of CPU.
    """
    digest = hashlib.blake2b(json.dumps(more).encode(), digest_size=size)
    plain = [field.name for field in rows.schema if not _is_numbers(field.type)]
    described = rows.select(plain)
    for start in range(0, described.num_rows, _ROWS):
        piece = described.slice(start, _ROWS).to_pydict()
        digest.update(json.dumps(piece, sort_keys=True, default=repr).encode())
    for field in rows.schema:
        if _is_numbers(field.type):
            digest.update(json.dumps([field.name, str(field.type)]).encode())
            _update(digest, rows.column(field.name))
    return digest.hexdigest()


def _is_numbers(kind: pa.DataType) -> bool:
    return bool(pa.types.is_list(kind)) and bool(
        pa.types.is_floating(kind.value_type) or pa.types.is_integer(kind.value_type)
    )


def _update(digest: Any, column: pa.ChunkedArray) -> None:
    """Lengths (-1: no list), which of the numbers are null, and the numbers."""
    lengths = column.combine_chunks() if column.num_chunks != 1 else column.chunk(0)
    joined = lengths if isinstance(lengths, pa.Array) else pa.concat_arrays(lengths.chunks)
    values = joined.flatten()
    sizes = joined.value_lengths().fill_null(-1).to_numpy(zero_copy_only=False)
    digest.update(np.ascontiguousarray(sizes, np.int32).tobytes())
    if values.null_count:
        digest.update(np.packbits(values.is_null().to_numpy(zero_copy_only=False)).tobytes())
    zero = pa.scalar(0, values.type)
    digest.update(np.ascontiguousarray(values.fill_null(zero).to_numpy()).tobytes())
