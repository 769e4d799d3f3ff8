"""Rows of shards -> examples: words, boxes, and pixels cut to the size of their bucket.

Shapes: H W pixels of the bucket.
"""

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageOps

from curation import shard, storage
from curation.failures.errors import UsageError
from curation.picture import decoding, sizes
from curation.picture.decoding import PictureError
from curation.picture.sizes import Size
from train.configuration import DataConfiguration
from train.skipped import Skipped, Unreadable

Pixels = NDArray[np.uint8]


@dataclass(frozen=True)
class Glyph:
    """One character and its box in pixels: (left, top, right, bottom)."""

    text: str
    box: tuple[float, float, float, float]


@dataclass(frozen=True)
class Example:
    """A picture's words. ``text`` is what it shows (its lines joined), empty where unknown;
    ``languages`` are those of its captions, where known.
    """

    id: str
    captions: tuple[str, ...]
    text: str
    glyphs: tuple[Glyph, ...]
    languages: frozenset[str] = frozenset()


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
        ratio = sizes.nearest((width, height), configuration.aspect_ratios)
        size = sizes.of_ratio(configuration.resolution, ratio, unit)
    else:
        size = (width // unit * unit, height // unit * unit)
    listed = configuration.sizes
    if 0 in size or (listed and f"{size[0]}x{size[1]}" not in listed):
        return 0, 0
    return size


def read(
    pattern: str, unit: int, configuration: DataConfiguration, skipped: Skipped
) -> Iterator[tuple[Example, Pixels]]:
    """Examples with pixels (H, W, 3) uint8 of every shard that matches, in order of path.

    ``unit`` is the side of an image token in pixels: sizes are multiples of it. Rows that cannot
    be used are noted in ``skipped``, the same for the same shards. Raises ``UsageError``,
    ``shard.ShardError``, ``OSError``, ``MemoryError``.
    """
    files = [entry.path for entry in storage.list_files(pattern) if entry.path.endswith(".parquet")]
    if not files:
        raise UsageError(
            f"--data {pattern}: no .parquet file matches; expected shards, as"
            " `python -m synthesis.render` and `beam run` write them"
        )
    columns = ["id", "key", "image", "width", "height", "text_boxes", *configuration.captions]
    for path in files:
        for batch in shard.read(path, columns):
            for row in batch.to_pylist():
                example = _example(row, configuration)
                native = (row["width"] or 0, row["height"] or 0)
                size = bucket_size(*native, unit, configuration)
                if not example.captions:
                    skipped.caption()
                    continue
                if not all(size):
                    skipped.size(native)
                    continue
                try:
                    pixels = _decode(row["image"], size, configuration)
                except PictureError as error:
                    if error.reason == "memory":  # else what is trained on would be left to chance
                        raise MemoryError(f"{path}: {row['key']}: {error.detail}") from error
                    name = path.rsplit("/", 1)[-1]
                    skipped.picture(Unreadable(name, row["key"], error.reason, error.detail))
                    continue
                # boxes fit the picture as it was rendered only
                yield example if size == native else replace(example, glyphs=()), pixels


def _example(row: dict[str, Any], configuration: DataConfiguration) -> Example:
    captions = [caption for name in configuration.captions for caption in row[name] or ()]
    captions = [caption for caption in captions if caption["text"]]
    languages = frozenset(caption["language"] for caption in captions if caption["language"])
    boxes = row["text_boxes"] or []
    glyphs = tuple(
        Glyph(box["text"], _box(box["quad"])) for box in boxes if box["level"] == "glyph"
    )
    text = "\n".join(box["text"] for box in boxes if box["level"] == "line")
    texts = tuple(caption["text"] for caption in captions)
    return Example(row["id"], texts, text, glyphs, languages)


def _box(quad: list[float]) -> tuple[float, float, float, float]:
    across, down = quad[0::2], quad[1::2]
    return min(across), min(down), max(across), max(down)


def _decode(stored: dict[str, Any] | None, size: Size, configuration: DataConfiguration) -> Pixels:
    """(H, W, 3) RGB of exactly ``size``, cropped to its middle. Raises ``PictureError``.

    A picture that has the size already is taken as it is, and at native resolution it is only
    cropped: scaling would blur small text.
    """
    rgb = decoding.decode((stored or {}).get("bytes") or b"", None).rgb
    height, width = rgb.shape[:2]
    if configuration.resolution and size != (width, height):
        return np.array(ImageOps.fit(Image.fromarray(rgb), size, Image.Resampling.LANCZOS))
    left, top = (width - size[0]) // 2, (height - size[1]) // 2
    if min(left, top) < 0:
        raise PictureError("corrupt", f"{width}x{height} px, less than its row says")
    return np.array(rgb[top : top + size[1], left : left + size[0]])
