"""From text to glyphs with HarfBuzz, refusing every text that would not show whole.

Lengths are in ems. A cluster is the smallest piece with a place of its own: a character, a
ligature, or a letter with its marks.
"""

import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import lru_cache

import uharfbuzz as hb

from synthesis.fonts.face import Extents, Font
from synthesis.problems import UnrenderableError

HAN_LATIN_GAP = 0.15  # em between a hanzi and a Latin letter or digit with no space of its own
SQUEEZE = 0.5  # em taken from two full-width punctuation marks in a row
OPENING = frozenset("「『（《〈【〔“‘［｛")
CLOSING = frozenset("」』）》〉】〕”’］｝。，、；：！？．")
_WIDE = re.compile(
    "[\u2e80-\u303f\u3040-\u30ff\u3100-\u312f\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\uff00-\uffef]"
)
_HANZI = re.compile("[\u3400-\u4dbf\u4e00-\u9fff]")
_LATIN = re.compile("[A-Za-z0-9\u00c0-\u024f]")
_LANGUAGE_TAG = {"en": "en", "zh": "zh-Hans"}
_INVISIBLE = ("Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp")


@dataclass(frozen=True, slots=True)
class Cluster:
    """Characters drawn together: glyphs as (id, dx, dy) from the pen, y down, and their advance.

    ``ink`` is the glyphs' bounds from the pen (left, top, right, bottom), ``None`` for blanks.
    """

    text: str
    glyphs: tuple[tuple[int, float, float], ...]
    advance: float
    ink: Extents | None


def shape(font: Font, text: str, language: str, *, ligatures: bool = True) -> tuple[Cluster, ...]:
    """The clusters of one line of text, with Chinese punctuation squeezed and Latin set off.

    Raises ``UnrenderableError`` with reason ``control_character``, ``right_to_left``,
    ``missing_character`` (not in the font's character map), ``notdef`` (lost in shaping) or
    ``empty_glyph`` (no ink).
    """
    return _shape(font, text, language, ligatures)


@lru_cache(maxsize=2048)
def _shape(font: Font, text: str, language: str, ligatures: bool) -> tuple[Cluster, ...]:
    _refuse(font, text)
    clusters: list[Cluster] = []
    for run, script in _runs(text):
        clusters += _shape_run(font, run, script, language, ligatures)
    return tuple(_spaced(clusters))


def _refuse(font: Font, text: str) -> None:
    for character in text:
        if unicodedata.category(character) in _INVISIBLE:
            raise UnrenderableError("control_character", f"U+{ord(character):04X}")
        if unicodedata.bidirectional(character) in {"R", "AL"}:
            raise UnrenderableError("right_to_left", f"U+{ord(character):04X}")
        if ord(character) not in font.characters and not character.isspace():
            raise UnrenderableError("missing_character", f"U+{ord(character):04X} {character}")


def _runs(text: str) -> Iterator[tuple[str, str]]:
    """Neighbouring characters of one script; what belongs to none stays with its left."""
    start, current = 0, ""
    for place, character in enumerate(text):
        script = "Hani" if _WIDE.match(character) else "Latn" if _LATIN.match(character) else ""
        if script and current and script != current:
            yield text[start:place], current
            start = place
        current = script or current
    if start < len(text):
        yield text[start:], current or "Latn"


def _shape_run(
    font: Font, text: str, script: str, language: str, ligatures: bool
) -> Iterator[Cluster]:
    buffer = hb.Buffer()
    buffer.add_str(text)
    buffer.direction, buffer.script = "ltr", script
    buffer.language = _LANGUAGE_TAG[language]
    hb.shape(font.shaper, buffer, None if ligatures else {"liga": False, "clig": False})
    infos, positions = buffer.glyph_infos, buffer.glyph_positions
    starts = sorted({info.cluster for info in infos})
    ends = dict(zip(starts, [*starts[1:], len(text)], strict=True))
    em = font.units_per_em
    place = 0
    while place < len(infos):
        start = infos[place].cluster
        characters = text[start : ends[start]]
        glyphs: list[tuple[int, float, float]] = []
        pen = 0.0
        while place < len(infos) and infos[place].cluster == start:
            glyph, position = infos[place].codepoint, positions[place]
            _check(font, glyph, characters)
            offset = (pen + position.x_offset) / em
            glyphs.append((glyph, offset, -position.y_offset / em))
            pen += position.x_advance
            place += 1
        if characters.isspace():
            yield Cluster(characters, (), pen / em, None)
        else:
            yield Cluster(characters, tuple(glyphs), pen / em, _ink(font, glyphs))


def _check(font: Font, glyph: int, characters: str) -> None:
    if glyph == 0 and not characters.isspace():
        raise UnrenderableError("notdef", characters)
    if not characters.isspace() and not font.has_ink(glyph):
        raise UnrenderableError("empty_glyph", characters)


def _ink(font: Font, glyphs: list[tuple[int, float, float]]) -> Extents:
    boxes = [(font.extents(glyph), dx, dy) for glyph, dx, dy in glyphs]
    return (
        min(box[0] + dx for box, dx, _ in boxes),
        min(box[1] + dy for box, _, dy in boxes),
        max(box[2] + dx for box, dx, _ in boxes),
        max(box[3] + dy for box, _, dy in boxes),
    )


def _spaced(clusters: list[Cluster]) -> Iterator[Cluster]:
    for one, following in zip(clusters, [*clusters[1:], None], strict=True):
        if following is None:
            yield one
        elif _squeezes(one, following):
            yield replace(one, advance=one.advance - SQUEEZE)
        elif _meets_latin(one.text[-1], following.text[0]):
            yield replace(one, advance=one.advance + HAN_LATIN_GAP)
        else:
            yield one


def _squeezes(one: Cluster, following: Cluster) -> bool:
    marks = OPENING | CLOSING
    if one.text not in marks or following.text not in marks:
        return False
    return blank_right(one) or (one.text in OPENING and blank_left(following))


def blank_right(cluster: Cluster) -> bool:
    """Whether a closing full-width mark leaves the right half of its square empty."""
    ink = cluster.ink
    return bool(ink and cluster.text in CLOSING and cluster.advance >= 0.9 and ink[2] <= 0.55)


def blank_left(cluster: Cluster) -> bool:
    """Whether an opening full-width mark leaves the left half of its square empty."""
    ink = cluster.ink
    return bool(ink and cluster.text in OPENING and cluster.advance >= 0.9 and ink[0] >= 0.45)


def _meets_latin(left: str, right: str) -> bool:
    return bool(
        (_HANZI.match(left) and _LATIN.match(right)) or (_LATIN.match(left) and _HANZI.match(right))
    )
