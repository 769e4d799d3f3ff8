"""Parquet tables of images: img2dataset's, Hugging Face's and our own shards."""

from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from curation import storage
from curation.shard import STREAMING, refusal
from curation.sources import annotation, fields
from curation.sources.edits import LACKS_INPUT, Image, gap
from curation.sources.fields import USUAL, Columns
from curation.sources.files import storable
from curation.sources.image_names import Role
from curation.sources.kind import portable
from curation.sources.sample import Part, Sample, SourceError
from curation.sources.scalars import plain
from curation.sources.tables import Table, recognise
from curation.sources.values import clean

PARQUET_ERRORS = (pa.ArrowException, OSError, ValueError)
_BATCH_ROWS = 8
_PLAIN_ROWS = 1024


@dataclass(frozen=True)
class _Rows:
    """A row group as rows of its file, counted from ``start``."""

    part: Part
    group: int
    start: int
    count: int

    def uri(self, row: int) -> str:
        return storable(f"{self.part.path}#{self.start + row}")

    def place(self, row: int) -> str:
        return storable(f"{self.part.key}#{self.start + row}")


def inspect(path: str, wanted: Columns = USUAL) -> tuple[Table | None, list[int], list[str]]:
    """The table's layout, the rows of each row group, and the column names.

    Raises one of ``PARQUET_ERRORS`` when the footer cannot be read, ``SourceError`` for a shard of
    a newer version than ours.
    """
    with storage.open_read(path) as stream:
        file = pq.ParquetFile(stream)
        schema = file.schema_arrow
        if refused := refusal(schema):
            raise SourceError(f"{path}: {refused}")
        return recognise(schema, wanted), _group_rows(file), schema.names


def count(parts: Sequence[Part]) -> int:
    """How many rows these ranges of tables hold; an unreadable table counts as one."""
    sizes = {path: _sizes(path) for path in {part.path for part in parts}}
    return sum(_rows_of(part, sizes[part.path]) for part in parts)


def locations(part: Part) -> list[str]:
    """Those of the rows that ``read_part`` yields, in its order; no image is read."""
    sizes = _sizes(part.path)
    if sizes is None:
        return [storable(part.path)]
    first = sum(sizes[: part.groups[0]]) if part.groups else 0
    return [storable(f"{part.path}#{first + row}") for row in range(_rows_of(part, sizes))]


def _rows_of(part: Part, sizes: list[int] | None) -> int:
    return 1 if sizes is None else sum(sizes[slice(*part.groups)] if part.groups else sizes)


def _sizes(path: str) -> list[int] | None:
    """The rows of each row group; None for an unreadable table."""
    try:
        with storage.open_read(path) as stream:
            return _group_rows(pq.ParquetFile(stream))
    except PARQUET_ERRORS as error:
        if storage.is_outage(path, error):
            raise
        return None


def _group_rows(file: pq.ParquetFile) -> list[int]:
    return [file.metadata.row_group(group).num_rows for group in range(file.num_row_groups)]


def read_part(
    part: Part, only: Collection[str] | None, columns: Columns = USUAL
) -> Iterator[Sample]:
    """The samples of a range of row groups.

    Of a row group some pages of each column are in memory; a writer may have made a page large.
    A row group that cannot be read yields a sample with the error for each row not yet read; a
    file without a readable footer yields one. Raises ``OSError`` when a remote filesystem is out.
    """
    try:
        with storage.open_read(part.path) as stream:
            file = pq.ParquetFile(stream, page_checksum_verification=True, **STREAMING)
            if refused := refusal(file.schema_arrow):
                raise ValueError(refused)
            table = recognise(file.schema_arrow, columns)
            if table is None:
                raise ValueError("it has no image column")
            sizes = _group_rows(file)
            first, stop = part.groups or (0, len(sizes))
            for group in range(first, stop):
                rows = _Rows(part, group, sum(sizes[:group]), sizes[group])
                yield from _row_group(rows, file, table, only)
    except FileNotFoundError:
        yield from _failed(part, "missing: no such file", only)
    except PARQUET_ERRORS as error:
        if storage.is_outage(part.path, error):
            raise
        yield from _failed(part, f"unreadable: not a readable Parquet table: {error}", only)


def _failed(part: Part, reason: str, only: Collection[str] | None) -> Iterator[Sample]:
    uri = storable(part.path)
    if only is None or uri in only:
        name = uri.rsplit("/", 1)[-1]
        yield Sample(uri, storable(part.key), None, clean(reason), name)


def _row_group(
    rows: _Rows, file: pq.ParquetFile, table: Table, only: Collection[str] | None
) -> Iterator[Sample]:
    end = rows.count
    if only is not None:
        end = max((row + 1 for row in range(rows.count) if rows.uri(row) in only), default=0)
    done = 0
    reason = "the row group ends early"
    try:
        for image, others in _table_rows(file, table, rows.group) if end else ():
            is_wanted = only is None or rows.uri(done) in only
            read = _sample(rows, done, table, plain(image), others) if is_wanted else None
            done += 1
            if read:
                yield read
            if done == end:
                return
    except PARQUET_ERRORS as error:
        if storage.is_outage(rows.part.path, error):
            raise
        reason = clean(str(error))
    for row in range(done, end):
        if only is None or rows.uri(row) in only:
            place = rows.place(row)
            problem = f"unreadable: row group {rows.group}: {reason}"
            yield Sample(rows.uri(row), place, None, problem, place)


def _table_rows(
    file: pq.ParquetFile, table: Table, group: int
) -> Iterator[tuple[pa.Scalar, dict[str, pa.Scalar]]]:
    """Each row's image, not yet copied, and its other columns."""
    names = [*(name for name, _ in table.inputs), *table.columns]
    for batch in file.iter_batches(_BATCH_ROWS, row_groups=[group], columns=[table.image, *names]):
        images = batch.column(batch.schema.get_field_index(table.image))
        others = [batch.column(batch.schema.get_field_index(name)) for name in names]
        for row in range(batch.num_rows):
            said = {name: array[row] for name, array in zip(names, others, strict=True)}
            yield images[row], said


def plain_rows(path: str, choose: Callable[[list[str]], list[str]]) -> Iterator[dict[str, Any]]:
    """The rows of a table without images: of its column names those that ``choose`` picks.

    Raises one of ``PARQUET_ERRORS``.
    """
    with storage.open_read(path) as stream:
        file = pq.ParquetFile(stream, page_checksum_verification=True, **STREAMING)
        wanted = choose(file.schema_arrow.names)
        for batch in file.iter_batches(_PLAIN_ROWS, columns=wanted):
            for row in range(batch.num_rows):
                yield {name: plain(batch.column(name)[row]) for name in wanted}


def _sample(
    rows: _Rows, row: int, table: Table, image: Any, columns: dict[str, pa.Scalar]
) -> Sample:
    others = {name: plain(columns[name]) for name in table.columns}
    data, hint = _image(image)
    names = (table.key,) if table.key else fields.KEY
    given = next((others[name] for name in names if others.get(name) is not None), None)
    key = given if table.key or not hint else portable(hint)
    key = storable(str(key)) if key is not None else rows.place(row)
    kept = {name: columns[name] for name in table.wanted.keep if name in columns}
    said = replace(annotation.from_mapping(others, table.wanted), kept=kept)
    missing = f"missing: {said.failure or 'the row has no image bytes'}"
    result = Image(
        storable(portable(hint) if hint else key), data, missing if data is None else None
    )
    values = [(role, plain(columns[name])) for name, role in table.inputs]
    named = [(role, value) for role, value in values if value not in (None, [])]
    inputs = _inputs(named)
    is_edit = table.inputs and not table.is_shard and said.caption_instruction
    if problem := gap(role for role, _ in named) or (
        LACKS_INPUT if is_edit and not named else None
    ):
        result, inputs = Image(result.path, None, problem), []
    return annotation.sample(said, result, inputs, uri=rows.uri(row), key=key)


def _image(value: Any) -> tuple[bytes | None, str | None]:
    """The bytes of an image, a struct or plain, and its file-name hint, which must be text."""
    if isinstance(value, dict):
        hint = value.get("path")
        return value["bytes"], hint if isinstance(hint, str) else None
    return value, None


def _inputs(named: list[tuple[Role, Any]]) -> list[Image]:
    """The inputs of an edit, in their order; a null in a list of them is one that is missing."""
    every = [
        _image(image)
        for _, value in named
        for image in (value if isinstance(value, list) else [value])
    ]
    return [
        Image(
            storable(portable(hint)) if hint else "",
            data,
            "missing: the row has no bytes of it" if data is None else None,
        )
        for data, hint in every
    ]
