"""Columns: which characters stand upright, lie on their side or share a square, and their shapes.

After Unicode Standard Annex 50: ideographs stand, letters lie, marks take their vertical form.
The pen is at the column's middle, on top of the next square.
"""

import re
import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import replace
from functools import lru_cache
from itertools import chain, groupby
from typing import Literal

from synthesis.fonts.face import Font
from synthesis.text import bidi, scripts
from synthesis.text.clusters import Cluster, Manner, ink_of, shape_run
from synthesis.text.fallback import shape_with
from synthesis.text.quotes import LETTER
from synthesis.unrenderable import UnrenderableError

Stance = Literal["upright", "turned", "together"]
_TOGETHER = re.compile(  # one or two digits, or a capital, on their own get a square of their own
    rf"(?<![{LETTER}][ .,:/&-])(?<![{LETTER}.,:/&$€£-])(?:\d\d?|[A-Z])"
    rf"(?![ .,:/&-]?[{LETTER}]|[%°])|[!?]{{2}}"
)
_MOVED = frozenset(  # VO=Tu: upright, at another place in the square
    "、。，．！？ぁぃぅぇぉっゃゅょゎゕゖァィゥェォッャュョヮヵヶ゛゜"
)
_TRANSFORMED = frozenset("「」『』（）《》〈〉【】〔〕｛｝［］〖〗〘〙：；ー～〜＿—―…‥“”‘’－｜＝")
_STANDING_IN_CHINESE = frozenset("：；")
_UPRIGHT_SIGNS = frozenset("§©®±×÷†‡‰※№℃")
_UPRIGHT_CATEGORIES = frozenset({"So", "No", "Nl"})
_CENTRED = 0.15  # em a mark without a vertical form may be off the middle


def shape_columns(fonts: tuple[Font, ...], text: str, language: str) -> Iterator[Cluster]:
    """The clusters of a line to be set in columns, advances downwards.

    Raises ``UnrenderableError`` as ``shape_with`` does, and ``right_to_left_column`` and
    ``no_vertical_form`` (a mark no font has an upright form of).
    """
    if any(bidi.levels(text, 0)):
        raise UnrenderableError("right_to_left_column")
    for piece, stance, of_fonts in _pieces(fonts, text, language):
        for item in scripts.items(piece, 0):
            if stance == "together":
                yield _together(shape_with(of_fonts, item, Manner(language, "ltr")))
            elif stance == "turned":
                clusters = shape_with(of_fonts, item, Manner(language, "ltr"))
                yield from (_turned(cluster) for cluster in clusters)
            elif item.script == scripts.EMOJI:
                yield _together(shape_with(of_fonts, item, Manner(language, "ltr")))
            else:
                yield from shape_with(of_fonts, item, Manner(language, "ttb"))


def _pieces(
    fonts: tuple[Font, ...], text: str, language: str
) -> Iterator[tuple[str, Stance, tuple[Font, ...]]]:
    place = 0
    for match in _TOGETHER.finditer(text):
        yield from _in_a_row(fonts, text[place : match.start()], language)
        yield match.group(), "together", fonts
        place = match.end()
    yield from _in_a_row(fonts, text[place:], language)


def _in_a_row(
    fonts: tuple[Font, ...], text: str, language: str
) -> Iterator[tuple[str, Stance, tuple[Font, ...]]]:
    stances: list[tuple[Stance, tuple[Font, ...]]] = []
    for character in text:
        if stances and unicodedata.category(character) in {"Mn", "Me", "Cf"}:
            stances.append(stances[-1])
        else:
            stances.append(_stance(fonts, character, language))
    place = 0
    for (stance, of_fonts), group in groupby(stances):
        end = place + len(list(group))
        yield text[place:end], stance, of_fonts
        place = end


def _stance(
    fonts: tuple[Font, ...], character: str, language: str
) -> tuple[Stance, tuple[Font, ...]]:
    if character in _MOVED or character in _TRANSFORMED:
        return _of_mark(fonts, character, language)
    wide = unicodedata.east_asian_width(character) in {"W", "F"}
    sign = unicodedata.category(character) in _UPRIGHT_CATEGORIES
    if wide or sign or character in _UPRIGHT_SIGNS:
        return "upright", fonts
    return "turned", fonts


@lru_cache(maxsize=1024)
def _of_mark(
    fonts: tuple[Font, ...], character: str, language: str
) -> tuple[Stance, tuple[Font, ...]]:
    """A mark stands if its font has a form for that, else a bracket or a dash is turned."""
    item = scripts.Item(character, "Hani", 0)
    able = (font for font in fonts if ord(character) in font.characters)
    first = next(able, None)
    stands = character in _MOVED or (character in _STANDING_IN_CHINESE and language[:2] == "zh")
    if first is None or not (stands or _has_form(first, item, language)):
        return "turned", fonts
    for font in chain([first], able):
        if _has_form(font, item, language) or _is_centred(font, item, language):
            return "upright", fonts if font is fonts[0] else (font,)
    raise UnrenderableError("no_vertical_form", f"U+{ord(character):04X} {character}")


def _has_form(font: Font, item: scripts.Item, language: str) -> bool:
    (cluster,) = shape_run(font, item, Manner(language, "ttb"))
    nominal = font.shaper.get_nominal_glyph(ord(item.text))
    return [glyph for glyph, _, _ in cluster.glyphs] != [nominal]


def _is_centred(font: Font, item: scripts.Item, language: str) -> bool:
    """Whether the mark is in the middle of its square anyway, as Taiwan sets all of them."""
    (cluster,) = shape_run(font, item, Manner(language, "ttb"))
    left, top, right, bottom = cluster.ink or (1.0, 1.0, 1.0, 1.0)
    return abs(left + right) / 2 <= _CENTRED and abs(top + bottom - 1) / 2 <= _CENTRED


def _turned(cluster: Cluster) -> Cluster:
    """A cluster laid on its right side, its middle on the column's."""
    wide = unicodedata.east_asian_width(cluster.text[0]) in {"W", "F"}
    baseline = -(cluster.font.middle if wide else cluster.font.cap_height / 2)
    glyphs = tuple((glyph, baseline - dy, dx) for glyph, dx, dy in cluster.glyphs)
    ink = cluster.ink
    if ink is not None:
        ink = (baseline - ink[3], ink[0], baseline - ink[1], ink[2])
    return replace(cluster, glyphs=glyphs, ink=ink, turned=True, leading=0.0, trailing=0.0)


def _together(clusters: Sequence[Cluster]) -> Cluster:
    """Clusters side by side in one square, digits on one height, an emoji in its middle."""
    font, text = clusters[0].font, "".join(cluster.text for cluster in clusters)
    pen = -sum(cluster.advance for cluster in clusters) / 2
    glyphs = []
    for cluster in clusters:
        glyphs += [(glyph, pen + dx, dy) for glyph, dx, dy in cluster.glyphs]
        pen += cluster.advance
    left, top, right, bottom = ink_of(font, glyphs)
    height = max(1.0, bottom - top)
    down = (height - top - bottom) / 2 if font.has_colours else (height + font.cap_height) / 2
    moved = tuple((glyph, dx, dy + down) for glyph, dx, dy in glyphs)
    return Cluster(text, moved, height, (left, top + down, right, bottom + down), font)
