"""Faces that go together: one family for headings, one for the rest, told apart by their names."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cache
from random import Random
from typing import Any

from synthesis.fonts.files import FontFile
from synthesis.template.models import Class, Faces, Style

_NAMED = (  # the first class one of whose words is in the family's name
    ("mono", ("mono", "courier", "typewriter", "code", "console", "fixed")),
    ("hand", ("script", "hand", "kai", "z003", "chancery", "brush", "cursive", "xing", "marker")),
    ("odd", ("math", "symbol", "emoji", "dingbat", "tex gyre")),
    ("sans", ("sans", "gothic", "hei", "heiti", "grotesk", "gothi")),
    (
        "serif",
        (
            "serif",
            "song",
            "sung",
            "ming",
            "roman",
            "times",
            "garamond",
            "georgia",
            "bookman",
            "c059",
            "p052",
        ),
    ),
)
_NARROW = ("condensed", "narrow")
_SAME_FAMILY = 0.55  # share of pictures set in one family throughout
WEIGHT = {"regular": 400, "bold": 700}


@cache
def class_of(family: str) -> str:
    """``sans``, ``serif``, ``mono``, ``hand``, or ``odd`` for faces that set no prose."""
    name = family.lower()
    for found, words in _NAMED:
        if any(word in name for word in words):
            return found
    return "sans"


@dataclass(frozen=True)
class Pairing:
    """The faces of headings and of the rest, best first; all others stand in where they fail.

    ``memo`` keeps what has been found for one picture.
    """

    heading: tuple[FontFile, ...]
    body: tuple[FontFile, ...]
    others: tuple[FontFile, ...]

    memo: dict[Any, Any] = field(default_factory=dict, compare=False)

    def order(self, style: Style) -> tuple[FontFile, ...]:
        """The faces to try for a style: the weight and slope asked for first."""
        key = (style.face == "heading", WEIGHT[style.weight or "regular"], bool(style.italic))
        if key not in self.memo:
            self.memo[key] = self._order(*key)
        return tuple(self.memo[key])

    def _order(self, heading: bool, weight: int, italic: bool) -> tuple[FontFile, ...]:
        def distance(file: FontFile) -> tuple[int, int]:
            style = file.style.lower()
            slanted = "italic" in style or "oblique" in style
            narrow = any(word in style for word in _NARROW)
            return (slanted != italic) * 4 + narrow * 2, abs(file.weight - weight)

        own = self.heading if heading else self.body
        return (*sorted(own, key=distance)[:1], *sorted(self.others, key=distance)[:6])


def choose(random: Random, fonts: Sequence[FontFile], told: Faces) -> Pairing:
    """Families for headings and body of the classes asked for, as far as there are any."""
    families: dict[str, list[FontFile]] = {}
    for file in fonts:
        if "narrow" not in file.family.lower() and "condensed" not in file.family.lower():
            families.setdefault(file.family, []).append(file)
    families = families or {fonts[0].family: list(fonts)}
    body = _chosen(random, families, told.body)
    same = told.heading == told.body and random.random() < _SAME_FAMILY
    heading = body if same else _chosen(random, families, told.heading, heading=True)
    wanted = class_of(body)
    others = [file for file in fonts if class_of(file.family) == wanted and file.family != body]
    others += [file for file in fonts if class_of(file.family) in {"sans", "serif"}]
    return Pairing(tuple(families[heading]), tuple(families[body]), tuple(dict.fromkeys(others)))


def _has_bold(files: Sequence[FontFile]) -> bool:
    return any(file.weight >= 600 for file in files)


def _chosen(
    random: Random,
    families: dict[str, list[FontFile]],
    told: Class | tuple[Class, ...],
    *,
    heading: bool = False,
) -> str:
    classes = {told} if isinstance(told, str) else set(told)
    if "any" in classes:
        classes = {"sans", "serif"}
    names = [name for name in families if class_of(name) in classes]
    if not heading:  # hairlines vanish at the size of body text
        names = [name for name in names if "display" not in name.lower()] or names
    names = names or [name for name in families if class_of(name) in {"sans", "serif"}]
    names = names or list(families)
    names = [name for name in names if _has_bold(families[name])] or names
    return random.choice(names)
