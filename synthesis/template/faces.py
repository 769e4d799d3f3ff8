"""Faces that go together: one family for headings, one for the rest, told apart by their names."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from functools import cache, lru_cache
from itertools import product
from random import Random

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
_SAME_FAMILY = 0.55  # share of images set in one family throughout
_PROSE = frozenset({"sans", "serif"})
_BOLD = 600  # weight of a face from which on it is a bold one


@cache
def class_of(family: str) -> str:
    """``sans``, ``serif``, ``mono``, ``hand``, or ``odd`` for faces that set no prose."""
    name = family.lower()
    for kind, words in _NAMED:
        if any(word in name for word in words):
            return kind
    return "sans"


def is_slanted(file: FontFile) -> bool:
    """Whether a face is italic or oblique."""
    return any(word in file.style.lower() for word in ("italic", "oblique"))


@dataclass(frozen=True)
class Pairing:
    """The faces of headings and of the rest, best first; all others stand in where they fail.

    ``orders`` are the faces to try by (for headings, bold, italic): the nearest in weight and
    slope first.
    """

    orders: Mapping[tuple[bool, bool, bool], tuple[FontFile, ...]]

    def order(self, style: Style) -> tuple[FontFile, ...]:
        """The faces to try for a style: the weight and slope asked for first."""
        return self.orders[style.face == "heading", style.weight == "bold", bool(style.italic)]


class Families:
    """The faces of a job by family, and what suits which classes: found once."""

    def __init__(self, fonts: Sequence[FontFile]) -> None:
        self.fonts = fonts
        self._files: dict[str, list[FontFile]] = {}
        for file in fonts:
            if "narrow" not in file.family.lower() and "condensed" not in file.family.lower():
                self._files.setdefault(file.family, []).append(file)
        self._files = self._files or {fonts[0].family: list(fonts)}
        self._suiting: dict[tuple[Class | tuple[Class, ...], bool], list[str]] = {}

    def suiting(self, wanted: Class | tuple[Class, ...], *, heading: bool) -> list[str]:
        """The names of the families that suit, those with a bold face if there are any."""
        key = (wanted, heading)
        if key not in self._suiting:
            self._suiting[key] = self._families_of(wanted, heading)
        return self._suiting[key]

    def _families_of(self, wanted: Class | tuple[Class, ...], heading: bool) -> list[str]:
        classes = {wanted} if isinstance(wanted, str) else set(wanted)
        names = self._of_classes(_PROSE if "any" in classes else classes)
        if not heading:  # hairlines vanish at the size of body text
            names = [name for name in names if "display" not in name.lower()] or names
        names = names or self._of_classes(_PROSE) or list(self._files)
        return [name for name in names if self._is_bold(name)] or names

    def _of_classes(self, classes: Collection[str]) -> list[str]:
        return [name for name in self._files if class_of(name) in classes]

    def _is_bold(self, name: str) -> bool:
        return any(face.weight >= _BOLD for face in self._files[name])

    def files(self, family: str) -> Sequence[FontFile]:
        """The faces of a family."""
        return self._files[family]


@lru_cache(maxsize=256)
def _paired(families: Families, heading: str, body: str) -> Pairing:
    """The faces of two families, and those that stand in for them."""
    others = [face for face in families.fonts if class_of(face.family) == class_of(body)]
    others = [face for face in others if face.family != body]
    others += [face for face in families.fonts if class_of(face.family) in _PROSE]
    others = [*dict.fromkeys(others)]
    own = {True: families.files(heading), False: families.files(body)}
    return Pairing(
        {
            (large, bold, italic): (
                *_nearest(own[large], bold, italic)[:1],
                *_nearest(others, bold, italic)[:6],
            )
            for large, bold, italic in product((True, False), repeat=3)
        }
    )


def _nearest(files: Sequence[FontFile], bold: bool, italic: bool) -> list[FontFile]:
    def distance(file: FontFile) -> tuple[int, int]:
        narrow = any(word in file.style.lower() for word in _NARROW)
        wrong = (is_slanted(file) != italic) * 4 + narrow * 2
        return wrong, abs(file.weight - (700 if bold else 400))

    return sorted(files, key=distance)


@lru_cache(maxsize=4)
def _families(fonts: tuple[FontFile, ...]) -> Families:
    return Families(fonts)


def choose(random: Random, fonts: tuple[FontFile, ...], wanted: Faces) -> Pairing:
    """Families for headings and body of the classes asked for, as far as there are any."""
    families = _families(fonts)
    body = random.choice(families.suiting(wanted.body, heading=False))
    same = wanted.heading == wanted.body and random.random() < _SAME_FAMILY
    heading = body if same else random.choice(families.suiting(wanted.heading, heading=True))
    return _paired(families, heading, body)
