"""Texts that fill slots: records of a topic, so that what stands in one picture belongs together.

A record maps fields to a text, a list of texts, or a list of records. In a text ``<person>`` is an
entry of the pool of that name, ``<price 4 18>`` is made by rule, and ``<person#guest>`` is the same
entry wherever it stands in one picture. Fields named ``paragraphs`` come from the corpus.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from random import Random
from typing import Any

from synthesis.template.generated import MAKERS

_PATTERN = re.compile(r"<([a-z_]+)((?: [^<># ]+)*)(?:#([a-z0-9]+))?>")
Record = Mapping[str, Any]


@dataclass(frozen=True)
class Contents:
    """What a language has: records by topic, and pools of names by their own name."""

    topics: Mapping[str, Sequence[Record]]
    pools: Mapping[str, Sequence[str]]


def unknown_patterns(text: str, pools: Mapping[str, Sequence[str]]) -> Iterator[str]:
    """The names in angle brackets that are neither a pool nor a rule."""
    for match in _PATTERN.finditer(text):
        if match[1] not in pools and match[1] not in MAKERS:
            yield match[1]
    if re.search(r"[<>]", _PATTERN.sub("", text)):
        yield text


@dataclass
class Filler:
    """Makes the texts of one picture; what it has chosen once under a name it keeps."""

    random: Random
    language: str
    contents: Contents
    kept: dict[str, str] = field(default_factory=dict)
    used: dict[str, list[str]] = field(default_factory=dict)

    def filled(self, text: str) -> str:
        """The text with every pattern replaced."""
        if "<" not in text:
            return text
        return _PATTERN.sub(self._replacement, text)

    def _replacement(self, match: re.Match[str]) -> str:
        name, told, tag = match[1], match[2].split(), match[3]
        if tag is None:
            return self._made(name, told)
        key = f"{name}#{tag}"
        if key not in self.kept:
            self.kept[key] = self._made(name, told)
        return self.kept[key]

    def _made(self, name: str, told: Sequence[str]) -> str:
        if name in MAKERS:
            return MAKERS[name](self.random, self.language, told)
        pool = self.contents.pools[name]
        used = self.used.setdefault(name, [])
        fresh = [one for one in pool if one not in used] or list(pool)
        chosen = self.random.choice(fresh)
        used.append(chosen)
        return self.filled(chosen)


class Verbatim(str):
    """A text of the corpus: angle brackets in it mean themselves."""

    __slots__ = ()


class Scope:
    """Names in reach of a slot: the picture's record, and the entry of a list being repeated."""

    def __init__(self, filler: Filler, record: Record, item: Any = None, index: int = 0) -> None:
        self.filler = filler
        self.record = record
        self.item = item
        self.index = index
        self._of_record: dict[str, str] = {}
        self._of_item: dict[str, str] = {}

    def below(self, item: Any, index: int) -> "Scope":
        """The scope of one entry of a list."""
        inner = Scope(self.filler, self.record, item, index)
        inner._of_record = self._of_record
        return inner

    def value(self, name: str) -> Any:
        """The text or list called ``name``: of the entry (``item``, ``item.x``) or the record.

        A text made by rule stays the same wherever the name stands again.
        """
        found = lookup(name, self.record, self.item)
        if not isinstance(found, str) or isinstance(found, Verbatim):
            return found
        made = self._of_item if name.split(".", maxsplit=1)[0] == "item" else self._of_record
        if name not in made:
            made[name] = self.filler.filled(found)
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
