"""The rows of a shard on their way out, with or without what metadata tell."""

from collections.abc import Iterator
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from curation import shard
from curation.picture import stripping

TELLS = ("tells_place", "tells_person")


def read(path: str, strip: bool) -> Iterator[pa.RecordBatch]:
    """The rows of a shard; where they are to be ``strip``-ped, without those that cannot be.

    An id stays that of the original bytes. Raises ``ShardError``.
    """
    for batch in shard.read(path):
        yield _stripped(batch) if strip else batch


def left_out(path: str) -> int:
    """How many rows ``read`` leaves out when it strips."""
    return sum(
        not _can_be_stripped(row)
        for batch in shard.read(path, ("image", "inputs"))
        for row in batch.to_pylist()
    )


def telling(path: str) -> int:
    """How many rows have metadata that tell of places or people, by the columns that say so."""
    columns = [name for name in TELLS if name in shard.outline(path).columns]
    count = 0
    for batch in shard.read(path, columns) if columns else ():
        rows = [pc.fill_null(pc.equal(batch.column(name), 1), False) for name in columns]
        count += pc.sum(pc.or_(rows[0], rows[-1])).as_py() or 0
    return count


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
    return [row["image"], *(row.get("inputs") or ())]
