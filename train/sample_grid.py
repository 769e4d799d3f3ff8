"""A grid of drawn pictures, enlarged, with their captions; a wrong one is framed in red."""

import textwrap
from collections.abc import Sequence

import numpy as np
from PIL import Image, ImageDraw, ImageFont
from torch import Tensor

_PAPER, _INK, _WRONG = (238, 238, 240), (40, 40, 44), (205, 30, 40)
_CELL, _GAP, _LINE, _LINES = 192, 12, 14, 3


def draw(
    pictures: Sequence[Tensor],
    captions: Sequence[str],
    right: Sequence[bool | None],
    columns: int = 6,
) -> Image.Image:
    """``pictures`` are (3, H, W) in [-1, 1]; ``right`` is None where it was not judged."""
    tiles = [_enlarged(picture) for picture in pictures]
    height = max(tile.height for tile in tiles) + _LINE * _LINES + _GAP
    rows = -(-len(tiles) // columns)
    columns = min(columns, len(tiles))
    size = (_GAP + columns * (_CELL + _GAP), _GAP + rows * (height + _GAP))
    sheet = Image.new("RGB", size, _PAPER)
    pen = ImageDraw.Draw(sheet)
    font = ImageFont.load_default(_LINE - 3)
    for place, (tile, caption, good) in enumerate(zip(tiles, captions, right, strict=True)):
        left = _GAP + place % columns * (_CELL + _GAP)
        top = _GAP + place // columns * (height + _GAP)
        sheet.paste(tile, (left, top))
        if good is False:
            frame = (left - 3, top - 3, left + tile.width + 2, top + tile.height + 2)
            pen.rectangle(frame, outline=_WRONG, width=3)
        for number, line in enumerate(textwrap.wrap(caption, 34)[:_LINES]):
            pen.text((left, top + tile.height + 4 + number * _LINE), line, fill=_INK, font=font)
    return sheet


def _enlarged(picture: Tensor) -> Image.Image:
    levels = ((picture.float() / 2 + 0.5).clamp(0, 1) * 255).round().byte()
    image = Image.fromarray(np.ascontiguousarray(levels.permute(1, 2, 0).numpy()), "RGB")
    scale = _CELL / image.width
    kind = Image.Resampling.NEAREST if scale > 1 else Image.Resampling.LANCZOS
    return image.resize((_CELL, max(1, round(image.height * scale))), kind)
