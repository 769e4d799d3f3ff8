"""The rows of files that list images: JSON lines, Hugging Face's ``metadata.csv`` and ``.parquet``.

A row is a mapping, or the ``ValueError`` that says why it is none. Text that is no UTF-8 keeps its
bytes as surrogates, so that a file name in another encoding still opens the file it names.
"""

import csv
import io
import json
import re
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from curation import storage
from curation.sources import image_names
from curation.sources.fields import KEY, Columns, read_of
from curation.sources.files import LARGEST_SIDECAR
from curation.sources.image_names import PATH, Role

Row = dict[str, Any] | ValueError
_NUMBER = re.compile(r"-?(0|[1-9]\d{0,17})(\.\d{1,17})?([eE][+-]?\d{1,3})?", re.ASCII)


def path_field(row: dict[str, Any]) -> str | None:
    """The field of a row that names its image: the usual ones, else the only ``..._file_name``.

    Of an edit it is the one that names the result.
    """
    roles = _roles(row)
    results = [name for name, _ in image_names.of_kind(roles.items(), "result") if row[name]]
    if results:
        return results[0]
    usual = next((name for name in PATH if row.get(name)), None)
    if usual is not None:
        return usual
    others = [name for name in row if name.endswith("_file_name") and row[name]]
    others = [name for name in others if name not in roles]
    return others[0] if len(others) == 1 else None


def input_fields(row: dict[str, Any], image: str) -> list[tuple[str, Role]]:
    """The fields of a row that name the inputs of an edit, whose result is named by ``image``.

    Beside a result that is named as one, the usual name of an image is that of its input.
    """
    roles = _roles(row)
    inputs = image_names.of_kind(roles.items(), "input")
    if not inputs and image in roles:
        usual = [name for name in PATH if name in row][:1]
        return [(name, Role("input", name, None, (0, 0))) for name in usual]
    return inputs


def _roles(row: dict[str, Any]) -> dict[str, Role]:
    roles = ((name, image_names.role_of_path(name)) for name in row)
    return {name: role for name, role in roles if role is not None}


def header(path: str) -> dict[str, Any]:
    """The columns by name, or the first row that is a JSON object; empty where there is neither."""
    if _suffix(path) == "csv":
        first = next(_csv_lines(path), (1, None))[1]
        return {name: name for name in first} if isinstance(first, list) else {}
    if _suffix(path) == "parquet":
        import pyarrow.parquet as pq  # only where there is a table

        with storage.open_read(path) as stream:
            return {name: name for name in pq.read_schema(stream).names}
    return next((row for _, row in _json_rows(path) if isinstance(row, dict)), {})


def origin(path: str) -> str:
    """What stands for the list in the origin of its captions: its name if it is a usual one."""
    name = path.rpartition("/")[2].lower()
    return name if name.startswith("metadata.") else f".{_suffix(path)}"


def rows(path: str, columns: Columns) -> Iterator[tuple[int, Row]]:
    """Every row with the number of its line (of a table: of its row), from 1."""
    if _suffix(path) == "csv":
        yield from _csv_rows(path, columns)
    elif _suffix(path) == "parquet":
        yield from _table_rows(path, columns)
    else:
        yield from _json_rows(path)


def _suffix(path: str) -> str:
    return path.rpartition(".")[2].lower()


def _json_rows(path: str) -> Iterator[tuple[int, Row]]:
    with storage.open_read(path) as stream:
        for number, line in enumerate(stream, 1):
            if line.strip():
                yield number, _parse(line)


def _parse(line: bytes) -> Row:
    try:
        row = json.loads(line.decode("utf-8", "surrogateescape").removeprefix("\ufeff"))
    except RecursionError:
        return ValueError("nested too deeply")
    except ValueError as error:
        return error
    if not isinstance(row, dict):
        return ValueError(f"a JSON object expected, not {type(row).__name__}")
    return row


def _csv_rows(path: str, columns: Columns) -> Iterator[tuple[int, Row]]:
    """An empty cell says nothing; a line with more cells than columns is told, not guessed at.

    Cells are text; in columns that are only passed on, what is written like a JSON number is one.
    """
    passed_on: set[str] = set()
    header: list[str] | None = None
    for number, line in _csv_lines(path):
        if isinstance(line, ValueError):
            yield number, line
        elif header is None:
            header = line
            passed_on = set(columns.keep) - set(_wanted(header, replace(columns, keep=())))
        elif len(line) > len(header):
            yield number, ValueError(f"{len(line)} cells, but {len(header)} columns")
        elif line:
            cells = {name: cell for name, cell in zip(header, line, strict=False) if cell}
            numbers = {
                name: json.loads(cells[name]) for name in passed_on if _is_number(cells, name)
            }
            yield number, cells | numbers


def _is_number(cells: dict[str, str], name: str) -> bool:
    return _NUMBER.fullmatch(cells.get(name, "")) is not None


def _csv_lines(path: str) -> Iterator[tuple[int, Any]]:
    """Lists of cells, or the error in their place."""
    limit = csv.field_size_limit(LARGEST_SIDECAR)
    try:
        with storage.open_read(path) as stream:
            text = io.TextIOWrapper(stream, "utf-8-sig", "surrogateescape", newline="")
            reader = csv.reader(text, strict=True)
            while True:
                number = reader.line_num + 1
                try:
                    yield number, next(reader)
                except StopIteration:
                    return
                except csv.Error as error:
                    yield number, ValueError(str(error))
    finally:
        csv.field_size_limit(limit)


def _table_rows(path: str, columns: Columns) -> Iterator[tuple[int, Row]]:
    from curation.sources import parquet

    number = 0
    try:
        for row in parquet.plain_rows(path, lambda names: _wanted(names, columns)):
            number += 1
            yield number, row
    except parquet.PARQUET_ERRORS as error:
        if storage.is_outage(path, error):
            raise
        yield number + 1, ValueError(str(error))


def _wanted(names: list[str], columns: Columns) -> list[str]:
    known = {*read_of(names, columns), *PATH, KEY[0]}
    wanted = [
        name
        for name in names
        if name in known or name.endswith("_file_name") or image_names.role_of_path(name)
    ]
    return [name for name in wanted if names.count(name) == 1]
