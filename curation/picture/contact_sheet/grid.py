"""The grid of a contact sheet: images at readable sizes, numbered, in rows, captions below."""

import math
from collections.abc import Collection, Sequence
from dataclasses import dataclass

from PIL import Image, ImageDraw
from PIL.ImageFont import FreeTypeFont

from curation.picture.contact_sheet import font, lettering
from curation.picture.contact_sheet.lettering import LINE, PALE, PAPER, TEXT_SIZE, Lettering

SIDE = 400  # pixels, as all sizes here: the longer side of an image on a sheet, at most
_ENLARGED = 256  # the longer side of a small image, at most
_NARROWEST = 160  # room for a caption
_MARGIN = 14
_MOST_COLUMNS = 10
_FRAME, _RED = 3, (205, 30, 40)


@dataclass(frozen=True)
class Sheet:
    """The sheet, and the characters no font here has (captions show boxes for them)."""

    image: Image.Image
    missing: frozenset[str]


@dataclass(frozen=True)
class _Cell:
    """An image as it is shown, what stands below it, and whether it is framed."""

    number: int
    tile: Image.Image
    caption: Image.Image
    is_framed: bool

    @property
    def height(self) -> int:
        return self.tile.height + LINE + self.caption.height + _MARGIN + 6


def compose(
    images: Sequence[Image.Image],
    captions: Sequence[str],
    columns: int | None = None,
    *,
    side: int = SIDE,
    framed: Collection[int] = (),
    letter: Lettering | None = None,
) -> Sheet:
    """Lay out images row by row, each with its number and its caption below it.

    ``columns`` None chooses a grid about as wide as high. No image is longer than ``side`` on the
    sheet; those at the indices ``framed`` have a red frame. ``letter`` renders the captions (None:
    Pillow, in the installed font that has most of their characters).

    Raises ``ValueError`` for no image, or counts that differ.
    """
    if not images or len(images) != len(captions):
        raise ValueError(f"{len(images)} images with {len(captions)} captions")
    asked = [] if letter else [lettering.cleaned(caption) + "…" for caption in captions]
    chosen = font.choose([*asked, "0123456789"], TEXT_SIZE)
    letter = letter or lettering.in_font(chosen.font)
    tiles = [fit(image, side) for image in images]
    width = max(min(_NARROWEST, side), *(tile.width for tile in tiles))
    cells = [
        _Cell(index + 1, tile, letter(caption, width), index in framed)
        for index, (tile, caption) in enumerate(zip(tiles, captions, strict=True))
    ]
    columns = min(columns or _columns(cells, width), len(cells))
    rows = [cells[start : start + columns] for start in range(0, len(cells), columns)]
    return Sheet(_laid_out(rows, width, chosen.font), chosen.missing)


def fit(image: Image.Image, side: int = SIDE) -> Image.Image:
    """Small images enlarged by a whole factor with hard edges, those longer than ``side`` reduced.

    Fitting what is fitted changes nothing.
    """
    longest = max(image.size)
    times = min(_ENLARGED, side) // longest
    if times > 1:
        size = (image.width * times, image.height * times)
        return image.resize(size, Image.Resampling.NEAREST)
    if longest > side:
        width, height = (max(1, round(length * side / longest)) for length in image.size)
        return image.resize((width, height), Image.Resampling.LANCZOS)
    return image


def _columns(cells: Sequence[_Cell], width: int) -> int:
    height = sum(cell.height for cell in cells) / len(cells)
    return max(1, min(_MOST_COLUMNS, round(math.sqrt(len(cells) * height / width))))


def _laid_out(rows: Sequence[Sequence[_Cell]], width: int, digits: FreeTypeFont) -> Image.Image:
    heights = [max(cell.height for cell in row) for row in rows]
    size = (_MARGIN + len(rows[0]) * (width + _MARGIN), _MARGIN + sum(heights))
    sheet = Image.new("RGB", size, PAPER)
    top = _MARGIN
    for row, height in zip(rows, heights, strict=True):
        for column, cell in enumerate(row):
            _paste(sheet, cell, (_MARGIN + column * (width + _MARGIN), top), digits)
        top += height
    return sheet


def _paste(sheet: Image.Image, cell: _Cell, place: tuple[int, int], digits: FreeTypeFont) -> None:
    left, top = place
    pen = ImageDraw.Draw(sheet)
    if cell.is_framed:
        right, bottom = left + cell.tile.width - 1, top + cell.tile.height - 1
        edges = (left - _FRAME, top - _FRAME, right + _FRAME, bottom + _FRAME)
        pen.rectangle(edges, outline=_RED, width=_FRAME)
    sheet.paste(cell.tile, place)
    under = top + cell.tile.height + _FRAME + 2
    pen.text((left, under), str(cell.number), PALE, digits)
    sheet.paste(cell.caption, (left, under + LINE))
