"""Pages that say what was asked, black on white: what a reader makes of them is its ceiling."""

from collections.abc import Sequence
from functools import cache
from typing import TYPE_CHECKING

from PIL import Image, ImageDraw, ImageFont

from curation.failures.errors import UsageError
from infer.harness.texts import has_hanzi

if TYPE_CHECKING:
    from synthesis.fonts.files import FontFile

WIDTH, MARGIN = 1024, 32  # pixels
SIZE = 36  # pixels: of the letters
PERFECT = "perfect"  # in the ``info`` of its images: they say all that was asked, and show nothing
_UPRIGHT = ("Regular", "Book", "Medium")
Font = ImageFont.FreeTypeFont | ImageFont.ImageFont


def font(text: str, size: int = SIZE, *, chinese: bool) -> Font | None:
    """Pillow's own, which has Latin letters alone; of ``chinese`` a plain face of the system's that
    has all of the text, if one has, and None where the system has none.
    """
    if not chinese:
        return ImageFont.load_default(size)
    from synthesis.fonts import files

    if not (faces := _chinese()):
        return None
    face = next((each for each in faces if files.covers(each, text)), faces[0])
    return ImageFont.truetype(face.path, size, index=face.index)


@cache
def _chinese() -> "tuple[FontFile, ...]":
    """The system's faces, plain ones where there are some."""
    from synthesis.fonts import files

    try:
        every = files.find("zh")
    except UsageError:
        return ()
    plain = (face for face in every if face.style in _UPRIGHT and not files.is_handwriting(face))
    return tuple(plain) or every


def page(texts: Sequence[str], *, chinese: bool | None = None) -> Image.Image | None:
    """A page (RGB) as high as it needs to be, a paragraph for each text; None without a font.

    ``chinese``: whether its font has hanzi; what the texts need where it is not given.
    """
    is_chinese = any(map(has_hanzi, texts)) if chinese is None else chinese
    face = font("".join("".join(texts).split()), chinese=is_chinese)
    if face is None:
        return None
    lines = [line for text in texts for part in text.split("\n") for line in _wrapped(part, face)]
    step = round(1.6 * SIZE)
    image = Image.new("RGB", (WIDTH, max(1, len(lines)) * step + 2 * MARGIN), "white")
    image.info[PERFECT] = True
    pen = ImageDraw.Draw(image)
    for number, line in enumerate(lines):
        pen.text((MARGIN, MARGIN + number * step), line, fill="black", font=face)
    return image


def _wrapped(text: str, face: Font) -> list[str]:
    """Lines that fit, broken at spaces and beside hanzi."""
    lines, line = list[str](), ""
    for piece in _pieces(text):
        if line and face.getlength((line + piece).rstrip()) > WIDTH - 2 * MARGIN:
            lines.append(line.rstrip())
            line = piece.lstrip()
        else:
            line += piece
    return [*lines, line.rstrip()] if line.strip() else lines


def _pieces(text: str) -> list[str]:
    """Words with the space after them, and single hanzi."""
    pieces = list[str]()
    for character in text:
        if pieces and not (pieces[-1][-1].isspace() or has_hanzi(pieces[-1][-1] + character)):
            pieces[-1] += character
        else:
            pieces.append(character)
    return pieces
