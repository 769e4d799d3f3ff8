"""A text fitted to its canvas: the largest size that suits it, in lines of a readable length."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from random import Random

from synthesis.fonts.face import font
from synthesis.fonts.files import FontFile
from synthesis.image_sizes import Size
from synthesis.pure import columns, limits
from synthesis.pure.manner import Kind, Manner
from synthesis.pure.scripts import is_right_to_left, script_of
from synthesis.text import block
from synthesis.text.block import Block, Typography
from synthesis.text.layout import Frame
from synthesis.unrenderable import UnrenderableError

_MARGINS = (0.07, 0.12)  # of the square root of the canvas's area
_WIDEST_MARGIN = 0.14  # of a side
_COLUMN = 1.5  # ems that a column of hanzi takes with the room beside it
_WORTH_OWN_LINES = 0.65  # keeping a text's own lines whole may cost so much of the size


@dataclass(frozen=True)
class Fitted:
    """A text at its place: in how many columns its lines stand, or whether they go down.

    ``typography`` and ``frame`` are what it is set by and in.
    """

    block: Block
    typography: Typography
    frame: Frame
    columns: int = 1
    vertical: bool = False


@dataclass(frozen=True)
class Sizes:
    """The sizes a text may have, in pixels per em; lines wrapped at more than ``most_wrapped``
    would get too short.
    """

    least: int
    most: int
    most_wrapped: int

    def up_to(self, most: int) -> range:
        """From the least to that size."""
        return range(self.least, max(self.least, most) + 1)


def frame(random: Random, size: Size, kind: Kind) -> Frame:
    """What the margins leave of the canvas."""
    width, height = size
    wide, narrow = _MARGINS[1], _MARGINS[0]
    most = (wide + narrow) / 2 if kind == Kind.PAGE else wide
    margin = random.uniform(narrow, most) * math.sqrt(width * height)
    left, top = min(margin, _WIDEST_MARGIN * width), min(margin, _WIDEST_MARGIN * height)
    return Frame(left, top, width - 2 * left, height - 2 * top)


def fit(
    text: str, language: str, faces: Sequence[FontFile], manner: Manner, size: Size, frame: Frame
) -> Fitted:
    """The text in the frame as the manner says. Raises ``UnrenderableError``.

    A text with signs that have no vertical form is set in rows, and so is one whose own lines are
    too many for the frame's width.
    """
    if manner.vertical and manner.kind == Kind.LINES and _is_wide(text, frame):
        manner = replace(manner, vertical=False)
    try:
        return _fit(text, language, faces, manner, size, frame)
    except UnrenderableError as problem:
        if problem.reason != "no_vertical_form":
            raise
        return _fit(text, language, faces, replace(manner, vertical=False), size, frame)


def _fit(
    text: str, language: str, faces: Sequence[FontFile], manner: Manner, size: Size, frame: Frame
) -> Fitted:
    if len(text) > limits.most_characters(language, size):
        raise UnrenderableError("does_not_fit", f"{len(text)} characters on {size}")
    script = script_of(language)
    how = manner.setting
    typography = Typography(language, tuple(faces), how, manner.tracking, vertical=manner.vertical)
    sizes = _sizes(language, faces[0], size, manner, frame)
    if manner.kind in {Kind.PROSE, Kind.PAGE} and not manner.vertical:
        most = sizes.up_to(sizes.most_wrapped)
        fitted = columns.fit(text, typography, frame, most, script, manner.share_of_largest)
        return Fitted(fitted.block, typography, frame, fitted.count)
    chosen, size_chosen = _largest(text, typography, frame, sizes, manner)
    smaller = max(sizes.least, int(size_chosen * manner.share_of_largest))
    narrowed = _narrowed(frame, manner, language, smaller / size_chosen)
    placed = block.at(text, chosen, narrowed, smaller)
    return Fitted(placed, chosen, narrowed, vertical=manner.vertical)


def _largest(
    text: str, typography: Typography, frame: Frame, sizes: Sizes, manner: Manner
) -> tuple[Typography, int]:
    """How lines end and the largest size: at the text's own breaks or phrases, unless that costs
    too much of the size that breaks anywhere would allow.
    """
    own, worth = typography, math.inf
    if manner.kind == Kind.LINES:
        own, worth = replace(typography, wrap=False), _WORTH_OWN_LINES
    elif manner.kind in {Kind.SIGN, Kind.SHORT}:
        own = replace(typography, phrases=not manner.halves, halves=manner.halves)
        worth = script_of(typography.language).worth_phrases
    size = None
    if own is not typography:
        size = columns.largest_fitting(text, own, frame, sizes.up_to(sizes.most))
        if size and size >= worth * sizes.most_wrapped:  # no free size is larger
            return own, size
    free = block.largest(text, typography, frame, sizes.up_to(sizes.most_wrapped))
    return (own, size) if size and size >= worth * free else (typography, free)


def _is_wide(text: str, frame: Frame) -> bool:
    """Whether the text's own lines, set as columns, are wider than high against the frame."""
    lines = text.split("\n")
    return len(lines) * _COLUMN * frame.height > max(map(len, lines)) * frame.width


def _sizes(language: str, face: FontFile, size: Size, manner: Manner, frame: Frame) -> Sizes:
    script = script_of(language)
    measure = script.least_measure[0 if manner.kind == Kind.SIGN else 1]
    length = frame.height if manner.vertical else frame.width
    most = round(script.largest_share * min(size))
    least = max(limits.smallest_em(language, size), math.ceil(limits.LEAST_STEM / font(face).stem))
    return Sizes(least, most, int(min(most, length / measure)))


def _narrowed(frame: Frame, manner: Manner, language: str, share: float) -> Frame:
    """The frame in which a text at that share of the size has the lines it had in the whole."""
    how = manner.setting
    start = 0.5 if how.alignment in {"centre", "justified"} or how.block else 0.0
    left, top, width, height = frame.left, frame.top, frame.width, frame.height
    if manner.vertical:
        return Frame(left, top + start * height * (1 - share), width, height * share)
    before = 1 - start if is_right_to_left(language) else start
    return Frame(left + before * width * (1 - share), top, width * share, height)
