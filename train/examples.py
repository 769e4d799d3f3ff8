"""Rows of shards -> examples: words, boxes, and pixels cut to the size of their bucket.

Shapes: H W pixels of the bucket.
"""

import hashlib
import struct
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, replace
from io import BytesIO
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageOps

from curation import shard, storage
from train.configuration import DataConfiguration
from train.problems import UsageError

_FORMATS = ("JPEG", "PNG", "WEBP", "GIF", "TIFF", "BMP")
_UNREADABLE = (OSError, ValueError, SyntaxError, TypeError, IndexError, struct.error)

Size = tuple[int, int]
Pixels = NDArray[np.uint8]


@dataclass(frozen=True)
class Glyph:
    """One character and its box in pixels: (left, top, right, bottom)."""

    text: str
    box: tuple[float, float, float, float]


@dataclass(frozen=True)
class Example:
    """A picture's words. ``text`` is what it shows (its lines joined), empty where unknown."""

    id: str
    captions: tuple[str, ...]
    text: str
    glyphs: tuple[Glyph, ...]


def is_held_out(example: Example, share: float) -> bool:
    """Whether the hash of its text (or of its first caption) falls into the held-out share."""
    text = example.text or example.captions[0]
    digest = hashlib.blake2b(text.encode("utf-8", "replace"), digest_size=8).digest()
    return int.from_bytes(digest, "big") < share * 2**64


def bucket_size(width: int, height: int, unit: int, configuration: DataConfiguration) -> Size:
    """(width, height) of the bucket for a picture, multiples of ``unit`` (codec times patch).

    (0, 0) for a picture smaller than one unit, or one of no listed size.
    """
    if configuration.resolution:
        ratio = min(configuration.aspect_ratios, key=lambda one: abs(np.log(one * height / width)))
        side = configuration.resolution
        width, height = round(side * ratio**0.5), round(side / ratio**0.5)
        size = (max(unit, round(width / unit) * unit), max(unit, round(height / unit) * unit))
    else:
        size = (width // unit * unit, height // unit * unit)
    listed = configuration.sizes
    if 0 in size or (listed and f"{size[0]}x{size[1]}" not in listed):
        return 0, 0
    return size


def read(
    pattern: str, unit: int, configuration: DataConfiguration, skipped: Counter[str]
) -> Iterator[tuple[Example, Pixels]]:
    """Examples with pixels (H, W, 3) uint8 of every shard that matches, in order of path.

    ``unit`` is the side of an image token in pixels: sizes are multiples of it. Rows that cannot
    be used are counted in ``skipped``. Raises ``UsageError``, ``shard.ShardError``, ``OSError``.
    """
    files = [entry.path for entry in storage.list_files(pattern) if entry.path.endswith(".parquet")]
    if not files:
        raise UsageError(f"--data {pattern}: no .parquet file matches; expected shards")
    columns = ["id", "image", "width", "height", "text_boxes", *configuration.captions]
    for path in files:
        for batch in shard.read(path, columns):
            for row in batch.to_pylist():
                example = _example(row, configuration)
                size = bucket_size(row["width"] or 0, row["height"] or 0, unit, configuration)
                if not example.captions:
                    skipped["without a caption"] += 1
                elif not all(size):
                    skipped["of another size"] += 1
                elif (pixels := _decode(row["image"]["bytes"], size, configuration)) is None:
                    skipped["unreadable"] += 1
                elif size == (row["width"], row["height"]):
                    yield example, pixels
                else:
                    yield replace(example, glyphs=()), pixels  # boxes no longer fit


def _example(row: dict[str, Any], configuration: DataConfiguration) -> Example:
    captions = tuple(
        caption["text"] for name in configuration.captions for caption in row[name] or ()
    )
    boxes = row["text_boxes"] or []
    glyphs = tuple(
        Glyph(box["text"], _box(box["quad"])) for box in boxes if box["level"] == "glyph"
    )
    text = "\n".join(box["text"] for box in boxes if box["level"] == "line")
    return Example(row["id"], tuple(text for text in captions if text), text, glyphs)


def _box(quad: list[float]) -> tuple[float, float, float, float]:
    across, down = quad[0::2], quad[1::2]
    return min(across), min(down), max(across), max(down)


def _decode(data: bytes, size: Size, configuration: DataConfiguration) -> Pixels | None:
    """(H, W, 3) RGB of exactly ``size``, cropped to its middle; None if unreadable.

    At native resolution it is only cropped: scaling would blur small text.
    """
    try:
        image = Image.open(BytesIO(data), formats=_FORMATS)
        upright = ImageOps.exif_transpose(image).convert("RGB")
    except (*_UNREADABLE, Image.DecompressionBombError):
        return None
    if configuration.resolution:
        upright = ImageOps.fit(upright, size, Image.Resampling.LANCZOS)
    left, top = (upright.width - size[0]) // 2, (upright.height - size[1]) // 2
    if min(left, top) < 0:
        return None  # smaller than its row says
    return np.array(upright.crop((left, top, left + size[0], top + size[1])), np.uint8)
