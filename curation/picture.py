"""The one place where a stranger's bytes become pixels.

A header gate first (format allow-list, size, bomb), then a decode that either succeeds whole or
raises ``PictureError`` with a reason. Everything later works on ``Picture``, never on bytes.
"""

from dataclasses import dataclass, field
from functools import cached_property
from io import BytesIO

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import ExifTags, Image, ImageOps

Image.MAX_IMAGE_PIXELS = None  # our own cap below decides, before any pixel is allocated
FORMATS = ("JPEG", "PNG", "WEBP", "GIF", "TIFF", "BMP")
PIXEL_CAP = 178_956_970
SMALL_SIDE = 256


class PictureError(Exception):
    """A file that is not a whole, safe picture; ``reason`` is a short stable code."""

    def __init__(self, reason: str, detail: str = "") -> None:
        super().__init__(f"{reason}: {detail}" if detail else reason)
        self.reason = reason
        self.detail = detail


@dataclass(frozen=True)
class Header:
    """What the header says without decoding a pixel.

    ``width`` and ``height`` are in pixels of the UPRIGHT picture (after EXIF orientation);
    ``orientation`` is the EXIF tag 1..8 (1: as stored); ``size`` is the file's length in bytes.
    """

    format: str
    mode: str
    width: int
    height: int
    orientation: int
    frames: int
    size: int


@dataclass(frozen=True)
class Picture:
    """A decoded upright picture.

    ``rgb`` is (H, W, 3) uint8, possibly reduced; ``header`` keeps the original's size.
    """

    header: Header
    rgb: NDArray[np.uint8] = field(repr=False)

    @cached_property
    def small(self) -> NDArray[np.uint8]:
        """(h, w, 3) uint8 RGB with the short side at most ``SMALL_SIDE``, area-averaged."""
        height, width = self.rgb.shape[:2]
        scale = SMALL_SIDE / min(height, width)
        if scale >= 1:
            return self.rgb
        size = (max(1, round(width * scale)), max(1, round(height * scale)))
        return np.asarray(cv2.resize(self.rgb, size, interpolation=cv2.INTER_AREA), np.uint8)

    @cached_property
    def grey(self) -> NDArray[np.uint8]:
        """(h, w) uint8 luma (BT.601) of ``small``."""
        return np.asarray(cv2.cvtColor(self.small, cv2.COLOR_RGB2GRAY), np.uint8)


def read_header(data: bytes) -> Header:
    """Read and check the header. Raises ``PictureError``."""
    return _open(data)[1]


def decode(data: bytes, short_side: int | None = SMALL_SIDE) -> Picture:
    """Decode to upright RGB; JPEG at reduced DCT scale with its short side still >= ``short_side``.

    ``None`` decodes at full size. Raises ``PictureError``.
    """
    image, header = _open(data)
    try:
        if short_side is not None and header.format == "JPEG":
            image.draft("RGB", _draft_size(image.size, short_side))
        upright = ImageOps.exif_transpose(image).convert("RGB")
    except Exception as error:
        raise PictureError("corrupt", f"{type(error).__name__}: {error}") from error
    return Picture(header, np.asarray(upright, np.uint8))


def _draft_size(size: tuple[int, int], short_side: int) -> tuple[int, int]:
    scale = short_side / min(size)
    return max(1, int(size[0] * scale)), max(1, int(size[1] * scale))


def _open(data: bytes) -> tuple[Image.Image, Header]:
    if not data:
        raise PictureError("empty")
    try:
        image = Image.open(BytesIO(data), formats=FORMATS)
        orientation = int(image.getexif().get(ExifTags.Base.Orientation, 1))
    except Exception as error:
        raise PictureError("unreadable", f"{type(error).__name__}: {error}") from error
    if image.width * image.height > PIXEL_CAP:
        raise PictureError("bomb", f"{image.width}x{image.height}")
    width, height = image.size
    if orientation >= 5:
        width, height = height, width
    frames = int(getattr(image, "n_frames", 1))
    header = Header(str(image.format), image.mode, width, height, orientation, frames, len(data))
    return image, header
