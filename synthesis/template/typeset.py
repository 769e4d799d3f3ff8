"""Texts measured and set at one scale: line boxes, so that equal styles share their baselines."""

import math
import re
from collections.abc import Hashable, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache

from synthesis.fonts.face import Extents
from synthesis.raster import Run
from synthesis.sample import TextBox
from synthesis.template.faces import Pairing
from synthesis.template.models import Style
from synthesis.text import block
from synthesis.text.block import Block, Typography
from synthesis.text.layout import Alignment, Frame, Setting
from synthesis.unrenderable import UnrenderableError

_LANGUAGE_SIZE = {"en": 1.0, "zh": 0.94}  # hanzi look larger than Latin of the same size
_MORE_LEADING = {"en": 0.0, "zh": 0.12}
_MIDDLE = 0.36  # em from the baseline up to the middle of capitals, and of hanzi
_TALL = 100_000.0
_BOLD = 1.06
_ALIGNMENTS: dict[str, Alignment] = {"centre": "centre", "justified": "justified"}
_PAUSES = "，。、；：！？"
_SHORT = 40  # characters
_SHORT_PHRASE = 8  # hanzi between marks: so short a phrase of a heading stays in one line
_NARROW = frozenset("iljtfrI.,;:'!|()[] ")
_BROAD = frozenset("mwMW@%&—")


class Overflow(Exception):  # noqa: N818 - no error: the next smaller scale is tried
    """At this scale the texts do not fit their boxes."""


@dataclass(frozen=True)
class SetText:
    """A block moved by whole pixels to where it stands; ``box`` is the bounds of its ink there."""

    block: Block
    dx: int
    dy: int
    box: Extents

    @property
    def runs(self) -> list[Run]:
        """What ``raster.render`` takes."""
        dx, dy = self.dx, self.dy
        return [
            replace(run, origins=[(x + dx, y + dy) for x, y in run.origins])
            for run in self.block.runs
        ]

    def boxes(self) -> list[TextBox]:
        """The boxes of the block at its place."""
        dx, dy = self.dx, self.dy
        boxes = []
        for box in self.block.boxes():
            x0, y0, x1, y1, x2, y2, x3, y3 = box.quad
            moved = (x0 + dx, y0 + dy, x1 + dx, y1 + dy, x2 + dx, y2 + dy, x3 + dx, y3 + dy)
            boxes.append(TextBox(box.text, moved, box.level))
        return boxes


@dataclass(frozen=True)
class Extent:
    """A text's lines in pixels: their number, the height of one, and the ink of the longest."""

    lines: int
    line_height: float
    width: float

    @property
    def height(self) -> float:
        """Of all line boxes together."""
        return self.lines * self.line_height


Blocks = dict[Hashable, Block | None]  # ``None``: a word is too wide


@dataclass(frozen=True)
class Typesetter:
    """Measures and sets texts of one image; ``unit`` and ``smallest`` size are in pixels.

    ``blocks`` keeps what has been set for the image.
    """

    language: str
    pairing: Pairing
    unit: float
    smallest: int
    scale: float
    exact: bool
    blocks: Blocks

    def size(self, style: Style) -> int:
        """Pixels per em of a style at this scale."""
        wanted = (style.size or 3) * self.unit * self.scale * _LANGUAGE_SIZE[self.language]
        return max(self.smallest, round(wanted))

    def leading(self, style: Style) -> float:
        """Ems between baselines."""
        return (style.leading or 1.3) + _MORE_LEADING[self.language]

    def measure(self, text: str, style: Style, align: str, width: float) -> Extent:
        """How the text breaks in ``width`` pixels. Raises ``Overflow`` where it cannot."""
        size, leading = self.size(style), self.leading(style)
        if self.exact:
            made = self.block(text, style, align, width)
            left, _, right, _ = made.box
            lines, widest = len(made.lines), right - left
        else:
            by_clause = self.language == "zh" and style.face == "heading"
            lines, widest = _estimated(text, width / size, _widened(style), by_clause)
            widest *= size
        if lines > (style.lines or 99) or widest > width + 1:
            raise Overflow
        return Extent(lines, size * leading, widest)

    def block(self, text: str, style: Style, align: str, width: float) -> Block:
        """The text in lines of ``width`` pixels from the origin down."""
        size, leading = self.size(style), self.leading(style)
        manner = (style.face, style.weight, style.italic, align, leading, style.tracking)
        key = (text, manner, math.floor(width), size)
        if key not in self.blocks:
            self.blocks[key] = self._set(text, style, align, math.floor(width))
        kept = self.blocks[key]
        if kept is None:
            raise Overflow
        return kept

    def _set(self, text: str, style: Style, align: str, width: int) -> Block | None:
        """The block, or ``None`` where a word is too wide.

        Chinese headings and short texts break between phrases where they can: elsewhere a word
        might be cut.
        """
        alignment = _ALIGNMENTS.get(align, "left")
        setting = Setting(alignment, self.leading(style), vertical=0.0)
        faces, tracking = self.pairing.order(style), style.tracking or 0.0
        short = style.face == "heading" or len(text) <= _SHORT
        in_phrases = self.language == "zh" and short and align != "justified"
        for phrases in (True, False) if in_phrases else (False,):
            typography = Typography(self.language, faces, setting, tracking, phrases=phrases)
            try:
                return block.at(text, typography, Frame(0.0, 0.0, width, _TALL), self.size(style))
            except UnrenderableError as error:
                if error.reason != "does_not_fit":
                    raise
        return None

    def place(
        self, text: str, style: Style, align: str, frame: Sequence[float], rest: float
    ) -> SetText:
        """The text in ``frame`` (left, top, width, height); ``rest`` 0 to 1 is top to bottom."""
        left, top, width, height = frame
        made = self.block(text, style, align, width)
        ink_left, ink_top, ink_right, ink_bottom = made.box
        size, leading = self.size(style), self.leading(style)
        free = height - len(made.lines) * size * leading
        middle = top + free * rest + size * leading / 2
        baseline = round(middle + _MIDDLE * size)
        dx = math.ceil(left - ink_left) if align == "justified" else round(left)
        if align == "right":
            dx = math.floor(left + width - ink_right)
        elif align == "centre":
            dx = round(left + width / 2 - (ink_left + ink_right) / 2)
        dy = baseline - round(made.runs[0].origins[0][1])
        box = (ink_left + dx, ink_top + dy, ink_right + dx, ink_bottom + dy)
        return SetText(made, dx, dy, box)


def _advance(character: str) -> float:
    """About how wide a character is, in ems; rather too wide than too narrow."""
    if ord(character) > 0x2E7F:
        return 1.0
    if character in _NARROW:
        return 0.32
    if character in _BROAD:
        return 0.92
    return 0.7 if character.isupper() else 0.58


@lru_cache(maxsize=4096)
def _words(text: str, by_clause: bool) -> tuple[float, ...]:
    """The advances of the pieces of a line that stay whole, blanks included.

    ``by_clause``: short phrases, as of Chinese headings, are parted after punctuation alone.
    """
    ends = _PAUSES if by_clause and _is_of_short_phrases(text) else ""
    advances: list[float] = []
    pending = 0.0
    for character in text:
        wide = ord(character) > 0x2E7F and not ends
        if wide and pending and character not in "，。、；：！？）》」”’":
            advances.append(pending)
            pending = 0.0
        pending += _advance(character)
        if character in " -" or character in ends:
            advances.append(pending)
            pending = 0.0
    if pending:
        advances.append(pending)
    return tuple(advances)


@lru_cache(maxsize=4096)
def _is_of_short_phrases(text: str) -> bool:
    lengths = [len(phrase) for phrase in re.split(f"[{_PAUSES}]", text)]
    return len(lengths) > 1 and max(lengths) <= _SHORT_PHRASE


def _widened(style: Style) -> float:
    """How much wider than ``_advance`` tells a style is set."""
    bold = style.weight == "bold" and style.face == "heading"
    return (1.0 + (style.tracking or 0.0) * 1.6) * (_BOLD if bold else 1.0)


def _estimated(text: str, measure: float, stretched: float, by_clause: bool) -> tuple[int, float]:
    """Lines and widest line in ems, without shaping."""
    lines, widest = 0, 0.0
    for line in text.split("\n"):
        words = _words(line, by_clause)
        pen = 0.0
        lines += 1
        for word in words:
            width = word * stretched
            if pen and pen + width - 0.3 > measure:
                lines += 1
                widest = max(widest, pen)
                pen = 0.0
            pen += width
        widest = max(widest, pen)
    parted = len(_words(text, by_clause)) > 1 and not (by_clause and _is_of_short_phrases(text))
    return lines, min(widest, max(measure, 0.0)) if parted else widest
