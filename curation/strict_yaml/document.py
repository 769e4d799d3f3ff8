"""What a strict YAML file holds: plain values, and the line of every one of them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, NoReturn

from curation.failures.errors import UsageError

_PART = "name"  # the key that says which part is to be made, whose settings stand beside it
Scalar = str | int | float | bool | None
PathTo = tuple[str | int, ...]


class ConfigurationError(UsageError):
    """A configuration that cannot be used: ``file``, ``line`` (1-based, or None) and what to do."""

    def __init__(self, file: str, line: int | None, message: str) -> None:
        super().__init__(file, line, message)  # all three, so that it survives pickling
        self.file = file
        self.line = line
        self.message = message

    def __str__(self) -> str:
        place = self.file if self.line is None else f"{self.file}:{self.line}"
        return f"{place}: {self.message}"


@dataclass(frozen=True)
class Node:
    """A value, and the 1-based line it stands on (for a mapping's value: the line of its key).

    ``file`` is that of the line where it is another than the document's.
    """

    line: int
    value: "Scalar | tuple[Node, ...] | Mapping[str, Node]"
    file: str | None = None


@dataclass(frozen=True)
class Document:
    """A file, or the part of one below a key; ``place`` is what messages call the whole of it.

    A path is keys and, in a list, positions from 0; a position in a mapping counts its keys. A path
    that leads out of the file stands for as much of it as is there.
    """

    file: str
    root: Node
    place: str = "the file"

    @cached_property
    def value(self) -> Any:
        """The plain value: mappings are dicts, lists are tuples."""
        return _plain(self.root)

    def line(self, path: Sequence[str | int] = ()) -> int:
        """The line of what stands at ``path``."""
        return self._walk(path)[0].line

    def known(self, path: Sequence[str | int]) -> PathTo:
        """As much of the path as the file has, with the names of keys that were counted."""
        return self._walk(path)[1]

    def at(self, *path: str | int) -> "Document":
        """The part that stands at ``path``, which is there."""
        node, known = self._walk(path)
        if len(known) < len(path):
            raise KeyError(path)
        return replace(self, root=node, place=repr(path[-1]) if path else self.place)

    def without(self, key: str) -> "Document":
        """The same mapping, one of its keys taken out."""
        if not isinstance(self.root.value, Mapping):
            return self
        rest = {name: node for name, node in self.root.value.items() if name != key}
        return replace(self, root=replace(self.root, value=rest))

    def over(self, base: "Document", apart: Sequence[PathTo] = ()) -> "Document":
        """What stands here over what stands in ``base``, mapping by mapping, each with its line.

        Keys come in the order of ``base``, new ones last. Null takes out what ``base`` has. Not
        merged but replaced are mappings ``apart``, by how their paths end (``*`` is any key), and
        one that names another part to be made by its key ``name``. ``base`` may be of another
        file: what stands there is told with its name.
        """
        below = base.root if base.file == self.file else _of_file(base.root, base.file)
        return replace(self, root=_over(self.root, below, apart, ()))

    def error(self, path: Sequence[str | int], message: str) -> ConfigurationError:
        """An error at the line of what stands at ``path``."""
        node = self._walk(path)[0]
        return ConfigurationError(node.file or self.file, node.line, message)

    def where(self, path: Sequence[str | int]) -> str:
        """Where something stands, in words: its line, and its file where that is another."""
        node = self._walk(path)[0]
        return f"at {node.file}:{node.line}" if node.file else f"on line {node.line}"

    def fail(self, path: Sequence[str | int], message: str) -> NoReturn:
        """Refuse what stands at ``path``. Raises ``ConfigurationError``."""
        raise self.error(path, message)

    def _walk(self, path: Sequence[str | int]) -> tuple[Node, PathTo]:
        node = self.root
        known: list[str | int] = []
        for step in path:
            below = _below(node, step)
            if below is None:
                break
            name, node = below
            known.append(name)
        return node, tuple(known)


def _below(node: Node, step: str | int) -> tuple[str | int, Node] | None:
    if isinstance(node.value, Mapping):
        keys = list(node.value)
        if isinstance(step, int):
            step = keys[step] if 0 <= step < len(keys) else ""
        return (step, node.value[step]) if step in node.value else None
    if isinstance(node.value, tuple) and isinstance(step, int) and 0 <= step < len(node.value):
        return step, node.value[step]
    return None


def _over(node: Node, base: Node, apart: Sequence[PathTo], path: tuple[str, ...]) -> Node:
    if not (isinstance(node.value, Mapping) and isinstance(base.value, Mapping)):
        return node
    name, before = node.value.get(_PART), base.value.get(_PART)
    is_other_part = name is not None and before is not None and name.value != before.value
    if is_other_part or any(_ends(path, end) for end in apart):
        return node
    merged: dict[str, Node] = {**base.value}
    for key, value in node.value.items():
        if key not in merged:
            merged[key] = value
        elif value.value is None:
            del merged[key]
        else:
            merged[key] = _over(value, merged[key], apart, (*path, key))
    return Node(node.line, merged)


def _of_file(node: Node, file: str) -> Node:
    """The same values, said to stand in the file where no other is named yet."""
    value = node.value
    if isinstance(value, Mapping):
        value = {key: _of_file(child, file) for key, child in value.items()}
    elif isinstance(value, tuple):
        value = tuple(_of_file(child, file) for child in value)
    return Node(node.line, value, node.file or file)


def _ends(path: tuple[str, ...], end: PathTo) -> bool:
    last = path[len(path) - len(end) :] if len(end) <= len(path) else ()
    return bool(last) and all(of in ("*", key) for key, of in zip(last, end, strict=True))


def _plain(node: Node) -> Any:
    if isinstance(node.value, Mapping):
        return {key: _plain(child) for key, child in node.value.items()}
    if isinstance(node.value, tuple):
        return tuple(_plain(child) for child in node.value)
    return node.value
