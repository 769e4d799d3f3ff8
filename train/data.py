"""Shards -> examples -> buckets of equal size, encoded once and held as latents.

Shapes: N examples of a bucket, C latent channels, h w latent cells, H W pixels.
"""

import hashlib
import struct
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from io import BytesIO
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image, ImageOps
from torch import Tensor

from curation import shard, storage
from train.codec import Codec, PatchPcaCodec
from train.configuration import CodecConfiguration, DataConfiguration
from train.problems import UsageError

_FORMATS = ("JPEG", "PNG", "WEBP", "GIF", "TIFF", "BMP")
_UNREADABLE = (OSError, ValueError, SyntaxError, TypeError, IndexError, struct.error)
_CHUNK = 4096  # pictures decoded before they are encoded; the patch PCA is fitted on the first
_ENCODE = 64  # pictures encoded at once

Size = tuple[int, int]


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


@dataclass
class Bucket:
    """Examples of one ``size`` (width, height) in pixels, with ``latents`` (N, C, h, w)."""

    size: Size
    examples: list[Example] = field(default_factory=list)
    latents: Tensor = field(default_factory=lambda: torch.empty(0))


@dataclass(frozen=True)
class Data:
    """What a run trains on and is judged by.

    ``buckets`` are the training examples, ``held_out`` those with unseen texts; both ordered by
    size and, inside, as in the shards. ``skipped`` counts rows by reason. ``digest`` identifies
    examples, split and order.
    """

    buckets: tuple[Bucket, ...]
    held_out: tuple[Bucket, ...]
    codec: Codec
    skipped: Counter[str]
    digest: str


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


Watcher = Callable[[Example, NDArray[np.uint8]], None]


def load(
    pattern: str,
    configuration: DataConfiguration,
    codec: CodecConfiguration,
    patch: int,
    *,
    stored: Codec | None = None,
    watch: Watcher | None = None,
) -> Data:
    """Read every shard that matches ``pattern``, in order of path, and encode its pictures.

    A ``patch_pca`` that is not ``stored`` is fitted on the first training pictures. ``watch`` is
    called with every training example and its pixels (H, W, 3). Raises ``UsageError`` where
    nothing is left to train on, ``shard.ShardError`` for a damaged shard.
    """
    ready = stored or codec.build()
    unit = (ready.factor if ready else codec.factor) * patch
    skipped: Counter[str] = Counter()
    buckets: dict[tuple[bool, Size], Bucket] = {}
    parts: dict[tuple[bool, Size], list[Tensor]] = {}
    digest = hashlib.blake2b(digest_size=16)
    held_bytes = 0
    for chunk in _chunks(_rows(pattern, unit, configuration, skipped)):
        kinds = [is_held_out(example, configuration.held_out) for example, _ in chunk]
        if ready is None:
            seen = [pixels for (_, pixels), held in zip(chunk, kinds, strict=True) if not held]
            ready = PatchPcaCodec.fit(
                [_scaled(pixels) for pixels in seen], codec.factor, codec.channels
            )
        for (example, pixels), held in zip(chunk, kinds, strict=True):
            digest.update(f"{example.id}:{held:d}:{example.captions}\n".encode("utf-8", "replace"))
            if watch and not held:
                watch(example, pixels)
        for key, examples, latents in _encode(chunk, kinds, ready):
            buckets.setdefault(key, Bucket(key[1])).examples.extend(examples)
            parts.setdefault(key, []).append(latents)
            held_bytes += latents.nbytes
        if held_bytes > configuration.memory_bytes:
            raise UsageError(
                f"data.memory_bytes is {configuration.memory_bytes:,}; the latents of {pattern}"
                " need more: raise it, or train on fewer shards"
            )
    for key, bucket in buckets.items():
        bucket.latents = torch.cat(parts[key])
    ordered = sorted(buckets.items(), key=lambda item: item[0])
    training = tuple(bucket for (held, _), bucket in ordered if not held)
    if ready is None or not training:
        told = ", ".join(f"{count} {why}" for why, count in skipped.items()) or "no rows"
        raise UsageError(f"--data {pattern}: nothing to train on ({told})")
    held_out = tuple(bucket for (held, _), bucket in ordered if held)
    return Data(training, held_out, ready, skipped, digest.hexdigest())


def _rows(
    pattern: str, unit: int, configuration: DataConfiguration, skipped: Counter[str]
) -> Iterator[tuple[Example, NDArray[np.uint8]]]:
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


def _decode(data: bytes, size: Size, configuration: DataConfiguration) -> NDArray[np.uint8] | None:
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


def _chunks(
    rows: Iterator[tuple[Example, NDArray[np.uint8]]],
) -> Iterator[list[tuple[Example, NDArray[np.uint8]]]]:
    chunk: list[tuple[Example, NDArray[np.uint8]]] = []
    for row in rows:
        chunk.append(row)
        if len(chunk) == _CHUNK:
            yield chunk
            chunk = []
    if chunk:
        yield chunk


def _encode(
    chunk: list[tuple[Example, NDArray[np.uint8]]], kinds: list[bool], codec: Codec
) -> Iterator[tuple[tuple[bool, Size], list[Example], Tensor]]:
    groups: dict[tuple[bool, Size], list[int]] = {}
    for place, ((_, pixels), held) in enumerate(zip(chunk, kinds, strict=True)):
        groups.setdefault((held, (pixels.shape[1], pixels.shape[0])), []).append(place)
    for key, places in groups.items():
        encoded = [
            codec.encode(torch.cat([_scaled(chunk[place][1]) for place in part])).float().cpu()
            for part in (
                places[start : start + _ENCODE] for start in range(0, len(places), _ENCODE)
            )
        ]
        yield key, [chunk[place][0] for place in places], torch.cat(encoded)


def _scaled(pixels: NDArray[np.uint8]) -> Tensor:
    """(H, W, 3) bytes -> (1, 3, H, W) in [-1, 1]."""
    return torch.from_numpy(pixels).permute(2, 0, 1)[None].float() / 127.5 - 1
