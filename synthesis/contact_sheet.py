"""The first pictures of a rendering side by side, each over its caption, as one PNG."""

import math
from collections.abc import Iterator, Sequence
from itertools import islice

import cv2
import numpy as np

from curation import shard, storage
from curation.picture import decoding
from synthesis import drawing, png
from synthesis.captions import caption_language
from synthesis.fonts.files import FontFile, characters, fallbacks
from synthesis.text import block
from synthesis.text.block import Typography
from synthesis.text.layout import Frame, Setting
from synthesis.unrenderable import UnrenderableError

MOST_PICTURES = 64
_TILE = 256  # pixels: the longer side of a picture on the sheet, at most
_GUTTER = 20
_CAPTION_SIZE = 13
_CAPTION_LINES = 5
_CAPTION_HEIGHT = 100
_PAPER = (238, 238, 240)
_INK = (40, 40, 44)


def write(path: str, shards: Sequence[str], faces: Sequence[FontFile], language: str) -> None:
    """Write the sheet of the first ``MOST_PICTURES`` rows of the shards, atomically."""
    rows = list(islice(_rows(shards), MOST_PICTURES))
    tiles = [_fitted(decoding.decode(data, short_side=None).rgb) for data, _ in rows]
    height = max(tile.shape[0] for tile in tiles)
    width = max(_TILE, *(tile.shape[1] for tile in tiles))
    columns = min(len(rows), max(1, round(math.sqrt(len(rows) * 1.5))))
    pitch_x, pitch_y = width + _GUTTER, height + _CAPTION_HEIGHT + _GUTTER
    lines_of_tiles = math.ceil(len(rows) / columns)
    canvas = drawing.solid(columns * pitch_x + _GUTTER, lines_of_tiles * pitch_y + _GUTTER, _PAPER)
    plainest = min(faces, key=_plainness)
    how = Setting("left", 1.35, vertical=0.0)
    typography = Typography(caption_language(language), (plainest, *fallbacks(language)), how)
    for number, (tile, (_, caption)) in enumerate(zip(tiles, rows, strict=True)):
        left = _GUTTER + number % columns * pitch_x
        top = _GUTTER + number // columns * pitch_y
        canvas[top : top + tile.shape[0], left : left + tile.shape[1], :3] = tile
        frame = Frame(left, top + height + 8, width, _CAPTION_HEIGHT - 8)
        _write_caption(canvas, typography, caption, frame)
    storage.write_bytes(path, png.encode(canvas))


def _rows(shards: Sequence[str]) -> Iterator[tuple[bytes, str]]:
    for path in shards:
        for batch in shard.read(path, columns=["image", "caption_recaption"]):
            for row in batch.to_pylist():
                yield row["image"]["bytes"], row["caption_recaption"][0]["text"]


def _fitted(rgb: drawing.Pixels) -> drawing.Pixels:
    """The picture with its longer side at most ``_TILE``: enlarged by whole factors only."""
    longer = max(rgb.shape[:2])
    scale = max(1, _TILE // longer) if longer <= _TILE else _TILE / longer
    how = cv2.INTER_NEAREST if scale >= 1 else cv2.INTER_AREA
    return np.asarray(cv2.resize(rgb, None, fx=scale, fy=scale, interpolation=how), np.uint8)


def _plainness(face: FontFile) -> tuple[bool, bool, bool, int, str]:
    name = f"{face.family} {face.style}"
    slanted = "Italic" in name or "Oblique" in name
    return (
        "Sans" not in name,
        "Mono" in name or "Condensed" in name,
        slanted,
        abs(face.weight - 400),
        face.postscript,
    )


def _write_caption(
    canvas: drawing.Pixels, typography: Typography, caption: str, frame: Frame
) -> None:
    known = frozenset().union(*map(characters, typography.faces))
    text = "".join(one if ord(one) in known else "?" for one in caption.replace("\n", " / "))
    tall = Frame(frame.left, frame.top, frame.width, 4 * len(text) + frame.height)
    try:
        whole = block.at(text, typography, tall, _CAPTION_SIZE)
        if len(whole.lines) > _CAPTION_LINES:
            shown = sum(len(line.text) + 1 for line in whole.lines[:_CAPTION_LINES])
            text = text[: shown - 6].rstrip() + "..."
            whole = block.at(text, typography, tall, _CAPTION_SIZE)
    except UnrenderableError:
        return  # a face of the user's that lacks what our captions need: the picture stands alone
    drawing.draw(canvas, whole.runs, _INK)
