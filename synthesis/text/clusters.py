"""One run of text to clusters of glyphs with HarfBuzz, refused if it would not show whole.

Lengths are in ems. A cluster is the smallest piece with a place of its own: a character, a
ligature, a letter with its marks, or a syllable of an Indian script.
"""

import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal

import uharfbuzz as hb

from synthesis.fonts.face import Extents, Font
from synthesis.text import scripts
from synthesis.unrenderable import UnrenderableError

Direction = Literal["ltr", "rtl", "ttb"]
Glyph = tuple[int, float, float]  # id, and its origin (dx, dy) from the pen in ems, y down
OPENING = frozenset("「『（《〈【〔“‘［｛〖〘︵︷︹︻︽︿﹁﹃")
CLOSING = frozenset("」』）》〉】〕”’］｝〗〙。，、；：！？．︶︸︺︼︾﹀﹂﹄")
SQUEEZE = 0.5  # em of a full-width mark's square that is empty
_LEAST_ADVANCE = 0.9  # em: narrower marks are not full-width
_FAR_INK, _NEAR_INK = 0.45, 0.55  # where the ink begins or ends if the other half is empty
_Move = tuple[int, int, int, int, int]  # id, x and y offsets, x and y advances
IGNORED = frozenset(  # joiners, directional marks and isolates, variation selectors: the shaper's
    "\u200c\u200d\u200e\u200f\u061c\u2060\u2066\u2067\u2068\u2069\ufe0e\ufe0f"
)
_TAG_CHARACTERS = frozenset(map(chr, range(0xE0020, 0xE0080)))  # of flags such as Scotland's
_END_OF_TAG = "\U000e007f"
_INVISIBLE = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"})


@dataclass(frozen=True, slots=True)
class Cluster:
    """Characters rendered together by one font, and their advance along the line.

    ``ink`` is the bounds from the pen (left, top, right, bottom), ``None`` for blanks; ``level``
    is odd in text that runs right to left; ``turned`` glyphs lie on their side in a column.
    ``leading`` and ``trailing`` are the parts of the advance that vanish where a line begins and
    ends: the empty half of a full-width mark's square, the gap between a letter and a hanzi.
    """

    text: str
    glyphs: tuple[Glyph, ...]
    advance: float
    ink: Extents | None
    font: Font
    level: int = 0
    turned: bool = False
    leading: float = 0.0
    trailing: float = 0.0


@dataclass(frozen=True, slots=True)
class Manner:
    """How a run is shaped: ``features`` are OpenType features switched off (-) or on (+)."""

    language: str
    direction: Direction
    features: tuple[str, ...] = ()


def refuse_controls(text: str) -> None:
    """Raise ``UnrenderableError`` for characters that are neither shown nor used in shaping."""
    if text.isprintable():
        return
    allowed = IGNORED | _TAG_CHARACTERS if _END_OF_TAG in text else IGNORED
    for character in text:
        if unicodedata.category(character) in _INVISIBLE and character not in allowed:
            raise UnrenderableError("control_character", f"U+{ord(character):04X}")


@lru_cache(maxsize=1024)
def shape_run(font: Font, item: scripts.Item, manner: Manner) -> tuple[Cluster, ...]:
    """The clusters of an item in the order they are read.

    Raises ``UnrenderableError`` with reason ``missing_character`` (not in the font's character
    map), ``notdef`` (lost in shaping) or ``empty_glyph`` (no ink).
    """
    _check_characters(font, item.text)
    buffer = hb.Buffer()
    buffer.add_str(item.text)
    buffer.direction = manner.direction
    buffer.script = "Zyyy" if item.script == scripts.EMOJI else item.script
    buffer.language = scripts.language_tag(manner.language)
    buffer.flags = hb.BufferFlags.REMOVE_DEFAULT_IGNORABLES
    hb.shape(font.shaper, buffer, {feature[1:]: feature[0] == "+" for feature in manner.features})
    clusters = list(_clusters(font, item, buffer))
    return tuple(clusters[::-1] if manner.direction == "rtl" else clusters)


def _check_characters(font: Font, text: str) -> None:
    for character in text:
        if ord(character) not in font.characters and not (
            character.isspace() or character in IGNORED or character in _TAG_CHARACTERS
        ):
            raise UnrenderableError("missing_character", f"U+{ord(character):04X} {character}")


def _clusters(font: Font, item: scripts.Item, buffer: hb.Buffer) -> Iterator[Cluster]:
    """The clusters as HarfBuzz orders them: from left to right, or from top to bottom."""
    infos = buffer.glyph_infos
    if not infos:
        yield Cluster(item.text, (), 0.0, None, font, item.level)
        return
    offsets = [info.cluster for info in infos]
    starts = sorted({*offsets})
    ends = dict(zip(starts, [*starts[1:], len(item.text)], strict=True))
    moves = [
        (
            info.codepoint,
            position.x_offset,
            position.y_offset,
            position.x_advance,
            position.y_advance,
        )
        for info, position in zip(infos, buffer.glyph_positions, strict=True)
    ]
    place = 0
    while place < len(moves):
        start, first = offsets[place], place
        while place < len(moves) and offsets[place] == start:
            place += 1
        characters = item.text[0 if start == starts[0] else start : ends[start]]
        yield _cluster(font, characters, tuple(moves[first:place]), item.level)


@lru_cache(maxsize=1 << 14)
def _cluster(font: Font, characters: str, moves: tuple[_Move, ...], level: int) -> Cluster:
    """A cluster of glyphs, told as HarfBuzz does: in font units, y up."""
    glyphs: list[Glyph] = []
    em = font.units_per_em
    across = down = 0.0
    for glyph, x_offset, y_offset, x_advance, y_advance in moves:
        glyphs.append((glyph, (across + x_offset) / em, -(down + y_offset) / em))
        across += x_advance
        down += y_advance
    advance = across / em
    if down:
        glyphs, advance = _in_square(font, glyphs), 1.0
    if all(character.isspace() or character in IGNORED for character in characters):
        return Cluster(characters, (), advance, None, font, level)
    _check_glyphs(font, [glyph for glyph, _, _ in glyphs], characters)
    ink = ink_of(font, glyphs)
    leading = trailing = 0.0
    if advance >= _LEAST_ADVANCE:
        first, last = (ink[1], ink[3]) if down else (ink[0], ink[2])
        leading = SQUEEZE if characters in OPENING and first >= _FAR_INK else 0.0
        trailing = SQUEEZE if characters in CLOSING and last <= _NEAR_INK else 0.0
    spacing = (level, False, leading, trailing)
    return Cluster(characters, tuple(glyphs), advance, ink, font, *spacing)


def _in_square(font: Font, glyphs: Sequence[Glyph]) -> list[Glyph]:
    """The glyphs in the middle of a square; fonts' own vertical metrics are missing or wrong."""
    em = font.units_per_em
    return [
        (glyph, -font.shaper.get_glyph_h_advance(glyph) / em / 2, 0.5 + font.middle)
        for glyph, _, _ in glyphs
    ]


def _check_glyphs(font: Font, glyphs: Sequence[int], characters: str) -> None:
    if 0 in glyphs:
        raise UnrenderableError("notdef", characters)
    empty = {glyph for glyph in glyphs if not font.has_ink(glyph)}
    if not empty:
        return
    own = {font.shaper.get_nominal_glyph(ord(character)) for character in characters}
    if empty & own or empty.issuperset(
        glyphs
    ):  # else a ligature rendered it: हिं leaves a place free
        raise UnrenderableError("empty_glyph", characters)


def ink_of(font: Font, glyphs: Sequence[Glyph]) -> Extents:
    """The bounds of the glyphs' outlines, from the pen."""
    boxes = []
    for glyph, dx, dy in glyphs:
        left, top, right, bottom = font.extents(glyph)
        boxes.append((left + dx, top + dy, right + dx, bottom + dy))
    return bounds(boxes)


def bounds(boxes: Sequence[Extents]) -> Extents:
    """The smallest box around all the boxes."""
    if len(boxes) == 1:
        return boxes[0]
    lefts, tops, rights, bottoms = zip(*boxes, strict=True)
    return min(lefts), min(tops), max(rights), max(bottoms)
