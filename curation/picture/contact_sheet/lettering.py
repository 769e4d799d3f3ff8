"""Captions as little images: cleaned, broken into a few lines, rendered in one font."""

import unicodedata
from collections.abc import Callable

from PIL import Image, ImageDraw
from PIL.ImageFont import FreeTypeFont

# A caption as an image at most so many pixels wide, on ``PAPER``.
Lettering = Callable[[str, int], Image.Image]

TEXT_SIZE = 14  # pixels, as all sizes here
LINE = 19
MOST_LINES = 5
PAPER, INK, PALE = (247, 247, 245), (28, 28, 30), (130, 130, 134)
_MOST_CHARACTERS = 2000  # of a caption that are looked at
_NEVER_FIRST = frozenset("，。、；：？！）」』》”’")  # in a line


def cleaned(caption: str) -> str:
    """On one line: control, format and unassigned characters are spaces, runs of space one."""
    start = caption[:_MOST_CHARACTERS]
    kept = (" " if unicodedata.category(char)[0] in "CZ" else char for char in start)
    return " ".join("".join(kept).split())


def in_font(font: FreeTypeFont) -> Lettering:
    """Lettering by Pillow in one font."""

    def letter(caption: str, width: int) -> Image.Image:
        lines = wrap(cleaned(caption), font, width)
        image = Image.new("RGB", (width, LINE * len(lines)), PAPER)
        pen = ImageDraw.Draw(image)
        for number, line in enumerate(lines):
            pen.text((0, number * LINE), line, INK, font)
        return image

    return letter


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
    if len(lines) > MOST_LINES:
        last = lines[MOST_LINES - 1]
        while last and font.getlength(last + "…") > width:
            last = last[:-1]
        lines = [*lines[: MOST_LINES - 1], last + "…"]
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
