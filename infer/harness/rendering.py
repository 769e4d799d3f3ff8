"""Pages that say what was asked, black on white: what a reader makes of them is its ceiling."""

from collections.abc import Sequence

from PIL import Image, ImageDraw, ImageFont

from infer.harness.texts import has_hanzi

WIDTH, MARGIN = 1024, 32  # pixels
SIZE = 36  # pixels: of the letters
PERFECT = "perfect"  # in the ``info`` of its images: they say all that was asked, and show nothing
# Of systems, by the names that Pillow looks for in their folders.
_CHINESE = (
    "NotoSansCJK-Regular.ttc",
    "wqy-microhei.ttc",
    "msyh.ttc",
    "PingFang.ttc",
    "STHeiti Medium.ttc",
)
Font = ImageFont.FreeTypeFont | ImageFont.ImageFont


def font(chinese: bool, size: int = SIZE) -> Font | None:
    """Pillow's own, which has Latin letters alone; of ``chinese`` the system's, None where none is
    known.
    """
    if not chinese:
        return ImageFont.load_default(size)
    for name in _CHINESE:
        try:
            return ImageFont.truetype(name, size)
        except OSError:
            continue
    return None


def page(texts: Sequence[str], *, chinese: bool | None = None) -> Image.Image | None:
    """A page (RGB) as high as it needs to be, a paragraph for each text; None without a font.

    ``chinese``: whether its font has hanzi; what the texts need where it is not given.
    """
    face = font(any(map(has_hanzi, texts)) if chinese is None else chinese)
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
