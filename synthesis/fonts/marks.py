"""Whether a face sets combining marks where they can be read: rendered, and looked at.

Debian's Noto Looped Thai has tone marks in the vowels below them, TLWG Mono has them beside their
letters, DejaVu Sans Mono has Arabic short vowels on the shadda. A character map does not tell. Of
each stack of marks (``Language.stacks``) every glyph is rendered alone at its place.

A glyph that has its marks within itself was drawn by someone who saw it: there it is only looked
for ink that the bare letter lacks.
"""

import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from itertools import combinations

import numpy as np
import skia
import uharfbuzz as hb
from numpy.typing import NDArray

from synthesis.fonts.languages import LANGUAGES

_EM = 48  # pixels
_SIDE = 4 * _EM  # of what is rendered: an em around the letters
_PEN = (float(_EM), 2.5 * _EM)  # where a line begins
_INK = 64  # of 255: hairlines too
# Of 378 faces sound ones share up to 0.22 of a mark with other marks and 0.34 with their letter
# (which has a tall stem or a headline), bad ones 0.26 to 1.0.
_MOST_SHARED = 0.24  # of the smaller mark's ink
_MOST_SHARED_WITH_LETTER = 0.5
_MOST_ASIDE = 0.25  # em: from the letters' ink to the middle of a mark
_LEAST_ADDED = 0.001  # square em of ink that differ from the bare letters
_VIRAMA = "\u094d"
_DOTTED_CIRCLE = 0x25CC
Mask = NDArray[np.bool_]


@dataclass(frozen=True)
class Face:
    """A face as HarfBuzz shapes it and as Skia renders it."""

    shaper: hb.Font
    typeface: skia.Typeface

    @cached_property
    def characters(self) -> frozenset[int]:
        """The code points in its character map."""
        return frozenset(self.shaper.face.unicodes)

    @cached_property
    def pen(self) -> skia.Font:
        """What renders its glyphs."""
        pen = skia.Font(self.typeface, _EM)
        pen.setHinting(skia.FontHinting.kNone)
        pen.setSubpixel(True)
        pen.setEmbeddedBitmaps(False)
        return pen

    def maps(self, text: str) -> bool:
        """Whether every character is in its character map."""
        return self.characters.issuperset(map(ord, text))


def ill_set(face: Face) -> frozenset[int]:
    """The characters of the stacks that ``face`` sets so that they cannot be read.

    Of a letter with marks that are characters of their own it is the marks. Stacks of which the
    face lacks a character are not asked for.
    """
    stacks = dict.fromkeys(stack for row in LANGUAGES.values() for stack in row.stacks.split())
    bad: set[int] = set()
    for stack in stacks:
        if face.maps(stack) and face.maps(_bare(stack)) and not is_sound(face, stack):
            own = [character for character in stack if _is_mark(character)]
            bad.update(map(ord, own or stack))
    return frozenset(bad)


def is_sound(face: Face, stack: str) -> bool:
    """Whether the marks of one stack can be read: there, apart, and at their letter."""
    shaped, bare = _shaped(face, stack), _shaped(face, _bare(stack))
    if not _has_forms(face, stack, {glyph for glyph, _ in shaped}):
        return False
    letters = _union([_mask(face, *glyph_at) for glyph_at in bare])
    masks = [(glyph, _mask(face, glyph, at)) for glyph, at in shaped]
    changed = letters ^ _union([mask for _, mask in masks])
    if changed.sum() < _LEAST_ADDED * _EM * _EM:
        return False
    own = {glyph for glyph, _ in bare}
    marks = [mask for glyph, mask in masks if glyph not in own and mask.any()]
    kept = [mask for glyph, mask in masks if glyph in own and mask.any()]
    return _are_apart(marks, kept, letters)


def _has_forms(face: Face, stack: str, glyphs: set[int]) -> bool:
    """Whether the stack is shaped without a placeholder, and its consonants join."""
    if {0, face.shaper.get_nominal_glyph(_DOTTED_CIRCLE)} & glyphs:
        return False
    return _VIRAMA not in stack or face.shaper.get_nominal_glyph(ord(_VIRAMA)) not in glyphs


def _are_apart(marks: list[Mask], kept: list[Mask], letters: Mask) -> bool:
    """Whether marks run neither into each other nor into what is kept of the letters."""
    return (
        not any(_is_aside(mask, letters) for mask in marks)
        and not any(_shared(*two) > _MOST_SHARED for two in combinations(marks, 2))
        and not any(_shared(a, b) > _MOST_SHARED_WITH_LETTER for a in marks for b in kept)
    )


def _is_mark(character: str) -> bool:
    return unicodedata.category(character) == "Mn"


def _bare(stack: str) -> str:
    """The stack without its marks; Thai sara am is a mark and a vowel."""
    parts = unicodedata.normalize("NFKD", stack)
    return unicodedata.normalize("NFC", "".join(part for part in parts if not _is_mark(part)))


def _shaped(face: Face, text: str) -> list[tuple[int, skia.Point]]:
    """The glyphs and where each is rendered."""
    buffer = hb.Buffer()
    buffer.add_str(text)
    buffer.guess_segment_properties()
    hb.shape(face.shaper, buffer)
    return list(_at_places(buffer, _EM / face.shaper.face.upem))


def _at_places(buffer: hb.Buffer, scale: float) -> Iterator[tuple[int, skia.Point]]:
    """From left to right; what runs to the left ends where its bare letters end."""
    across, down = _PEN
    if buffer.direction == "rtl":
        across = _SIDE - _EM - sum(move.x_advance for move in buffer.glyph_positions) * scale
    for info, move in zip(buffer.glyph_infos, buffer.glyph_positions, strict=True):
        x, y = across + move.x_offset * scale, down - move.y_offset * scale
        yield info.codepoint, skia.Point(x, y)
        across += move.x_advance * scale


def _mask(face: Face, glyph: int, at: skia.Point) -> Mask:
    pixels = np.zeros((_SIDE, _SIDE, 4), np.uint8)
    builder = skia.TextBlobBuilder()
    builder.allocRunPos(face.pen, [glyph], [at])
    canvas = skia.Surface(pixels).getCanvas()
    canvas.drawTextBlob(builder.make(), 0, 0, skia.Paint(Color=skia.ColorBLACK))
    return pixels[..., 3] >= _INK


def _union(masks: list[Mask]) -> Mask:
    every: Mask = np.zeros((_SIDE, _SIDE), bool)
    for mask in masks:
        every = every | mask
    return every


def _shared(first: Mask, other: Mask) -> float:
    """The ink two glyphs share, as a share of the smaller one's."""
    return float((first & other).sum() / min(first.sum(), other.sum()))


def _is_aside(mark: Mask, letters: Mask) -> bool:
    """Whether the middle of a mark is left or right of the letters' ink."""
    own, columns = (np.nonzero(mask.any(axis=0))[0] for mask in (mark, letters))
    if not len(columns):
        return False
    middle = (own[0] + own[-1]) / 2
    aside = max(columns[0] - middle, middle - columns[-1])
    return bool(aside > _MOST_ASIDE * _EM)
