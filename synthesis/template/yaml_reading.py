"""Strict YAML: plain values, and the line of every one of them by its path.

Refused with their line: anchors, aliases, tags, duplicate keys, several documents, deep nesting
and files over 1 MB. Only ``true``, ``false``, ``null`` and numbers are no text.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from difflib import get_close_matches
from pathlib import Path
from typing import Any, NoReturn

from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError
from ruamel.yaml.events import (
    AliasEvent,
    DocumentEndEvent,
    DocumentStartEvent,
    MappingEndEvent,
    MappingStartEvent,
    ScalarEvent,
    SequenceEndEvent,
    SequenceStartEvent,
    StreamEndEvent,
)

from curation.failures.errors import UsageError

MOST_BYTES = 1_000_000
MOST_DEPTH = 24
_CONSTANTS = {"true": True, "false": False, "null": None, "~": None, "": None}
_WHOLE = re.compile(r"[-+]?\d{1,18}", re.ASCII)
_DECIMAL = re.compile(r"[-+]?\d{0,18}\.\d{1,18}", re.ASCII)
Key = str | int
PathTo = tuple[Key, ...]


@dataclass
class Document:
    """What a file holds, and the 1-based line of every value (of a mapping's: of its key)."""

    file: str
    value: Any = None
    lines: dict[PathTo, int] = field(default_factory=dict)

    def line(self, path: Sequence[Key]) -> int:
        """The line of the value at ``path``, or of the nearest value above it that is there."""
        return self.lines.get(self.known(path), 1)

    def known(self, path: Sequence[Key]) -> PathTo:
        """The path, or the longest beginning of it that is in the file."""
        place = tuple(path)
        while place and place not in self.lines:
            place = place[:-1]
        return place

    def fail(self, path: Sequence[Key], message: str) -> NoReturn:
        """Refuse what stands at ``path``."""
        raise UsageError(f"{self.file}:{self.line(path)}: {message}")


def read(path: Path) -> Document:
    """The file as plain values with their lines. Raises ``UsageError`` naming file and line."""
    try:
        data = path.read_bytes()
    except OSError as error:
        raise UsageError(f"{path}: {error.strerror or error}") from error
    return parse(data, str(path))


def parse(data: bytes, file: str) -> Document:
    """As ``read``; ``file`` is only its name in messages."""
    if len(data) > MOST_BYTES:
        raise UsageError(f"{file}: expected at most {MOST_BYTES:,} bytes")
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise UsageError(f"{file}:{line}: expected UTF-8 text: save it as UTF-8") from None
    document = Document(file)
    reader = _Reader(YAML(typ="safe").parse(text), document)
    try:
        reader.read()
    except YAMLError as error:
        mark = getattr(error, "problem_mark", None) or getattr(error, "context_mark", None)
        line = reader.last if mark is None else int(mark.line) + 1
        reason = getattr(error, "problem", None) or "broken"
        raise UsageError(f"{file}:{line}: not readable as YAML: {reason}") from None
    return document


def nearest(given: str, valid: Sequence[str]) -> str:
    """``; did you mean 'b'?`` where one of the valid names is near, else nothing."""
    near = get_close_matches(given, valid, n=1, cutoff=0.5)
    return f"; did you mean {near[0]!r}?" if near else ""


class _Reader:
    """Builds values from parser events, which name lines and let nothing be expanded first."""

    def __init__(self, events: Iterator[Any], document: Document) -> None:
        self._events = events
        self._document = document
        self.last = 1

    def read(self) -> None:
        event = self._next()
        while not isinstance(event, DocumentStartEvent):
            if isinstance(event, StreamEndEvent):
                self._fail("expected a mapping, found an empty file")
            event = self._next()
        self._document.value = self._value(self._next(), ())
        event = self._next()
        while isinstance(event, DocumentEndEvent):
            event = self._next()
        if not isinstance(event, StreamEndEvent):
            self._fail("expected one document, found a second: remove the line '---'")

    def _next(self) -> Any:
        event = next(self._events)
        self.last = int(event.start_mark.line) + 1
        return event

    def _value(self, event: Any, path: PathTo) -> Any:
        self._document.lines.setdefault(path, self.last)
        if isinstance(event, AliasEvent) or getattr(event, "anchor", None):
            self._fail("anchors and aliases are not allowed: write the value out")
        if getattr(event, "tag", None):
            self._fail("tags are not allowed: remove the tag")
        if len(path) > MOST_DEPTH:
            self._fail(f"nested more than {MOST_DEPTH} levels deep")
        if isinstance(event, ScalarEvent):
            return _plain(event.value) if event.implicit[0] else event.value
        if isinstance(event, SequenceStartEvent):
            found: list[Any] = []
            while not isinstance(event := self._next(), SequenceEndEvent):
                found.append(self._value(event, (*path, len(found))))
            return found
        if not isinstance(event, MappingStartEvent):
            self._fail("expected a value")
        return self._mapping(path)

    def _mapping(self, path: PathTo) -> dict[str, Any]:
        found: dict[str, Any] = {}
        while not isinstance(event := self._next(), MappingEndEvent):
            if not isinstance(event, ScalarEvent):
                self._fail("expected a name as the key")
            key = str(event.value)
            place = (*path, key)
            if key in found:
                self._fail(
                    f"duplicate key {key!r}: first given on line {self._document.line(place)}"
                )
            self._document.lines[place] = self.last
            found[key] = self._value(self._next(), place)
        return found

    def _fail(self, message: str) -> NoReturn:
        raise UsageError(f"{self._document.file}:{self.last}: {message}")


def _plain(text: str) -> str | int | float | bool | None:
    if text in _CONSTANTS:
        return _CONSTANTS[text]
    if _WHOLE.fullmatch(text):
        return int(text)
    return float(text) if _DECIMAL.fullmatch(text) else text
