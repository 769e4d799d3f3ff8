"""Reading strict YAML 1.2: every value knows its line, and nothing clever is allowed.

What a configuration never needs is refused with its line: anchors, aliases (so no "billion
laughs"), tags, directives, several documents, duplicate keys, deep nesting and documents over 1 MB.
Only ``true``/``false``, ``null`` and numbers are special, so ``no`` is text and ``1e-4`` a number.
"""

import math
import re
from collections.abc import Iterator, Mapping
from typing import Any, NoReturn

from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError
from ruamel.yaml.events import (
    AliasEvent,
    DocumentEndEvent,
    DocumentStartEvent,
    MappingEndEvent,
    ScalarEvent,
    SequenceEndEvent,
    SequenceStartEvent,
    StreamEndEvent,
)

from curation import storage
from curation.strict_yaml.document import ConfigurationError, Document, Node, Scalar

MAXIMUM_BYTES = 1_000_000
MAXIMUM_DEPTH = 24
_WHOLE = re.compile(r"[-+]?\d+(_\d+)*", re.ASCII)
_DECIMAL = re.compile(r"[-+]?(\d+(_\d+)*(\.(\d+(_\d+)*)?)?|\.\d+)([eE][-+]?\d+)?", re.ASCII)
_LONGEST_NUMBER = 64
_CONSTANTS: Mapping[str, bool | None] = {
    "": None,
    "~": None,
    "null": None,
    "Null": None,
    "NULL": None,
    "true": True,
    "True": True,
    "TRUE": True,
    "false": False,
    "False": False,
    "FALSE": False,
}


def read(path: str, absent: str = "name an existing one") -> Document:
    """Read a strict file, local or on any Beam filesystem; ``absent`` is what to do without it.

    Raises ``ConfigurationError``, with a line wherever there is one.
    """
    try:
        with storage.open_read(path) as stream:
            data = stream.read(MAXIMUM_BYTES + 1)
    except FileNotFoundError:
        raise ConfigurationError(path, None, f"no such file: {absent}") from None
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise ConfigurationError(path, None, f"cannot be read: {reason}") from None
    return parse(data, path)


def parse(data: bytes, file: str) -> Document:
    """As ``read``; ``file`` is only its name in messages."""
    if len(data) > MAXIMUM_BYTES:
        raise ConfigurationError(file, None, f"expected at most {MAXIMUM_BYTES:,} bytes")
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise ConfigurationError(file, line, "expected UTF-8 text: save it as UTF-8") from None
    builder = _Builder(YAML(typ="safe", pure=True).parse(text), file)
    try:
        return Document(file, builder.document())
    except YAMLError as error:
        raise ConfigurationError(file, _line_of(error, text), _reason(error)) from None
    except (ValueError, OverflowError):  # escapes that name no character, such as "\\UFFFFFFFF"
        message = "not readable as YAML: a wrong escape or number at or after this line"
        raise ConfigurationError(file, builder.line, message) from None


def _line_of(error: YAMLError, text: str) -> int | None:
    mark = getattr(error, "problem_mark", None) or getattr(error, "context_mark", None)
    if mark is not None:
        return int(mark.line) + 1
    position = getattr(error, "position", None)  # a character that YAML forbids
    return None if position is None else text.count("\n", 0, position) + 1


def _reason(error: YAMLError) -> str:
    parts = [getattr(error, name, None) for name in ("context", "problem", "reason")]
    return "not readable as YAML: " + ("; ".join(str(part) for part in parts if part) or "broken")


class _Builder:
    """Builds nodes from parser events, which name lines and let nothing be expanded first."""

    def __init__(self, events: Iterator[Any], file: str) -> None:
        self._events = events
        self._file = file
        self.line = 1  # of the last event met

    def document(self) -> Node:
        next(self._events)  # start of stream
        event = next(self._events)
        if isinstance(event, StreamEndEvent):
            raise ConfigurationError(self._file, None, "expected a mapping, found an empty file")
        self._refuse_directives(event)
        node = self._node(next(self._events), 1)
        event = next(self._events)
        while isinstance(event, DocumentEndEvent):
            event = next(self._events)
        if not isinstance(event, StreamEndEvent):
            self._fail(event, "expected one document, found a second: remove the line '---'")
        return node

    def _refuse_directives(self, event: Any) -> None:
        if isinstance(event, DocumentStartEvent) and (event.version or event.tags):
            self._fail(event, "directives (%YAML, %TAG) are not allowed here: remove them")

    def _node(self, event: Any, depth: int) -> Node:
        self.line = line = _line(event)
        if isinstance(event, AliasEvent):
            self._fail(
                event, f"aliases (*{event.anchor[:40]}) are not allowed: write the value out"
            )
        if event.anchor:
            self._fail(
                event, f"anchors (&{event.anchor[:40]}) are not allowed: write the value out"
            )
        if event.tag:
            self._fail(event, f"tags ({event.tag[:40]!r}) are not allowed: remove the tag")
        if depth > MAXIMUM_DEPTH:
            self._fail(event, f"nested more than {MAXIMUM_DEPTH} levels deep")
        if isinstance(event, ScalarEvent):
            return Node(line, self._scalar(event))
        if isinstance(event, SequenceStartEvent):
            return Node(line, tuple(self._items(depth)))
        return Node(line, self._mapping(depth))

    def _scalar(self, event: Any) -> Scalar:
        value = _plain(event.value) if event.implicit[0] else event.value
        if isinstance(value, float) and math.isinf(value):
            self._fail(event, "expected a finite number, found one too large")
        return value

    def _items(self, depth: int) -> Iterator[Node]:
        while not isinstance(event := next(self._events), SequenceEndEvent):
            yield self._node(event, depth + 1)

    def _mapping(self, depth: int) -> dict[str, Node]:
        entries: dict[str, Node] = {}
        while not isinstance(event := next(self._events), MappingEndEvent):
            key, line = self._node(event, depth + 1), _line(event)
            if not isinstance(event, ScalarEvent) or key.value is None or not event.value:
                self._fail(event, "expected a name as the key")
            if event.value in entries:
                first = entries[event.value].line
                self._fail(
                    event, f"duplicate key {event.value[:40]!r}: first given on line {first}"
                )
            entries[event.value] = Node(line, self._node(next(self._events), depth + 1).value)
        return entries

    def _fail(self, event: Any, message: str) -> NoReturn:
        raise ConfigurationError(self._file, _line(event), message)


def _line(event: Any) -> int:
    return int(event.start_mark.line) + 1


def _plain(text: str) -> Scalar:
    """An unquoted scalar by the core schema of YAML 1.2, with underscores in numbers.

    ``.nan`` and ``.inf`` stay text: no bound of ours can mean them.
    """
    if text in _CONSTANTS:
        return _CONSTANTS[text]
    if len(text) > _LONGEST_NUMBER:
        return text
    if _WHOLE.fullmatch(text):
        return int(text)
    return float(text) if _DECIMAL.fullmatch(text) else text
