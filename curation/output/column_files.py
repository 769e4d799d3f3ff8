"""Column files: signals, ledger and groups as Parquet with page checksums, one file per unit."""

from collections.abc import Iterable, Sequence
from typing import Any, BinaryIO

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from numpy.typing import NDArray

from curation import storage
from curation.output.finished import REMEDY

_NAMES = ("key", "uri", "id")  # every row has its own


UNREADABLE = (pa.ArrowException, OSError, ValueError)


class ColumnFileError(Exception):
    """A column file that cannot be trusted; the message names it and says what to do."""


class UnmeasuredColumnError(Exception):
    """A file was written before a column existed; the message says to run again."""


def write(path: str, table: pa.Table) -> None:
    """Write a table atomically; the same rows give the same bytes. Raises ``OSError``."""
    with storage.atomic_write(path) as stream:
        write_to(stream, table)


def write_to(stream: BinaryIO, table: pa.Table) -> None:
    """Write a table as ``write`` does into an open file."""
    # A dictionary of values that all differ makes files half as large again and slower to read.
    repeated = [field.name for field in table.schema if _may_repeat(field)]
    pq.write_table(
        table, stream, compression="zstd", use_dictionary=repeated, write_page_checksum=True
    )


def _may_repeat(field: pa.Field) -> bool:
    return pa.types.is_string(field.type) and field.name not in _NAMES


def read(path: str, columns: Sequence[str] | None = None) -> pa.Table:
    """Read a table.

    Raises ``ColumnFileError``, and ``UnmeasuredColumnError`` for a column that the file lacks.
    """
    try:
        with storage.open_read(path) as stream:
            file = pq.ParquetFile(stream, page_checksum_verification=True)
            wanted = None if columns is None else list(columns)
            lacking = sorted(set(wanted or ()) - set(file.schema_arrow.names))
            if lacking:
                raise UnmeasuredColumnError(
                    f"{path}: column {lacking[0]!r} was not measured yet; expected a run with this "
                    "version and configuration; first: beam run into the same output, "
                    "with --verify if this file was damaged"
                )
            return file.read(columns=wanted, use_threads=False)  # threads cost more than they save
    except UNREADABLE as error:
        raise ColumnFileError(f"{path}: {error}; {REMEDY}") from error


def read_schema(path: str) -> pa.Schema:
    """The columns of a file. Raises ``ColumnFileError``."""
    try:
        with storage.open_read(path) as stream:
            return pq.read_schema(stream)
    except UNREADABLE as error:
        raise ColumnFileError(f"{path}: {error}; {REMEDY}") from error


def read_all(paths: Iterable[str], columns: Sequence[str]) -> pa.Table:
    """The named columns of several files, one after the other."""
    tables = [read(path, columns) for path in paths]
    return pa.concat_tables(tables) if tables else pa.table({name: [] for name in columns})


def as_float(column: Any) -> NDArray[np.float64]:
    """A numeric Arrow column as (N,) float64 with NaN for null."""
    array = column.combine_chunks() if isinstance(column, pa.ChunkedArray) else column
    floats = array if pa.types.is_float64(array.type) else array.cast(pa.float64(), safe=False)
    return np.asarray(floats.to_numpy(zero_copy_only=False), np.float64)


def is_null(column: Any) -> NDArray[np.bool_]:
    """Where an Arrow column is null: (N,) bool."""
    return np.asarray(pc.is_null(column).to_numpy(zero_copy_only=False), np.bool_)


def equals(column: Any, value: str) -> NDArray[np.bool_]:
    """Where a string column equals ``value``: (N,) bool."""
    return np.asarray(pc.equal(column, value).to_numpy(zero_copy_only=False), np.bool_)
