"""Parquet tables of pictures: img2dataset's, Hugging Face's and our own shards."""

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from curation import storage
from curation.sources import annotation
from curation.sources.files import storable
from curation.sources.sample import Part, Sample, SourceError

IMAGE_NAMES = ("image", "jpg", "jpeg", "png", "webp", "img", "picture", "image_bytes", "bytes")
KEY_NAMES = ("key", "__key__")
BATCH_ROWS = 16
_BUFFER = 1 << 20
PARQUET_ERRORS = (pa.ArrowException, OSError, ValueError)


@dataclass(frozen=True)
class Table:
    """What a table looks like: its image column (a struct or plain bytes) and its key column.

    ``key`` is None where the picture's own path comes first (Hugging Face).
    """

    image: str
    is_struct: bool
    key: str | None
    columns: tuple[str, ...]


def recognise(schema: pa.Schema) -> Table | None:
    """Find the image column: by the usual names first, else the only candidate; None without."""
    candidates = [field.name for field in schema if _is_image(field.type)]
    named = [name for name in IMAGE_NAMES if name in candidates]
    if not named and len(candidates) != 1:
        return None
    image = named[0] if named else candidates[0]
    is_struct = pa.types.is_struct(schema.field(image).type)
    own = is_struct and "id" in schema.names and "caption_raw" in schema.names
    key = next((name for name in KEY_NAMES if name in schema.names), None)
    wanted = (name for name in (*KEY_NAMES, *annotation.COLUMNS) if name in schema.names)
    return Table(image, is_struct, key if own or not is_struct else None, tuple(wanted))


def _is_image(kind: pa.DataType) -> bool:
    if pa.types.is_struct(kind):
        return any(child.name == "bytes" and _is_binary(child.type) for child in kind)
    return _is_binary(kind)


def _is_binary(kind: pa.DataType) -> bool:
    return bool(pa.types.is_binary(kind) or pa.types.is_large_binary(kind))


def inspect(path: str) -> tuple[Table | None, list[int], list[str]]:
    """The table's layout, the rows of each row group, and the column names.

    Raises one of ``PARQUET_ERRORS`` when the footer cannot be read.
    """
    with storage.open_read(path) as stream:
        file = pq.ParquetFile(stream)
        rows = [file.metadata.row_group(group).num_rows for group in range(file.num_row_groups)]
        return recognise(file.schema_arrow), rows, file.schema_arrow.names


def read_part(part: Part, only: Collection[str] | None) -> Iterator[Sample]:
    """The samples of a range of row groups.

    A row group that cannot be read yields a sample with the error for each of its rows; a file
    without a readable footer yields one.
    """
    try:
        with storage.open_read(part.path) as stream:
            file = pq.ParquetFile(stream, page_checksum_verification=True, buffer_size=_BUFFER)
            table = recognise(file.schema_arrow)
            if table is None:
                raise SourceError("no image column")
            yield from _row_groups(part, file, table, only)
    except FileNotFoundError:
        yield from _failed(part, "missing: no such file", only)
    except (*PARQUET_ERRORS, SourceError) as error:
        yield from _failed(part, f"unreadable: not a readable Parquet file: {error}", only)


def _failed(part: Part, reason: str, only: Collection[str] | None) -> Iterator[Sample]:
    uri = storable(part.path)
    if only is None or uri in only:
        name = uri.rsplit("/", 1)[-1]
        yield Sample(uri, storable(part.key), None, annotation.clean(reason), name)


def _row_groups(
    part: Part, file: pq.ParquetFile, table: Table, only: Collection[str] | None
) -> Iterator[Sample]:
    first, stop = part.groups or (0, file.num_row_groups)
    sizes = [file.metadata.row_group(group).num_rows for group in range(stop)]
    for group in range(first, stop):
        start, rows = sum(sizes[:group]), sizes[group]
        uris = [storable(f"{part.path}#{row}") for row in range(start, start + rows)]
        wanted = rows if only is None else _last_wanted(uris, only)
        done = 0
        try:
            for sample in _samples(part, file, table, group, start, uris[:wanted]):
                done += 1
                if only is None or sample.uri in only:
                    yield sample
        except PARQUET_ERRORS as error:
            reason = annotation.clean(f"unreadable: row group {group}: {error}")
            for row in range(done, wanted):
                if only is None or uris[row] in only:
                    key = storable(f"{part.key}#{start + row}")
                    yield Sample(uris[row], key, None, reason, key)


def _last_wanted(uris: list[str], only: Collection[str]) -> int:
    return max((index + 1 for index, uri in enumerate(uris) if uri in only), default=0)


def _samples(
    part: Part, file: pq.ParquetFile, table: Table, group: int, start: int, uris: list[str]
) -> Iterator[Sample]:
    if not uris:
        return
    row = 0
    columns = [table.image, *(name for name in table.columns if name != table.image)]
    for batch in file.iter_batches(BATCH_ROWS, row_groups=[group], columns=columns):
        images = batch.column(table.image)
        others = _rows(batch.select([name for name in columns if name != table.image]))
        for index, other in enumerate(others):
            image = images[index].as_py()
            yield _sample(f"{part.key}#{start + row}", uris[row], table, image, other)
            row += 1
            if row == len(uris):
                return


def _rows(batch: pa.RecordBatch) -> list[dict[str, Any]]:
    if not batch.num_columns:
        return [{} for _ in range(batch.num_rows)]
    rows: list[dict[str, Any]] = batch.to_pylist()
    return rows


def _sample(place: str, uri: str, table: Table, image: Any, row: dict[str, Any]) -> Sample:
    data, hint = image, None
    if table.is_struct:
        data, hint = (image.get("bytes"), image.get("path")) if image else (None, None)
    names = (table.key,) if table.key else KEY_NAMES
    given = next((row[name] for name in names if row.get(name) is not None), None)
    key = (hint or given) if table.key is None else given
    key = storable(place if key is None else str(key))
    said = annotation.from_mapping(row)
    reason = f"missing: {said.failure or 'the row has no image'}" if data is None else None
    return Sample(
        uri=uri,
        key=key,
        data=data,
        error=reason,
        path=storable(hint or key),
        caption_raw=said.caption_raw,
        caption_recaption=said.caption_recaption,
        caption_fused=said.caption_fused,
        text_boxes=said.text_boxes,
        source=said.source,
        licence=said.licence,
        synthetic=said.synthetic,
    )
