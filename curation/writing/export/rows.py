"""The rows of a shard on their way out: those asked for, with or without what metadata tell."""

from collections.abc import Iterator, Sequence
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from curation import shard
from curation.picture import stripping
from curation.shard import selection
from curation.writing.export.format import Options

TELLS = ("tells_place", "tells_person")


def read(path: str, options: Options) -> Iterator[pa.RecordBatch]:
    """The rows of a shard that are asked for; where they are to be stripped, without those that
    cannot be.

    An id stays that of the original bytes. Raises ``ShardError``, ``UsageError``.
    """
    for batch in select(path, options.asked):
        yield _stripped(batch) if options.strip else batch


def select(
    path: str, asked: selection.Asked, columns: Sequence[str] | None = None
) -> Iterator[pa.RecordBatch]:
    """Some columns (None: all) of the rows asked for. Raises ``ShardError``, ``UsageError``."""
    chosen = selection.of_shard(path, list(shard.outline(path).columns), asked)
    needed = None if columns is None else list(dict.fromkeys((*columns, *chosen.columns)))
    for batch in shard.read(path, needed):
        rows = batch if not chosen.columns else batch.filter(pa.array(chosen.mask(batch)))
        if rows.num_rows:
            yield rows if columns is None else rows.select(list(columns))


def count(path: str, options: Options) -> int:
    """How many rows ``read`` gives."""
    if not options.strip:
        return sum(batch.num_rows for batch in select(path, options.asked, ("id",)))
    images = select(path, options.asked, ("image", "inputs", "edit_mask"))
    return sum(_can_be_stripped(row) for batch in images for row in batch.to_pylist())


def telling(path: str, asked: selection.Asked) -> int:
    """How many rows have metadata that tell of places or people, by the columns that say so."""
    columns = [name for name in TELLS if name in shard.outline(path).columns]
    total = 0
    for batch in select(path, asked, columns) if columns else ():
        rows = [pc.fill_null(pc.equal(batch.column(name), 1), False) for name in columns]
        total += pc.sum(pc.or_(rows[0], rows[-1])).as_py() or 0
    return total


def _stripped(batch: pa.RecordBatch) -> pa.RecordBatch:
    rows = [_without(row) for row in batch.to_pylist()]
    kept = [row for row in rows if row is not None]
    return pa.RecordBatch.from_pylist(kept, schema=batch.schema)


def _without(row: dict[str, Any]) -> dict[str, Any] | None:
    for image in _images(row):
        image["bytes"] = stripping.stripped(image["bytes"])
        if image["bytes"] is None:
            return None
    return row


def _can_be_stripped(row: dict[str, Any]) -> bool:
    return all(stripping.is_possible(image["bytes"]) for image in _images(row))


def _images(row: dict[str, Any]) -> list[dict[str, Any]]:
    mask = row.get("edit_mask")
    return [row["image"], *(row.get("inputs") or ()), *([mask] if mask else [])]
