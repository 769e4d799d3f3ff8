"""What was measured of the inputs of edit samples: lists in column files, an entry for each input.

A file has the column ``INPUTS``, a list of structs, where a row of it has inputs; the columns of
one image, ``luma``, are in tables ``inputs.luma``, a list of a value for each input.
"""

from collections.abc import Mapping, Sequence

import pyarrow as pa
import pyarrow.parquet as pq

from curation import storage
from curation.output.column_files import UNREADABLE, ColumnFileError
from curation.output.finished import REMEDY

INPUTS = "inputs"


def column(name: str) -> str:
    """What a column of inputs is called in tables."""
    return f"{INPUTS}.{name}"


def plain(column: str) -> str:
    """What the column is called that is measured of inputs in a column of this name."""
    return column.removeprefix(f"{INPUTS}.")


def read(path: str, names: Sequence[str]) -> Mapping[str, pa.Array]:
    """Those of the columns that the file has, by their names; nothing where no row has inputs.

    Raises ``ColumnFileError``.
    """
    try:
        with storage.open_read(path) as stream:
            file = pq.ParquetFile(stream, page_checksum_verification=True)
            if INPUTS not in file.schema_arrow.names:
                return {}
            there = {field.name for field in file.schema_arrow.field(INPUTS).type.value_type}
            wanted = [name for name in names if name in there]
            leaves = [f"{INPUTS}.list.element.{name}" for name in wanted]
            if not wanted:
                return {}
            table = file.read(columns=leaves, use_threads=False)
    except UNREADABLE as error:
        raise ColumnFileError(f"{path}: {error}; {REMEDY}") from error
    return {name: _each(table.column(INPUTS), name) for name in wanted}


def _each(lists: pa.ChunkedArray, name: str) -> pa.Array:
    """Of lists of structs the lists of one of their fields."""
    joined = lists.combine_chunks()
    joined = pa.concat_arrays(joined.chunks) if isinstance(joined, pa.ChunkedArray) else joined
    values = joined.values.field(name)
    return pa.ListArray.from_arrays(joined.offsets, values, mask=joined.is_null())
