"""Whether two images are the same but for what storing them again alters."""

import cv2
import numpy as np
from numpy.typing import NDArray

Pixels = NDArray[np.uint8]
Field = NDArray[np.float32]
SIDE = 640  # pixels of the longer side at which images are compared
WINDOW = 7  # pixels: over so many the noise of JPEGs cancels out, and a word does not
ENERGY = 2.5  # times the bound of the mean that single pixels in a window may differ by
SAME = 12.0  # levels of the mean of a window, anywhere: less is the noise of two JPEGs


def small(rgb: Pixels, side: int = SIDE) -> Pixels:
    """(H, W, 3) with a longer side of at most so many pixels."""
    return resized(rgb, *_size(rgb, side))


def alike(before: Pixels, after: Pixels, side: int = SIDE) -> tuple[Pixels, Pixels]:
    """Both at the size of the smaller one, its longer side at most so many pixels."""
    least = min(before, after, key=lambda of: of.shape[0] * of.shape[1])
    size = _size(least, side)
    return resized(before, *size), resized(after, *size)


def _size(rgb: Pixels, side: int) -> tuple[int, int]:
    height, width = rgb.shape[:2]
    scale = min(1.0, side / max(height, width))
    return max(1, round(width * scale)), max(1, round(height * scale))


def resized(rgb: Pixels, width: int, height: int) -> Pixels:
    """(H, W, 3) at another size, by averaging where it is smaller."""
    if rgb.shape[:2] == (height, width):
        return rgb
    kind = cv2.INTER_AREA if width <= rgb.shape[1] else cv2.INTER_CUBIC
    return np.asarray(cv2.resize(rgb, (width, height), interpolation=kind), np.uint8)


def apart(before: Pixels, after: Pixels) -> Field:
    """How far two (H, W, 3) images of a size lie apart around each pixel: (H, W) levels, those of
    the colour channel that differs most. Noise of single pixels cancels out.
    """
    difference = before.astype(np.float32) - after
    mean = cv2.blur(difference, (WINDOW, WINDOW))
    return np.asarray(np.abs(mean).max(axis=2), np.float32)


def is_same(before: Pixels, after: Pixels, bound: float = SAME) -> bool:
    """Whether they lie nowhere further apart; letters with an outline, dark in light, cancel out as
    noise does, but are far more than that.
    """
    if before.shape != after.shape or float(apart(before, after).max()) > bound:
        return False
    return float(energy(before, after).max()) <= ENERGY * bound


def energy(before: Pixels, after: Pixels) -> Field:
    """How much single pixels differ around each pixel: (H, W) levels."""
    difference = cv2.absdiff(before, after).mean(axis=2, dtype=np.float32)
    return np.asarray(cv2.blur(difference, (WINDOW, WINDOW)), np.float32)


def mean_difference(before: Pixels, after: Pixels) -> float:
    """Levels, over all pixels and channels of two images of a size."""
    return float(np.mean(cv2.absdiff(before, after)))
