"""How much of the standard sets of characters a face can render: in its map, and with ink."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache

from synthesis.characters import table
from synthesis.fonts.files import FontFile, entry, is_handwriting
from synthesis.fonts.languages import LANGUAGES

PLAIN = "0123456789().,:;!?-"  # what most texts need beside letters; Noto Naskh has no parentheses
EMOJI = "😀😂👍🎉🌍🚀"  # a face that has these is a face for emoji


@dataclass(frozen=True)
class Coverage:
    """Counts of characters with ink; ``inkless`` counts hanzi that are mapped but empty,
    ``lacks`` are the characters of ``PLAIN`` it cannot render.

    ``sets`` has one count per name of ``SETS``; ``scripts`` are ISO 15924 codes of which the face
    writes at least one language whole, ``languages`` those languages.
    """

    face: FontFile
    handwriting: bool
    sets: Mapping[str, int]
    inkless: int
    lacks: str
    scripts: tuple[str, ...]
    languages: tuple[str, ...]


@cache
def sets() -> Mapping[str, frozenset[int]]:
    """The sets that are counted, by name."""
    first, second, third = table.levels()
    named = {"level 1": first, "level 2": second, "level 3": third, "GB2312": table.gb2312()}
    return {name: frozenset(map(ord, characters)) for name, characters in named.items()}


def coverage(face: FontFile) -> Coverage:
    """What ``face`` covers."""
    known = entry(face)
    renderable = known.renderable
    written = [
        name for name, row in LANGUAGES.items() if renderable.issuperset(map(ord, row.probe))
    ]
    scripts = [LANGUAGES[name].script for name in written]
    if renderable.issuperset(map(ord, EMOJI)):
        scripts.append("Zsye")
    return Coverage(
        face=face,
        handwriting=is_handwriting(face),
        sets={name: len(wanted & renderable) for name, wanted in sets().items()},
        inkless=sum(map(_is_hanzi, known.characters - renderable)),
        lacks="".join(character for character in PLAIN if ord(character) not in renderable),
        scripts=tuple(dict.fromkeys(scripts)),
        languages=tuple(written),
    )


def _is_hanzi(code: int) -> bool:
    """Whether a code point is in a block of CJK ideographs (Blocks.txt)."""
    return 0x3400 <= code <= 0x9FFF or 0xF900 <= code <= 0xFAFF or 0x20000 <= code <= 0x3FFFF
