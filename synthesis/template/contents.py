"""Texts that fill slots: records of a topic, so that what stands in one image belongs together.

A record maps fields to a text, a list of texts, or a list of records. In a text ``<person>`` is an
entry of the pool of that name, ``<price 4 18>`` is made by rule, and ``<person#guest>`` is the same
entry wherever it stands in one image. ``<sum rows.price>`` is computed from other fields (see
``computed``). Fields named ``paragraphs`` come from the corpus.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from random import Random
from typing import Any

from synthesis.template import computed
from synthesis.template.computed import Uncomputable
from synthesis.template.generated import MAKERS

_PATTERN = re.compile(r"<([a-z_]+)((?: [^<># ]+)*)(?:#([a-z0-9]+))?>")
_Made = tuple[dict[str, str], dict[str, str]]  # texts of the record, and of the entry
_NAMES = {*MAKERS, *computed.RULES}
Record = Mapping[str, Any]


@dataclass(frozen=True)
class Contents:
    """What a language has: records by topic, and pools of names by their own name."""

    topics: Mapping[str, Sequence[Record]]
    pools: Mapping[str, Sequence[str]]


def is_computed(text: str) -> bool:
    """Whether a text depends on other texts of the image."""
    return "<" in text and any(match[1] in computed.RULES for match in _PATTERN.finditer(text))


def unknown_patterns(text: str, pools: Mapping[str, Sequence[str]]) -> Iterator[str]:
    """The names in angle brackets that are neither a pool nor a rule."""
    for match in _PATTERN.finditer(text):
        if match[1] not in pools and match[1] not in _NAMES:
            yield match[1]
    if re.search(r"[<>]", _PATTERN.sub("", text)):
        yield text


@dataclass
class Filler:
    """Makes the texts of one image; what it has chosen once under a name it keeps.

    ``entries`` are the scopes of a list's entries by the list's identity: a text made by rule is
    the same wherever its entry stands. ``shown`` are those that the image shows.
    """

    random: Random
    language: str
    contents: Contents
    kept: dict[str, str] = field(default_factory=dict)
    used: dict[str, list[str]] = field(default_factory=dict)
    entries: dict[int, list["Scope"]] = field(default_factory=dict)
    shown: dict[int, list["Scope"]] = field(default_factory=dict)

    def filled(self, text: str, scope: "Scope") -> str:
        """The text with every pattern replaced. Raises ``Uncomputable``."""
        if "<" not in text:
            return text
        return _PATTERN.sub(lambda match: self._replacement(match, scope), text)

    def _replacement(self, match: re.Match[str], scope: "Scope") -> str:
        name, words, tag = match[1], match[2].split(), match[3]
        if name in computed.RULES:
            return computed.RULES[name](scope, words)
        if tag is None:
            return self._made(name, words, scope)
        key = f"{name}#{tag}"
        if key not in self.kept:
            self.kept[key] = self._made(name, words, scope)
        return self.kept[key]

    def _made(self, name: str, words: Sequence[str], scope: "Scope") -> str:
        if name in MAKERS:
            return MAKERS[name](self.random, self.language, words)
        pool = self.contents.pools[name]
        used = self.used.setdefault(name, [])
        fresh = [entry for entry in pool if entry not in used] or list(pool)
        chosen = self.random.choice(fresh)
        used.append(chosen)
        return self.filled(chosen, scope)


class Verbatim(str):
    """A text of the corpus: angle brackets in it mean themselves."""

    __slots__ = ()


class Scope:
    """Names in reach of a slot: the image's record, and the entry of a list being repeated."""

    def __init__(
        self,
        filler: Filler,
        record: Record,
        item: Any = None,
        index: int = 0,
        made: _Made | None = None,
        siblings: Sequence["Scope"] = (),
    ) -> None:
        self.filler = filler
        self.record = record
        self.item = item
        self.index = index
        self.siblings = siblings  # all entries of its list
        self._of_record, self._of_item = made or ({}, {})
        self._pending: set[str] = set()

    def entries(self, name: str) -> list["Scope"]:
        """The scopes of all entries of a list, each numbered by its place in it."""
        listed = self.value(name)
        if not isinstance(listed, list | tuple):
            raise Uncomputable(f"{name}: expected a list, found {listed!r}")
        if id(listed) not in self.filler.entries:
            all_of_them: list[Scope] = []
            for number, item in enumerate(listed):
                made: _Made = (self._of_record, {})
                scope = Scope(self.filler, self.record, item, number, made, all_of_them)
                all_of_them.append(scope)
            self.filler.entries[id(listed)] = all_of_them
        return self.filler.entries[id(listed)]

    def numbered(self, index: int) -> "Scope":
        """The same entry with another number: its place among those shown."""
        made = (self._of_record, self._of_item)
        return Scope(self.filler, self.record, self.item, index, made, self.siblings)

    def shown(self, name: str) -> list["Scope"]:
        """The entries of a list that the image shows: all, if it shows none."""
        return self.filler.shown.get(id(self.value(name)), self.entries(name))

    def others(self, name: str) -> list["Scope"]:
        """The entries of a list beside this one."""
        return [entry for entry in self.entries(name) if entry.item is not self.item]

    def raw(self, name: str) -> str:
        """The text called ``name`` as the contents have it, empty for a list or a number."""
        text = "" if name in {"index", "index0"} else lookup(name, self.record, self.item)
        return text if isinstance(text, str) and not isinstance(text, Verbatim) else ""

    def value(self, name: str) -> Any:
        """The text or list called ``name``: of the entry (``item``, ``item.x``) or the record.

        A text made by rule stays the same wherever the name stands again. Raises ``Uncomputable``.
        """
        value = lookup(name, self.record, self.item)
        if not isinstance(value, str) or isinstance(value, Verbatim):
            return value
        made = self._of_item if name.split(".", maxsplit=1)[0] == "item" else self._of_record
        if name not in made:
            if name in self._pending:
                raise Uncomputable(f"{name} refers to itself")
            self._pending.add(name)
            made[name] = self.filler.filled(value, self)
            self._pending.discard(name)
        return made[name]

    def text(self, name: str) -> str:
        """The text called ``name``; ``index`` is the entry's number from 1."""
        if name == "index":
            return str(self.index + 1)
        if name == "index0":
            return f"{self.index + 1:02d}"
        return str(self.value(name))


def lookup(name: str, record: Record, item: Any) -> Any:
    """What a reference points at. Raises ``KeyError``."""
    steps = name.split(".")
    place: Any = record
    if steps[0] == "item":
        place, steps = item, steps[1:]
        if place is None:
            raise KeyError(name)
    for step in steps:
        if isinstance(place, Mapping) and step in place:
            place = place[step]
        else:
            raise KeyError(name)
    return place
