"""Pixels as small images in the page."""

import base64
from dataclasses import dataclass
from io import BytesIO

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image as Pillow

LONG_SIDE = 160
QUALITY, METHOD = 72, 2  # WebP's slower methods save 4 % of the bytes at twice the cost


@dataclass(frozen=True)
class Image:
    """A ``data:`` URI, and the size in pixels."""

    source: str
    width: int
    height: int


def encoded(rgb: NDArray[np.uint8]) -> Image:
    """The image, (H, W, 3) RGB, its longer side at most ``LONG_SIDE``."""
    data, width, height = webp(rgb, LONG_SIDE)
    text = base64.b64encode(data).decode("ascii")
    return Image(f"data:image/webp;base64,{text}", width, height)


def webp(rgb: NDArray[np.uint8], long_side: int) -> tuple[bytes, int, int]:
    """A WebP file of the image, its longer side at most so many pixels, and its size in pixels."""
    small = _reduced(rgb, long_side)
    stream = BytesIO()
    Pillow.fromarray(small).save(stream, "WEBP", quality=QUALITY, method=METHOD)
    height, width = small.shape[:2]
    return stream.getvalue(), width, height


def _reduced(rgb: NDArray[np.uint8], long_side: int) -> NDArray[np.uint8]:
    height, width = rgb.shape[:2]
    scale = long_side / max(height, width)
    if scale >= 1:
        return rgb
    size = (max(1, round(width * scale)), max(1, round(height * scale)))
    return np.asarray(cv2.resize(rgb, size, interpolation=cv2.INTER_AREA), np.uint8)
