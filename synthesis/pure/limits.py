"""How small and how dense text may be: the one place, for rendering and for judging it later.

The bounds are those of an image trained on in its own size class (256, 640, 1328): a rule for
small characters or dense text that takes its numbers from here keeps every image of mode pure.
Between the classes bounds are interpolated along the side of a square of as many pixels.
"""

import math
from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median

from synthesis.image_sizes import CLASSES, Size
from synthesis.pure.scripts import ARABIC, HAN, HANGUL, STACKED, Script, script_of
from synthesis.sample import TextBox

Ladder = tuple[float, float, float]  # one value for each of ``CLASSES``

# pixels per em, the smallest that are rendered: below, small forms run together
_SMALLEST_EM: dict[Script, Ladder] = {
    HAN: (14, 17, 20),
    HANGUL: (13, 16, 19),
    ARABIC: (13, 16, 20),
    STACKED: (13, 16, 20),
}
_SMALLEST_EM_OF_LETTERS: Ladder = (11, 14, 18)
LEAST_STEM = 0.7  # pixels: thinner strokes fade away
# pixels, the least median height of the ink of a line's letters: an x-height, or a hanzi
_LEAST_LETTER: Ladder = (4, 5.5, 7)
_LEAST_HANZI: Ladder = (10.5, 12.5, 15)
_MOST_CHARACTERS: Ladder = (420, 1700, 5200)
_MOST_HANZI: Ladder = (150, 640, 1900)
MOST_TEXT_AREA = 0.8  # of the canvas, in boxes of lines
SPARSE = 0.035  # of the canvas, in boxes of glyphs: light letters would leave it dark
_LEAST_LETTERED = 0.016  # of the canvas, in boxes of glyphs: less is as good as empty
_WIDEST = 3.5  # times as long as high: what is longer is a strip, which no line can fill
_FEWEST_LETTERS = 8  # in a line that is measured: fewer may all be flat or low
_FIRST_WIDE = "\u1100"  # from here on hangul, kana and hanzi
SMALLEST = {"en": 11, "zh": 14}  # pixels per em on the smallest canvas


@dataclass(frozen=True)
class Measured:
    """``letter`` is the median height in pixels of the letters of the line where it is least
    (of hanzi and hangul alone where the language has them); ``characters`` the number of glyph
    boxes; ``area`` the share of the canvas that boxes of lines have, ``lettered`` that of glyphs
    (of a strip: the share of as much of it as is not too wide to train on).
    """

    letter: float
    characters: int
    area: float
    lettered: float

    @property
    def is_sparse(self) -> bool:
        """Whether there is little text on much canvas."""
        return self.lettered < SPARSE


def side(size: Size) -> float:
    """The side of the square of as many pixels."""
    return math.sqrt(size[0] * size[1])


def smallest_em(language: str, size: Size) -> int:
    """The smallest size of type in pixels per em."""
    return math.ceil(_on(_SMALLEST_EM.get(script_of(language), _SMALLEST_EM_OF_LETTERS), size))


def least_letter(language: str, size: Size) -> float:
    """The least height of a line's letters in pixels, as ``measure`` measures it."""
    return _on(_LEAST_HANZI if script_of(language) in {HAN, HANGUL} else _LEAST_LETTER, size)


def most_characters(language: str, size: Size) -> int:
    """The most characters an image may hold."""
    return int(_on(_MOST_HANZI if script_of(language) in {HAN, HANGUL} else _MOST_CHARACTERS, size))


def _on(ladder: Ladder, size: Size) -> float:
    """The value for a canvas: that of its class, or between two; constant beyond the last."""
    here = min(max(side(size), CLASSES[0]), CLASSES[-1])
    step = min(bisect_right(CLASSES, here), len(CLASSES) - 1)
    share = (here - CLASSES[step - 1]) / (CLASSES[step] - CLASSES[step - 1])
    return ladder[step - 1] + share * (ladder[step] - ladder[step - 1])


def measure(language: str, boxes: Sequence[TextBox], size: Size) -> Measured:
    """What a rule would see in an image: its boxes of lines and glyphs, in reading order."""
    first = _FIRST_WIDE if script_of(language) in {HAN, HANGUL} else "A"
    lines: list[list[float]] = []
    count, of_lines, of_glyphs = 0, 0.0, 0.0
    for box in boxes:
        if box.level == "line":
            lines.append([])
            width, height = _extent(box)
            of_lines += width * height
        elif box.level == "glyph":
            width, height = _extent(box)
            count += 1
            of_glyphs += width * height
            if lines and first <= box.text[0] and box.text[0].isalpha():
                lines[-1].append(height)
    letters = [median(heights) for heights in lines if len(heights) >= _FEWEST_LETTERS]
    canvas, short = size[0] * size[1], min(size)
    lettered = of_glyphs / min(canvas, _WIDEST * short * short)
    return Measured(min(letters, default=math.inf), count, of_lines / canvas, lettered)


def broken(language: str, measured: Measured, size: Size) -> str | None:
    """The limit an image breaks: ``too_small``, ``too_dense``, ``too_sparse``; ``None``: none."""
    if measured.letter < least_letter(language, size):
        return "too_small"
    if measured.lettered < _LEAST_LETTERED:
        return "too_sparse"
    dense = measured.characters > most_characters(language, size) or measured.area > MOST_TEXT_AREA
    return "too_dense" if dense else None


def _extent(box: TextBox) -> tuple[float, float]:
    """Width and height of the upright rectangle around the box."""
    x0, y0, x1, y1, x2, y2, x3, y3 = box.quad
    return max(x0, x1, x2, x3) - min(x0, x1, x2, x3), max(y0, y1, y2, y3) - min(y0, y1, y2, y3)
