"""The selection as a file: keys, as ``beam run --exclude`` reads them, ids, or a table."""

import csv
import io
from collections.abc import Iterator

from curation.serving.run_rows import Numbers
from curation.serving.site import Site

FORMATS = {"keys": "text/plain", "ids": "text/plain", "csv": "text/csv"}
COLUMNS = ("key", "id", "verdict", "stage", "rule", "value", "bound", "reason")
_ROWS = 5000  # at once


def lines(site: Site, numbers: Numbers, form: str) -> Iterator[str]:
    """The lines of a file of these rows. A row whose key cannot stand on a line of its own has its
    id there, and one without either is left out.
    """
    if form == "csv":
        yield _line([*COLUMNS, "pick", "rating"])
    for start in range(0, len(numbers), _ROWS):
        part = numbers[start : start + _ROWS]
        if form == "csv":
            yield from _table(site, part)
            continue
        ids, keys = (site.rows.texts(name, part) for name in ("id", "key"))
        for identity, key in zip(ids, keys, strict=True):
            name = key if form == "keys" and is_line(key) else identity
            if name:
                yield f"{name}\n"


def is_line(key: str | None) -> bool:
    """Whether a list of names, a line each, can hold a key."""
    if not key or key.splitlines() != [key] or not key.strip():
        return False
    return "\ufffd" not in key  # written there for bytes that were no text


def _table(site: Site, part: Numbers) -> Iterator[str]:
    columns = site.rows.columns(COLUMNS)
    held = [columns[name].take(part).to_pylist() for name in COLUMNS]
    marks = [site.recorder.said.marks.get(identity) for identity in held[1]]
    for values, mark in zip(zip(*held, strict=True), marks, strict=True):
        yield _line([*values, *(mark or ("", ""))])


def _line(values: list[object]) -> str:
    stream = io.StringIO()
    csv.writer(stream, lineterminator="\n").writerow("" if of is None else of for of in values)
    return stream.getvalue()
