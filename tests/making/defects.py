"""Defects of pictures at a chosen strength, for tests and for calibrating thresholds.

Every function takes and gives (H, W, 3) uint8 RGB and depends on nothing but its arguments.
"""

from collections.abc import Callable

import cv2
import numpy as np
from numpy.typing import NDArray

RGB = NDArray[np.uint8]


def _bytes(values: NDArray[np.floating]) -> RGB:
    return np.clip(np.rint(values), 0, 255).astype(np.uint8)


def blurred(rgb: RGB, deviation: float) -> RGB:
    """Out of focus: a Gaussian of ``deviation`` pixels."""
    return np.asarray(cv2.GaussianBlur(rgb, (0, 0), deviation), np.uint8)


def shaken(rgb: RGB, length: float, degrees: float = 37) -> RGB:
    """Motion blur along a line of ``length`` pixels."""
    side = int(length) | 1
    line = np.zeros((side, side), np.float32)
    line[side // 2] = 1
    turn = cv2.getRotationMatrix2D(((side - 1) / 2, (side - 1) / 2), degrees, 1)
    kernel = cv2.warpAffine(line, turn, (side, side))
    return np.asarray(cv2.filter2D(rgb, -1, kernel / kernel.sum()), np.uint8)


def upscaled(rgb: RGB, factor: float) -> RGB:
    """Reduced by ``factor`` and enlarged again."""
    height, width = rgb.shape[:2]
    size = (max(1, round(width / factor)), max(1, round(height / factor)))
    tiny = cv2.resize(rgb, size, interpolation=cv2.INTER_AREA)
    return np.asarray(cv2.resize(tiny, (width, height), interpolation=cv2.INTER_CUBIC), np.uint8)


def darkened(rgb: RGB, gain: float) -> RGB:
    """Under-exposed: every channel times ``gain`` < 1."""
    return _bytes(rgb.astype(np.float32) * gain)


def brightened(rgb: RGB, gain: float) -> RGB:
    """Over-exposed: every channel times ``gain`` > 1, clipped."""
    return _bytes(rgb.astype(np.float32) * gain)


def lifted(rgb: RGB, offset: float) -> RGB:
    """Washed out: ``offset`` levels added to every channel, clipped."""
    return _bytes(rgb.astype(np.float32) + offset)


def saturated(rgb: RGB, factor: float) -> RGB:
    """Colours pushed away from their grey by ``factor``, clipped."""
    grey = cv2.cvtColor(rgb, cv2.COLOR_RGB2GRAY)[..., None].astype(np.float32)
    return _bytes(grey + factor * (rgb - grey))


def faded(rgb: RGB, contrast: float) -> RGB:
    """Contrast reduced to ``contrast`` (0..1) around the mean colour."""
    mean = rgb.mean(axis=(0, 1), dtype=np.float64)
    return _bytes(mean + contrast * (rgb - mean))


def posterised(rgb: RGB, levels: float) -> RGB:
    """``levels`` values per channel, from 0 to 255."""
    step = np.floor(rgb.astype(np.float32) * levels / 256)
    return _bytes(step * 255 / (levels - 1))


def noisy(rgb: RGB, deviation: float) -> RGB:
    """Independent Gaussian noise of ``deviation`` levels on every channel."""
    noise = np.random.default_rng(7).normal(0, deviation, rgb.shape)
    return _bytes(rgb + noise)


def emptied(rgb: RGB, share: float) -> RGB:
    """The lower ``share`` (0..1) of the picture painted in one colour."""
    painted = rgb.copy()
    top = round(rgb.shape[0] * (1 - share))
    painted[top:] = (200, 205, 210)
    return painted


DEFECTS: dict[str, Callable[[RGB, float], RGB]] = {
    function.__name__: function
    for function in (
        blurred,
        shaken,
        upscaled,
        darkened,
        brightened,
        lifted,
        saturated,
        faded,
        posterised,
        noisy,
        emptied,
    )
}
