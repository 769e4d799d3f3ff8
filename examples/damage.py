"""What goes wrong in crawls, done to copies of good pictures. Every function is deterministic."""

import struct
import zlib
from collections.abc import Callable
from io import BytesIO

import numpy as np
from PIL import Image, ImageEnhance, ImageFilter

ORIENTATION = 0x0112


def jpeg(image: Image.Image, quality: int = 90, orientation: int | None = None) -> bytes:
    """The picture as JPEG bytes, with an EXIF orientation if given."""
    stream, exif = BytesIO(), Image.Exif()
    if orientation is not None:
        exif[ORIENTATION] = orientation
    image.convert("RGB").save(stream, "JPEG", quality=quality, exif=exif)
    return stream.getvalue()


def _noise(image: Image.Image) -> Image.Image:
    pixels = np.asarray(image.convert("RGB"), np.float32)
    grain = np.random.default_rng(0).normal(0, 90, pixels.shape)
    return Image.fromarray(np.clip(pixels + grain, 0, 255).astype(np.uint8))


def _tone(image: Image.Image, gain: float, offset: float) -> Image.Image:
    pixels = np.asarray(image.convert("RGB"), np.float32)
    return Image.fromarray(np.clip(pixels * gain + offset, 0, 255).astype(np.uint8))


def _resized(image: Image.Image, side: int) -> Image.Image:
    scale = side / min(image.size)
    return image.resize((round(image.width * scale), round(image.height * scale)))


def bomb() -> bytes:
    """A PNG of a few hundred bytes whose header promises 60,000 x 60,000 pixels."""
    header = struct.pack(">IIBBBBB", 60_000, 60_000, 8, 2, 0, 0, 0)
    chunks = [(b"IHDR", header), (b"IDAT", zlib.compress(bytes(4096))), (b"IEND", b"")]
    packed = b"".join(
        struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body))
        for name, body in chunks
    )
    return b"\x89PNG\r\n\x1a\n" + packed


DAMAGE: dict[str, Callable[[Image.Image], bytes]] = {
    "truncated": lambda image: jpeg(image)[: len(jpeg(image)) * 2 // 3],
    "emptied": lambda image: b"",
    "html": lambda image: b"<!DOCTYPE html><html><title>404 Not Found</title></html>",
    "re-encoded": lambda image: jpeg(image, quality=55),
    "resized": lambda image: jpeg(_resized(image, 260)),
    "thumbnail": lambda image: jpeg(_resized(image, 120)),
    "blurred": lambda image: jpeg(image.convert("RGB").filter(ImageFilter.GaussianBlur(12))),
    "darkened": lambda image: jpeg(_tone(image, 0.06, 0)),
    "blown-out": lambda image: jpeg(_tone(image, 2.2, 160)),
    "over-saturated": lambda image: jpeg(ImageEnhance.Color(image.convert("RGB")).enhance(9)),
    "flattened": lambda image: jpeg(_tone(image, 0.02, 120)),
    "noised": lambda image: jpeg(_noise(image), quality=95),
    "rotated": lambda image: jpeg(image, orientation=6),
    "mirrored": lambda image: jpeg(image, orientation=2),
    "bomb": lambda image: bomb(),
}
"""Kind of damage -> the damaged file's bytes; ``duplicated`` is the plain copy made beside them."""
