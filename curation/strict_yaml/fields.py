"""Typed access to the nodes of a strict YAML document: every refusal names its line."""

import math
from collections.abc import Iterable, Mapping
from difflib import get_close_matches
from typing import NoReturn

from curation.strict_yaml.lines import ConfigurationError, Node

_SHOWN = 80  # characters of a stranger's text that a message repeats


def expected_one_of(given: str, valid: Iterable[str]) -> str:
    """``expected one of a, b; did you mean 'b'?``; the hint only where something is near."""
    names = sorted(valid)
    folded = {name.casefold(): name for name in names}
    near = get_close_matches(given[:_SHOWN].casefold(), folded, n=1, cutoff=0.5)
    hint = f"; did you mean {folded[near[0]]!r}?" if near else ""
    return f"expected one of {', '.join(names)}{hint}"


def shown(text: str) -> str:
    """A stranger's text, quoted, escaped and cut for a message."""
    return repr(text if len(text) <= _SHOWN else text[:_SHOWN] + "...")


class Fields:
    """Reads nodes of one file as the types they should be, or raises ``ConfigurationError``."""

    def __init__(self, file: str) -> None:
        self.file = file

    def fail(self, line: int | None, message: str) -> NoReturn:
        """Refuse what stands on this line."""
        raise ConfigurationError(self.file, line, message)

    def any_mapping(self, node: Node, what: str) -> Mapping[str, Node]:
        """The node as a mapping with whatever keys it has."""
        if not isinstance(node.value, Mapping):
            self._wrong(node, what, "a mapping")
        return node.value

    def mapping(
        self, node: Node, what: str, required: tuple[str, ...], optional: tuple[str, ...] = ()
    ) -> Mapping[str, Node]:
        """The node as a mapping with all the required keys and no unknown one."""
        found = self.any_mapping(node, what)
        valid = (*required, *optional)
        for key, child in found.items():
            if key not in valid:
                message = f"unknown key {shown(key)}: {expected_one_of(key, valid)}"
                self.fail(child.line, message)
        for key in required:
            if key not in found:
                self.fail(node.line, f"{what}: expected the key {key!r}, which is missing")
        return found

    def items(self, node: Node, what: str) -> tuple[Node, ...]:
        """The node as a list."""
        if not isinstance(node.value, tuple):
            self._wrong(node, what, "a list")
        return node.value

    def text(self, node: Node, what: str) -> str:
        """The node as text."""
        if not isinstance(node.value, str):
            self._wrong(node, what, "text")
        return node.value

    def whole(self, node: Node, what: str) -> int:
        """The node as a whole number."""
        if not isinstance(node.value, int) or isinstance(node.value, bool):
            self._wrong(node, what, "a whole number")
        return node.value

    def number(self, node: Node, what: str) -> float:
        """The node as a finite number."""
        if not isinstance(node.value, int | float) or isinstance(node.value, bool):
            self._wrong(node, what, "a number")
        if not math.isfinite(node.value):
            self.fail(node.line, f"{what}: expected a finite number, found one too large")
        return float(node.value)

    def _wrong(self, node: Node, what: str, expected: str) -> NoReturn:
        self.fail(node.line, f"{what}: expected {expected}, found {_described(node)}")


def _described(node: Node) -> str:
    value = node.value
    if value is None:
        return "nothing"
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, str):
        return f"the text {shown(value)}"
    if isinstance(value, int | float):
        return str(value)
    return "a list" if isinstance(value, tuple) else "a mapping"
