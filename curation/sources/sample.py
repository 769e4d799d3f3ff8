"""The nouns of reading: a ``Sample`` is one raw row, a ``Unit`` is a list of parts to read."""

import hashlib
import json
from dataclasses import asdict, dataclass, field
from typing import Any, Literal

from curation.sources.fields import NAMES, USUAL, Columns, SourceColumns
from curation.sources.values import Caption

Layout = Literal["files", "webdataset", "parquet"]
LAYOUTS: tuple[Layout, ...] = ("files", "webdataset", "parquet")
UNKNOWN_SIZE = -1


class SourceError(Exception):
    """An input that cannot be planned: the message says what, what was expected, what to do."""


@dataclass(frozen=True, slots=True)
class SourceImage:
    """An image that an edit sample was made from: its bytes, untouched, and a file-name hint."""

    data: bytes
    path: str


@dataclass(frozen=True, slots=True)
class Sample(SourceColumns):
    """One raw input row, its bytes untouched, and what its source says of it.

    ``uri`` is unique and stable: ``dir/a.jpg``, ``x.tar#0001.jpg``, ``x.parquet#<row in file>``,
    ``m.jsonl#<line>`` for a manifest line that says nothing usable. ``key`` is the source's own
    key, bit-identical. ``data`` is None when there is nothing to decode, and then ``error`` says
    why (``missing: ...`` or ``unreadable: ...``); otherwise ``error`` is None. ``path`` is a
    file-name hint. ``problem`` names the side files that could not be read, and why; the image is
    not lost over them. ``kept`` holds the columns that were asked for by name: an Arrow scalar from
    a table, else as JSON has it. ``inputs`` are the source images of an edit sample, 1 to 3, of
    which ``data`` is the result; None for any other sample, and where ``error`` is told.
    """

    uri: str
    key: str
    data: bytes | None
    error: str | None
    path: str
    inputs: tuple[SourceImage, ...] | None = field(default=None, kw_only=True)
    problem: str | None = field(default=None, kw_only=True)
    kept: dict[str, Any] | None = field(default=None, kw_only=True)


@dataclass(frozen=True, slots=True)
class Part:
    """A file of a unit, or a range of its row groups.

    ``path`` is where to open it, ``size`` its bytes (``UNKNOWN_SIZE`` where nothing was found or
    asked), ``key`` its key or its name relative to the input. ``sidecars`` are the side
    files that describe it, as (name in the same folder, size), in the order of their captions.
    ``problems`` name side files that are not read, and why. ``described`` holds what lists say
    about it: the kind of list, and one JSON object each. ``groups`` is the half-open range of
    Parquet row groups (None: all). ``error`` marks a row of a list that could not be understood, or
    a file that must not be read; ``path`` then is its location and is never opened. ``stamps`` are
    the times (``storage.times``) of the file, of its ``sidecars`` and ``inputs``, empty where none
    were asked. ``inputs`` are the source images of an edit sample, as (where to open it, size), in
    their order; ``variant`` tells apart the edit samples of one result that has several.
    """

    path: str
    size: int
    key: str
    sidecars: tuple[tuple[str, int], ...] = ()
    described: tuple[tuple[str, str], ...] = ()
    problems: tuple[str, ...] = ()
    groups: tuple[int, int] | None = None
    error: str | None = None
    stamps: tuple[tuple[int, ...], ...] = ()
    inputs: tuple[tuple[str, int], ...] = ()
    variant: str | None = None


@dataclass(frozen=True, slots=True)
class Unit:
    """What one worker reads in one go, and of which columns; ``id`` is 16 hexadecimal digits.

    ``only`` are the locations of the rows that are in a sample (None: all are read).
    """

    id: str
    layout: Layout
    parts: tuple[Part, ...]
    columns: Columns = USUAL
    only: tuple[str, ...] | None = None


def unit_id(
    layout: Layout, parts: tuple[Part, ...], occurrence: int = 0, columns: Columns = USUAL
) -> str:
    """The id of a unit: a hash of its layout, of the columns named and of its parts' places.

    It says where rows lie in their input, not what they hold: neither sizes, times nor captions
    count, nor where the input lies. ``occurrence`` tells apart units that look alike otherwise
    (``a/0.tar`` and ``b/0.tar``).
    """
    digest = hashlib.blake2b(digest_size=8)
    content = [layout, occurrence, *([asdict(columns)] if columns != USUAL else [])]
    digest.update(json.dumps(content).encode())
    for part in parts:
        variant = (part.variant,) if part.variant else ()
        digest.update(json.dumps((part.key, part.groups, *variant)).encode())
    return digest.hexdigest()


def source_digest(sample: Sample) -> str:
    """16 hexadecimal digits: equal for rows of which sources say the same, the image apart."""
    values = ((name, getattr(sample, name)) for name in _SAID)
    said = [(name, value) for name, value in values if value is not None and value is not False]
    text = json.dumps(said, default=_as_json)
    return hashlib.blake2b(text.encode(), digest_size=8).hexdigest()


def _as_json(value: Any) -> Any:
    if isinstance(value, Caption):
        return asdict(value)
    if isinstance(value, bytes):
        return hashlib.blake2b(value, digest_size=8).hexdigest()
    try:
        return repr(value)
    except (KeyError, OverflowError, ValueError):  # of a date that Python cannot hold
        from curation.sources.scalars import plain  # Arrow: where there are values of tables

        return repr(plain(value))


# all that a source says of a row; where it lies, its bytes and what is wrong are known apart
_SAID = ("path", *NAMES, "kept")


def to_json(unit: Unit) -> str:
    """The unit as one JSON text, which ``from_json`` turns back into an equal unit."""
    parts = [
        {name: value for name in Part.__slots__ if (value := getattr(part, name)) not in (None, ())}
        for part in unit.parts
    ]
    content = {"id": unit.id, "layout": unit.layout, "parts": parts}
    columns = {"columns": asdict(unit.columns)} if unit.columns != USUAL else {}
    only = {"only": unit.only} if unit.only is not None else {}
    return json.dumps(content | columns | only) + "\n"


def from_json(text: str | bytes) -> Unit:
    """The unit ``to_json`` wrote. Raises ``ValueError`` for anything else."""
    try:
        content = json.loads(text)
        layout = content["layout"]
        if layout not in LAYOUTS:
            raise ValueError(f"layout {layout!r}")
        parts = tuple(_part(row) for row in content["parts"])
        only = tuple(content["only"]) if "only" in content else None
        columns = _columns(content.get("columns", {}))
        return Unit(str(content["id"]), layout, parts, columns, only)
    except (KeyError, TypeError) as error:
        raise ValueError(f"{type(error).__name__}: {error}") from error


def _columns(row: dict[str, Any]) -> Columns:
    return Columns(tuple(row.get("captions", ())), row.get("key"), tuple(row.get("keep", ())))


def _part(row: dict[str, Any]) -> Part:
    return Part(
        path=row["path"],
        size=row["size"],
        key=row["key"],
        sidecars=tuple((name, size) for name, size in row.get("sidecars", ())),
        described=tuple((kind, text) for kind, text in row.get("described", ())),
        problems=tuple(row.get("problems", ())),
        groups=(row["groups"][0], row["groups"][1]) if row.get("groups") else None,
        error=row.get("error"),
        stamps=tuple(map(tuple, row.get("stamps", ()))),
        inputs=tuple((path, size) for path, size in row.get("inputs", ())),
        variant=row.get("variant"),
    )
