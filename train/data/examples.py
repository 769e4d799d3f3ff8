"""A row of a shard as an example: its captions, the glyphs it shows, and pixels cut to a size.

Shapes: H W pixels.
"""

import hashlib
import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from PIL import Image, ImageOps

from curation.failures.errors import UsageError
from curation.picture import decoding, sizes
from curation.picture.decoding import PictureError
from curation.picture.sizes import Size
from train.configuration import DataConfiguration
from train.pixels import Pixels

_INSTRUCTION = "caption_instruction"
_MOST_CAPTIONS = 255  # of a split: an index counts them in a byte
_OVERSAMPLING = 2  # of an image that is scaled down: a decoder may reduce it to so much of its size


@dataclass(frozen=True)
class Glyph:
    """One character and its box in pixels: (left, top, right, bottom)."""

    text: str
    box: tuple[float, float, float, float]


class Caption(NamedTuple):
    """A caption in its language, empty where unknown."""

    text: str
    language: str


@dataclass(frozen=True)
class Example:
    """An image's words. ``captions`` are in the order of the splits asked for, of an edit sample
    its instructions; ``text`` is what the image shows (its lines joined), empty where unknown.
    """

    id: str
    captions: tuple[str, ...]
    text: str
    glyphs: tuple[Glyph, ...]


def caption_columns(configuration: DataConfiguration) -> list[str]:
    """The columns that ``captions`` looks at."""
    return [*configuration.splits, _INSTRUCTION]


def captions(
    row: Mapping[str, Any], configuration: DataConfiguration, stages: Iterable[str] | None = None
) -> list[list[Caption]]:
    """The captions of each split that say anything, in order, at most 255 of a split; last the
    instructions. An edit sample, which has instructions, has nothing but these here.

    ``stages``, where given, are those that a caption may have. One that was judged and passes no
    stage is left out; one that was not judged is taken.
    """
    instructions = _captions(row, _INSTRUCTION, configuration, stages)
    if instructions:
        return [*([] for _ in configuration.splits), instructions]
    return [*(_captions(row, name, configuration, stages) for name in configuration.splits), []]


def _captions(
    row: Mapping[str, Any],
    column: str,
    configuration: DataConfiguration,
    stages: Iterable[str] | None,
) -> list[Caption]:
    wanted = configuration.languages
    every = (
        Caption(each["text"], each.get("language") or "")
        for each in row.get(column) or ()
        if each["text"] and _is_wanted(each.get("stage"), stages)
    )
    return [each for each in every if not wanted or each.language in wanted][:_MOST_CAPTIONS]


def _is_wanted(stage: str | None, stages: Iterable[str] | None) -> bool:
    if stage is None or stages is None:
        return stage != ""
    return stage in stages


def shown_text(boxes: Iterable[Mapping[str, Any]] | None) -> str:
    """The lines that an image shows, joined."""
    return "\n".join(box["text"] for box in boxes or () if box["level"] == "line")


def is_held_out(text: str, share: float) -> bool:
    """Whether the hash of what an image shows (or of its first caption) is in the share."""
    digest = hashlib.blake2b(text.encode("utf-8", "replace"), digest_size=8).digest()
    return int.from_bytes(digest, "big") < share * 2**64


def read(
    row: Mapping[str, Any],
    size: Size,
    configuration: DataConfiguration,
    stages: Iterable[str] | None = None,
) -> Example:
    """The words of a row whose image is trained on at ``size``; ``stages`` as for captions.

    Boxes fit the image as it was rendered: they are scaled where the aspect ratio stays, else left
    out.
    """
    texts = tuple(each.text for split in captions(row, configuration, stages) for each in split)
    native = (row["width"] or 0, row["height"] or 0)
    boxes = row.get("text_boxes") or []
    glyphs: tuple[Glyph, ...] = ()
    if native == size or (_scales(configuration) and native[0] * size[1] == native[1] * size[0]):
        scale = size[0] / native[0]
        glyphs = tuple(
            Glyph(box["text"], _box(box["quad"], scale)) for box in boxes if box["level"] == "glyph"
        )
    return Example(row["id"], texts, shown_text(boxes), glyphs)


def _box(quad: list[float], scale: float) -> tuple[float, float, float, float]:
    across, down = [scale * x for x in quad[0::2]], [scale * y for y in quad[1::2]]
    return min(across), min(down), max(across), max(down)


def target_size(width: int, height: int, unit: int, configuration: DataConfiguration) -> Size:
    """(width, height) that an image is trained at, multiples of ``unit`` (autoencoder times patch).

    (0, 0) for an image smaller than one unit, or one of no listed size. Raises ``UsageError`` for
    a listed size that is no multiple.
    """
    listed = configuration.sizes
    if not (width and height):
        return 0, 0
    if configuration.resize and listed and not configuration.resolutions:
        return _nearest((width, height), tuple(_listed(name, unit) for name in listed))
    if configuration.resolutions:
        ratios = tuple(across / down for across, down in sizes.RATIOS)
        ratio = sizes.nearest((width, height), ratios)
        classes = [sizes.of_ratio(side, ratio, unit) for side in configuration.resolutions]
        filled = [of for of in classes if of[0] <= width and of[1] <= height]
        size = filled[-1] if filled else classes[0]
    else:
        size = (width // unit * unit, height // unit * unit)
    if 0 in size or (listed and f"{size[0]}x{size[1]}" not in listed):
        return 0, 0
    return size


def _scales(configuration: DataConfiguration) -> bool:
    """Whether images are scaled, and not only cropped."""
    return bool(configuration.resolutions or (configuration.resize and configuration.sizes))


def _nearest(size: Size, targets: tuple[Size, ...]) -> Size:
    ratio = sizes.nearest(size, tuple(width / height for width, height in targets))
    return next(target for target in targets if target[0] / target[1] == ratio)


def _listed(name: str, unit: int) -> Size:
    width, height = sizes.parse(name) or (0, 0)
    if width % unit or height % unit:
        raise UsageError(f"data.sizes: {name}: expected multiples of {unit} pixels, a token's side")
    return width, height


def decode(row: Mapping[str, Any], size: Size, configuration: DataConfiguration) -> Pixels:
    """(H, W, 3) RGB of exactly ``size``, cropped to its middle. Raises ``PictureError``.

    An image that has the size already is taken as it is, and at native resolution it is only
    cropped: scaling would blur small text.
    """
    return _decoded(row["image"], (row["width"], row["height"]), size, configuration)


def decode_inputs(
    row: Mapping[str, Any], size: Size, unit: int, configuration: DataConfiguration
) -> tuple[Pixels, ...]:
    """The inputs of an edit sample that is trained on at ``size``, (H, W, 3) each.

    One of the size of the result is cut as that is, so that both lie upon each other; any other is
    of the size that it would have by itself. Raises ``PictureError``, also for one that is too
    small.
    """
    cut: list[Pixels] = []
    for number, image in enumerate(row["inputs"] or (), 1):
        data = image["bytes"] or b""
        native = _upright(data)
        alike = native == (row["width"], row["height"])
        own = size if alike else target_size(*native, unit, configuration)
        if not all(own):
            detail = f"input {number}: {native[0]}x{native[1]} px, no token"
            raise PictureError("unsupported", detail)
        cut.append(_decoded(image, native, own, configuration))
    if not cut:
        raise PictureError("empty", "an instruction without inputs")
    return tuple(cut)


def _upright(data: bytes) -> Size:
    header = decoding.read_header(data)
    return header.width, header.height


def _decoded(
    image: Mapping[str, Any] | None, native: Size, size: Size, configuration: DataConfiguration
) -> Pixels:
    data = (image or {}).get("bytes") or b""
    if not _scales(configuration):
        return _cropped(decoding.decode(data, None).rgb, size)
    rgb = decoding.decode(data, _short_side(native, size)).rgb
    if size == rgb.shape[1::-1]:
        return np.array(rgb)
    return np.array(ImageOps.fit(Image.fromarray(rgb), size, Image.Resampling.LANCZOS))


def _cropped(rgb: Pixels, size: Size) -> Pixels:
    height, width = rgb.shape[:2]
    left, top = (width - size[0]) // 2, (height - size[1]) // 2
    if min(left, top) < 0:
        raise PictureError("corrupt", f"{width}x{height} px, less than its row says")
    return np.array(rgb[top : top + size[1], left : left + size[0]])


def _short_side(native: Size, size: Size) -> int | None:
    """To how many pixels a decoder may reduce the short side, None where to none."""
    reduction = min(native[0] / size[0], native[1] / size[1]) / _OVERSAMPLING
    return math.ceil(min(native) / reduction) if reduction >= 2 else None
