"""Ink on a background, with Skia on a numpy surface; PNG with OpenCV, the same bytes every time."""

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
import skia
from numpy.typing import NDArray

from synthesis.colours import RGB
from synthesis.fonts import Font

Pixels = NDArray[np.uint8]
PNG_COMPRESSION = 3  # zlib level; higher costs time and saves little on flat pictures
_STEPS = 4  # Skia places small glyphs on quarter pixels: we do so ourselves, so boxes stay true


@dataclass(frozen=True)
class Run:
    """Glyphs of one font at one size (pixels per em) and their origins (x, y) in pixels."""

    font: Font
    size: float
    glyphs: Sequence[int]
    origins: Sequence[tuple[float, float]]


def snapped(x: float, y: float) -> tuple[float, float]:
    """The origin as it will be drawn: x to a quarter pixel, y to a whole one."""
    return round(x * _STEPS) / _STEPS, float(round(y))


def solid(width: int, height: int, rgb: RGB) -> Pixels:
    """A (H, W, 4) uint8 RGBA canvas of one colour."""
    return np.full((height, width, 4), (*rgb, 255), np.uint8)


def shaded(width: int, height: int, near_end: RGB, far_end: RGB, direction: int) -> Pixels:
    """A (H, W, 4) uint8 RGBA canvas going evenly from one colour to another.

    ``direction``: 0 downwards, 1 to the right, 2 to the lower right corner.
    """
    if near_end == far_end:
        return solid(width, height, near_end)
    down = np.linspace(0, 1, height, dtype=np.float32)[:, None]
    right = np.linspace(0, 1, width, dtype=np.float32)[None, :]
    both = (down + 0 * right, right + 0 * down, (down + right) / 2)[direction]
    start, end = np.array((*near_end, 255), np.float32), np.array((*far_end, 255), np.float32)
    return np.asarray(np.rint(start + both[..., None] * (end - start)), np.uint8)


def draw(canvas: Pixels, runs: Sequence[Run], rgb: RGB) -> None:
    """Draw the runs in one ink onto a (H, W, 4) uint8 RGBA canvas, in place."""
    target = skia.Surface(canvas).getCanvas()
    paint = skia.Paint(Color=skia.Color(*rgb), AntiAlias=True)
    for run in runs:
        builder = skia.TextBlobBuilder()
        points = [skia.Point(*origin) for origin in run.origins]
        builder.allocRunPos(run.font.sized(run.size), list(run.glyphs), points)
        target.drawTextBlob(builder.make(), 0, 0, paint)


def encode(canvas: Pixels) -> bytes:
    """The canvas as an RGB PNG file."""
    colour = cv2.cvtColor(canvas, cv2.COLOR_RGBA2BGR)
    done, encoded = cv2.imencode(".png", colour, [cv2.IMWRITE_PNG_COMPRESSION, PNG_COMPRESSION])
    if not done:
        raise RuntimeError(f"OpenCV could not encode a {canvas.shape} picture as PNG")
    return bytes(encoded.tobytes())
