"""Building blocks for picture files that no camera ever wrote. Needs Pillow and numpy only."""

import io
import struct
import zlib
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

Array = NDArray[np.uint8]
WIDTH, HEIGHT = 96, 64  # quarters of whole 16-pixel blocks: JPEG keeps them flat


def upright() -> Array:
    """(64, 96, 3) uint8: four quarters of four colours, so that no turn maps it onto itself."""
    pixels = np.empty((HEIGHT, WIDTH, 3), np.uint8)
    pixels[:32, :48], pixels[:32, 48:] = (200, 30, 40), (40, 180, 60)
    pixels[32:, :48], pixels[32:, 48:] = (30, 60, 200), (240, 220, 90)
    return pixels


def photo() -> Array:
    """(64, 96, 3) uint8 with detail everywhere: waves and seeded noise."""
    y, x = np.mgrid[:HEIGHT, :WIDTH]
    waves = np.stack([np.sin(x / 7) * np.cos(y / period) for period in (5, 6, 7)], axis=2)
    noise = np.random.default_rng(7).normal(0, 20, (HEIGHT, WIDTH, 3))
    return np.clip(128 + 60 * waves + noise, 0, 255).astype(np.uint8)


def saved(pixels: Array | Image.Image, kind: str, **options: Any) -> bytes:
    """``pixels`` written by Pillow."""
    image = pixels if isinstance(pixels, Image.Image) else Image.fromarray(pixels)
    file = io.BytesIO()
    image.save(file, kind, **options)
    return file.getvalue()


def chunk(kind: bytes, body: bytes) -> bytes:
    """A PNG chunk with its checksum."""
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))


def png(rows: bytes, *, size: tuple[int, int] = (WIDTH, HEIGHT), depth: int = 8, colour: int = 2,
        interlace: int = 0, before: bytes = b"", after: bytes = b"") -> bytes:  # fmt: skip
    """A PNG from an unpacked stream of rows (each with its filter byte) and extra chunks."""
    header = struct.pack(">IIBBBBB", *size, depth, colour, 0, 0, interlace)
    packed = chunk(b"IDAT", zlib.compress(rows))
    start = b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header)
    return start + before + packed + after + chunk(b"IEND", b"")


def rows(pixels: NDArray[Any]) -> bytes:
    """The PNG row stream of an array, every row unfiltered."""
    return b"".join(b"\0" + row.tobytes() for row in pixels)


def exif_block(*entries: tuple[int, int, int, bytes], tail: bytes = b"") -> bytes:
    """A little-endian EXIF block of (tag, type, count, 4 value bytes) entries."""
    body = b"".join(
        struct.pack("<HHI", tag, kind, count) + raw for tag, kind, count, raw in entries
    )
    head = b"II*\0\x08\0\0\0" + struct.pack("<H", len(entries))
    return b"Exif\0\0" + head + body + b"\0\0\0\0" + tail


def orientation_block(value: int) -> bytes:
    """An EXIF block that says nothing but the orientation."""
    return exif_block((0x0112, 3, 1, struct.pack("<HH", value, 0)))


def with_segment(data: bytes, marker: int, body: bytes) -> bytes:
    """A JPEG with a segment put in front of all others."""
    return data[:2] + struct.pack(">BBH", 0xFF, marker, len(body) + 2) + body + data[2:]


def bmp_header(width: int, height: int, bits: int, compression: int, colours: int = 0) -> bytes:
    """The two headers of a BMP; the palette and the pixels follow."""
    info = struct.pack("<IiiHHIIiiII", 40, width, height, 1, bits, compression, 0, 0, 0, colours, 0)
    return b"BM" + struct.pack("<IHHI", 0, 0, 0, 54 + 4 * colours) + info


def animation(kind: str, **options: Any) -> bytes:
    """Three frames, of which ``upright`` is the first."""
    frames = [Image.fromarray(upright()), Image.fromarray(photo()), Image.fromarray(photo()[::-1])]
    return saved(frames[0], kind, save_all=True, append_images=frames[1:], duration=40, **options)


def adam7(pixels: Array) -> bytes:
    """The row stream of an interlaced PNG, which Pillow cannot write."""
    grid = ((0, 0, 8, 8), (4, 0, 8, 8), (0, 4, 4, 8), (2, 0, 4, 4), (0, 2, 2, 4), (1, 0, 2, 2))
    parts = (pixels[top::down, left::across] for left, top, across, down in (*grid, (0, 1, 1, 2)))
    return b"".join(rows(part) for part in parts)
