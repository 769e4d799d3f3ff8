"""A contact sheet: pictures in a grid, each with its number and its caption below it."""

import math
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass

from PIL import Image, ImageDraw
from PIL.ImageFont import FreeTypeFont

from infer import caption_font

_MARGIN = 14  # pixels, as all sizes here
_TEXT_SIZE = 14
_LINE = 19
_LINES_AT_MOST = 5
_NARROWEST, _WIDEST = 160, 400
_NEVER_FIRST = frozenset("，。、；：？！）」』》”’")  # in a line
_PAPER, _INK, _PALE = (247, 247, 245), (28, 28, 30), (130, 130, 134)


@dataclass(frozen=True)
class Sheet:
    """The drawn sheet and the characters no font here has (their captions show boxes)."""

    image: Image.Image
    missing: frozenset[str]


def compose(
    pictures: Sequence[Image.Image], captions: Sequence[str], columns: int | None = None
) -> Sheet:
    """Lay pictures out row by row. ``columns`` None chooses a grid about as wide as high.

    Raises ``ValueError`` for no picture, or counts that differ.
    """
    if not pictures or len(pictures) != len(captions):
        raise ValueError(f"{len(pictures)} pictures with {len(captions)} captions")
    columns = min(columns or _columns(pictures), len(pictures))
    shown = [fit(picture) for picture in pictures]
    texts = [_one_line(caption) for caption in captions]
    found = caption_font.find([*texts, "0123456789…"], _TEXT_SIZE)
    cell = max(_NARROWEST, *(picture.width for picture in shown))
    lines = [wrap(text, found.font, cell) for text in texts]
    rows = range(0, len(shown), columns)
    heights = [
        max(
            picture.height + _LINE * (1 + len(below)) + _MARGIN
            for picture, below in zip(
                shown[start : start + columns], lines[start : start + columns], strict=True
            )
        )
        for start in rows
    ]
    size = (_MARGIN + columns * (cell + _MARGIN), _MARGIN + sum(heights) + len(heights) * 6)
    sheet = Image.new("RGB", size, _PAPER)
    pen = ImageDraw.Draw(sheet)
    top = _MARGIN
    for start, height in zip(rows, heights, strict=True):
        for column, index in enumerate(range(start, min(start + columns, len(shown)))):
            left = _MARGIN + column * (cell + _MARGIN)
            picture = shown[index]
            sheet.paste(picture, (left, top))
            below = top + picture.height + 5
            pen.text((left, below), str(index + 1), _PALE, found.font)
            for number, line in enumerate(lines[index], 1):
                pen.text((left, below + number * _LINE), line, _INK, found.font)
        top += height + 6
    return Sheet(sheet, found.missing)


def fit(picture: Image.Image) -> Image.Image:
    """Small pictures enlarged by a whole factor with hard edges, large ones reduced."""
    longest = max(picture.size)
    if longest < _NARROWEST:
        times = -(-_NARROWEST // longest)
        size = (picture.width * times, picture.height * times)
        return picture.resize(size, Image.Resampling.NEAREST)
    if longest > _WIDEST:
        width, height = (max(1, round(side * _WIDEST / longest)) for side in picture.size)
        return picture.resize((width, height), Image.Resampling.LANCZOS)
    return picture


def wrap(text: str, font: FreeTypeFont, width: int) -> list[str]:
    """Break a caption into lines at most ``width`` pixels wide, at spaces and between hanzi.

    A word that is wider than a line is broken anywhere; what exceeds the last line allowed ends
    in an ellipsis.
    """
    lines = [""]
    for piece in _pieces(text):
        if font.getlength(lines[-1] + piece.rstrip()) <= width:
            lines[-1] += piece
            continue
        rest = piece.lstrip()
        if lines[-1]:
            lines.append("")
        while font.getlength(rest.rstrip()) > width:
            cut = _fitting(rest, font, width)
            lines[-1] = rest[:cut]
            lines.append("")
            rest = rest[cut:]
        lines[-1] = rest
    lines = [line.rstrip() for line in lines]
    if len(lines) > _LINES_AT_MOST:
        last = lines[_LINES_AT_MOST - 1]
        while last and font.getlength(last + "…") > width:
            last = last[:-1]
        lines = [*lines[: _LINES_AT_MOST - 1], last + "…"]
    return lines


def _fitting(text: str, font: FreeTypeFont, width: int) -> int:
    count = 1
    while count < len(text) and font.getlength(text[: count + 1]) <= width:
        count += 1
    return count


def _pieces(text: str) -> list[str]:
    """What must stay together: a word with the space after it, or a hanzi with what closes it."""
    pieces: list[str] = []
    open_word = False
    for character in text:
        wide = unicodedata.east_asian_width(character) in "WF"
        if pieces and (character in _NEVER_FIRST or (open_word and not wide)):
            pieces[-1] += character
        else:
            pieces.append(character)
        open_word = not wide and character != " "
    return pieces


def _one_line(caption: str) -> str:
    """Control, format and unassigned characters become spaces; runs of space become one."""
    kept = (" " if unicodedata.category(char)[0] in "CZ" else char for char in caption[:2000])
    return " ".join("".join(kept).split())


def _columns(pictures: Sequence[Image.Image]) -> int:
    first = fit(pictures[0])
    ratio = (first.height + 3 * _LINE) / max(_NARROWEST, first.width)
    return max(1, min(8, round(math.sqrt(len(pictures) * ratio))))
