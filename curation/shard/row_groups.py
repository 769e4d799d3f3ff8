"""Cutting rows into row groups by their bytes, without slicing or copying single rows."""

from collections.abc import Iterable, Iterator

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray


def row_groups(
    batches: Iterable[pa.RecordBatch], schema: pa.Schema, limit: int
) -> Iterator[pa.Table]:
    """The rows in order, in tables of at most ``limit`` bytes, or of one larger row.

    Where the batches end makes no difference. Raises ``ValueError`` for a row without image bytes.
    """
    pending: list[pa.RecordBatch] = []
    size = 0
    for batch in batches:
        if batch.column("image").flatten()[0].null_count:
            raise ValueError("a row has no image bytes; expected the original bytes in every row")
        ends = np.cumsum(_row_bytes(batch.to_struct_array()))
        start, before = 0, 0
        while start < batch.num_rows:
            stop = int(np.searchsorted(ends, before + limit - size, side="right"))
            if stop <= start and pending:
                yield pa.Table.from_batches(pending, schema)
                pending, size = [], 0
                continue
            stop = max(stop, start + 1)  # a row over the limit is a row group of its own
            pending.append(batch.slice(start, stop - start))
            size += int(ends[stop - 1]) - before
            start, before = stop, int(ends[stop - 1])
    if pending:
        yield pa.Table.from_batches(pending, schema)


def _row_bytes(array: pa.Array) -> NDArray[np.int64]:
    """(N,) bytes of each entry, without compression: images count, and so does long text."""
    kind = array.type
    if array.null_count == len(array) and not (_width(kind) or pa.types.is_struct(kind)):
        return np.zeros(len(array), np.int64)
    if pa.types.is_struct(kind):
        fixed = sum(_width(field.type) for field in kind)
        varied = (
            c for c, field in zip(array.flatten(), kind, strict=True) if not _width(field.type)
        )
        return sum((_row_bytes(child) for child in varied), np.full(len(array), fixed, np.int64))
    if pa.types.is_list(kind):
        lengths = _integers(pc.list_value_length(array))
        totals = np.concatenate([[0], np.cumsum(_row_bytes(array.flatten()))])
        stops = np.cumsum(lengths)
        return np.asarray(totals[stops] - totals[stops - lengths], np.int64)
    if width := _width(kind):
        return np.full(len(array), width, np.int64)
    return _integers(pc.binary_length(array))


def _width(kind: pa.DataType) -> int:
    """Bytes of a value of fixed size, else 0."""
    return max(1, kind.bit_width // 8) if pa.types.is_primitive(kind) else 0


def _integers(array: pa.Array) -> NDArray[np.int64]:
    return np.asarray(pc.fill_null(array, 0), np.int64)
