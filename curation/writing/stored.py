"""What is stored of the rows of a shard: measured, grouped and judged, in the order of the shard.

It is held as columns, never as a Python object per row, and only until the shard is being written:
then it waits in an unnamed temporary file and comes back piece by piece.
"""

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from typing import IO

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from curation import shard
from curation.output import column_files
from curation.output.groups import Groups
from curation.output.measured import OWN, Measured
from curation.sources import keep_columns
from curation.writing.originals import SAID, naming_the_spill

ORDER = ("id", "key", "uri")
LookedAt = Callable[[str, str | None], Collection[str]]  # by stage and rule, names of models


def in_order(
    columns: Measured,
    groups: Groups,
    rows: Mapping[str, Sequence[int]],
    signal_fields: Sequence[pa.Field],
    looked_at: LookedAt | None,
) -> tuple[pa.Table, NDArray[np.int64]]:
    """What is stored of these rows by unit, sorted, and where each of them is then: (N,)."""
    return _sorted(_of_units(columns, groups, rows, signal_fields, looked_at))


def _of_units(
    columns: Measured,
    groups: Groups,
    rows: Mapping[str, Sequence[int]],
    signal_fields: Sequence[pa.Field],
    looked_at: LookedAt | None,
) -> Iterator[pa.RecordBatch]:
    """What is stored of the rows, unit by unit, in the order of ``rows``."""
    kinds = {field.name: shard.stored(field).type for field in signal_fields}
    layout = columns.layout
    for unit in sorted(rows):
        chosen = pa.array(rows[unit], pa.int64())
        own = [OWN + name for name in columns.filled if name in kinds]
        table = columns.read(unit, [*dict.fromkeys((*ORDER, SAID, "size", *kinds, *own))])
        ledger = column_files.read(layout.ledger(unit), ("stage", "rule"))
        for more in (groups.read(unit), ledger.select(["stage"])):
            for field, column in zip(more.schema, more.columns, strict=True):
                table = table.append_column(field, column)
        for place, field in enumerate(table.schema):
            if field.name in kinds and field.type != kinds[field.name]:
                converted = keep_columns.as_type(
                    table.column(place).combine_chunks(), kinds[field.name]
                )
                table = table.set_column(place, field.name, converted)
        table, ledger = table.take(chosen), ledger.take(chosen)
        if looked_at:
            table = _without_others(table, ledger, columns, looked_at)
        yield from table.drop_columns(own).combine_chunks().to_batches()


def _without_others(
    table: pa.Table, ledger: pa.Table, columns: Measured, looked_at: LookedAt
) -> pa.Table:
    """The rows without columns of models that they do not need."""
    pairs = [(row["stage"], row["rule"]) for row in ledger.to_pylist()]
    needed = {pair: looked_at(*pair) for pair in set(pairs)}
    for name, of in columns.models.items():
        shown = pa.array([row if name in needed[pair] else None for row, pair in enumerate(pairs)])
        for column in of.columns if shown.null_count else ():
            if (place := table.schema.get_field_index(column)) >= 0:
                values = table.column(column).take(shown.cast(pa.int64()))
                table = table.set_column(place, table.schema.field(place), values)
        for column in of.fills if shown.null_count else ():
            if (place := table.schema.get_field_index(column)) >= 0:
                both = table.column(column), table.column(OWN + column)
                values = pc.if_else(pc.is_valid(shown), *(each.cast(both[0].type) for each in both))
                table = table.set_column(place, table.schema.field(place), values)
    return table


def _sorted(batches: Iterator[pa.RecordBatch]) -> tuple[pa.Table, NDArray[np.int64]]:
    """The rows in the order of the shard, and where each of the given rows is among them: (N,)."""
    table = pa.Table.from_batches(list(batches))
    order = pc.sort_indices(table, sort_keys=[(name, "ascending") for name in ORDER])
    place = np.empty(table.num_rows, np.int64)
    place[order.to_numpy()] = np.arange(table.num_rows)
    schema, columns = table.schema, []
    while table.num_columns:  # each column goes as soon as it is there in order
        columns.append(table.column(0).combine_chunks().take(order))
        table = table.remove_column(0)
    return pa.table(columns, schema=schema), place


def set_aside(stream: IO[bytes], table: pa.Table, pieces: Sequence[slice]) -> None:
    """Write the table into an unnamed file, in these pieces. Raises ``OSError``."""
    with naming_the_spill(), pa.ipc.new_stream(stream, table.schema) as writer:
        for piece in pieces:
            writer.write_table(table[piece].combine_chunks())


def taken_up(stream: IO[bytes]) -> Iterator[pa.RecordBatch]:
    """What was set aside, piece by piece. Raises ``OSError``."""
    with naming_the_spill():
        stream.seek(0)
        yield from pa.ipc.open_stream(stream)
