"""How alike two images are: PSNR, SSIM, and by how many pixels they are off.

Shapes: H W pixels; RGB bytes; a mask (H, W) is true where pixels count.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

Bytes = NDArray[np.uint8]
Mask = NDArray[np.bool_]

MOST = 100.0  # dB: what the same bytes have
_FINE = 3.0  # pixels: detail that is finer than this is what a shift is seen by
_FEATHER = 2.0  # pixels
_LEAST_CONTRAST = 1.0  # levels of that detail, without which no shift can be told
_KERNEL = 5
_WINDOW, _WINDOW_SIGMA = 11, 1.5  # pixels


def decibels(mean_square: float) -> float:
    """The PSNR of a mean squared error of values from 0 to 1; at most 100 dB."""
    return float(-10 * np.log10(max(mean_square, 10 ** (-MOST / 10))))


def psnr(image: Bytes, truth: Bytes, mask: Mask | None = None) -> float:
    """In dB, over the pixels of the mask, of images (H, W, 3). Raises ``ValueError`` for none."""
    errors = np.square((image.astype(np.float32) - truth) / 255).mean(2)
    counted = errors if mask is None else errors[mask]
    if not counted.size:
        raise ValueError("no pixels")
    return decibels(float(counted.mean(dtype=np.float64)))


def shift(image: Bytes, truth: Bytes, mask: Mask) -> float | None:
    """By how many pixels what is under the mask moved, by phase correlation of fine detail; None
    where there is too little detail to tell.
    """
    import cv2

    near = cv2.erode(mask.astype(np.uint8), np.ones((_KERNEL, _KERNEL), np.uint8))
    window = cv2.GaussianBlur(near.astype(np.float32), (0, 0), _FEATHER) * near
    sides = [_detail(cv2, each) * window for each in (image, truth)]
    if min(float(each.std()) for each in sides) < _LEAST_CONTRAST:
        return None
    taper = cv2.createHanningWindow(mask.shape[::-1], cv2.CV_32F)
    room = [(0, _even(cv2, side) - side) for side in mask.shape]
    (across, down), _ = cv2.phaseCorrelate(*(np.pad(each * taper, room) for each in sides))
    return float(np.hypot(across, down))


def _even(cv2: Any, side: int) -> int:
    """A good size for a Fourier transform; OpenCV pads to odd ones, too, and is then off by half a
    pixel.
    """
    size = int(cv2.getOptimalDFTSize(side))
    while size % 2:
        size = int(cv2.getOptimalDFTSize(size + 1))
    return size


def _detail(cv2: Any, image: Bytes) -> NDArray[np.float32]:
    grey = cv2.cvtColor(image, cv2.COLOR_RGB2GRAY).astype(np.float32)
    detail: NDArray[np.float32] = grey - cv2.GaussianBlur(grey, (0, 0), _FINE)
    return detail


def ssim(image: Bytes, truth: Bytes) -> float:
    """The structural similarity of images (H, W, 3), -1 to 1, as Wang et al. (2004) define it.

    Windows of 11x11 pixels, Gaussian with a standard deviation of 1.5, K1 0.01 and K2 0.03; the
    mean over the windows that lie inside and over the channels. Raises ``ValueError`` for images of
    two sizes or below 11 pixels.
    """
    import cv2

    if image.shape != truth.shape or min(image.shape[:2]) < _WINDOW:
        raise ValueError(f"{image.shape} and {truth.shape}: expected a size, from {_WINDOW} pixels")

    def local(values: NDArray[np.float64]) -> NDArray[np.float64]:
        blurred = cv2.GaussianBlur(values, (_WINDOW, _WINDOW), _WINDOW_SIGMA)
        edge = _WINDOW // 2
        return np.asarray(blurred[edge:-edge, edge:-edge], np.float64)

    first, second = image.astype(np.float64), truth.astype(np.float64)
    mean, other = local(first), local(second)
    variances = local(first**2) - mean**2 + local(second**2) - other**2
    covariance = local(first * second) - mean * other
    c1, c2 = (0.01 * 255) ** 2, (0.03 * 255) ** 2
    part = (2 * mean * other + c1) / (mean**2 + other**2 + c1)
    return float((part * (2 * covariance + c2) / (variances + c2)).mean())
