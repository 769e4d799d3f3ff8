"""Blur, noise and the blocks of a JPEG, taken away or put on: the same image but for its detail.

Each is tried on the clearer of the two images: what makes the other of it is what was done.
"""

from collections.abc import Iterable, Iterator, Sequence

import cv2
import numpy as np

from captioning.changes.change import Change
from captioning.changes.pixels import SAME, Pixels, apart, energy, is_same, mean_difference

DIFFERENT = 2.0  # levels of the mean: two JPEGs of an image differ by less
EXPLAINED = 0.4  # of the difference that may be left
SIGMAS = (0.7, 1.0, 1.4, 2.0, 2.8, 4.0, 5.6, 8.0)  # pixels, of a Gaussian
QUALITIES = (4, 5, 6, 7, 8, 9, 10, 12, 15, 18, 20, 25, 30, 40)  # of a JPEG
USUAL = (50, 65, 75, 85, 90)  # of those that lose detail, and nobody would call them poor
STORED = 0.7  # of the difference that is left at least by such a JPEG, where noise was taken away
OF_BLOCKS = 40.0  # levels of the mean of a window by which the blocks of a poor JPEG are off
SMOOTHED = 0.35  # of what was noise that may be left after a 5 x 5 mean: noise leaves a fifth
NOISY = 3.0  # levels of the mean over the channels: normal noise of 7 in each
UNEVEN = 3.0  # times the median of what pixels differ by around a place: noise is everywhere alike
OF_EDGES = 0.25  # correlation of the difference with edges: noise knows nothing of them


def cleared(before: Pixels, after: Pixels) -> Change | None:
    """What was done to the detail of an image; both are of a size, at that of the originals."""
    difference = mean_difference(before, after)
    if difference < DIFFERENT:
        return None
    sharper = _detail(after) > _detail(before)
    clear, dull = (after, before) if sharper else (before, after)
    blurred = _likest(clear, dull, _blurs(clear))
    left = mean_difference(blurred, dull)
    if left < EXPLAINED * difference and is_same(blurred, dull):
        return Change("deblur" if sharper else "blur")
    if is_same(before, after, OF_BLOCKS):
        blocky = _likest(after, before, _stored(after, QUALITIES))
        if mean_difference(blocky, before) < EXPLAINED * min(difference, left):
            return Change("decompress")
    if float(apart(before, after).max()) > 2 * SAME:
        return None
    noisy, clear = (after, before) if sharper else (before, after)
    stored = mean_difference(_likest(noisy, clear, _stored(noisy, USUAL)), clear)
    if stored < STORED * difference or not _is_noise(noisy, clear):
        return None
    return Change("noise" if sharper else "denoise")


def _detail(rgb: Pixels) -> float:
    grey = cv2.cvtColor(rgb, cv2.COLOR_RGB2GRAY)
    return float(np.abs(cv2.Laplacian(grey, cv2.CV_32F)).mean())


def _likest(rgb: Pixels, wanted: Pixels, tries: Iterable[Pixels]) -> Pixels:
    """Of an image and what was tried on it, what is likest to the one that is wanted."""
    return min((rgb, *tries), key=lambda of: mean_difference(of, wanted))


def _blurs(rgb: Pixels) -> Iterator[Pixels]:
    """The image, blurred."""
    for sigma in SIGMAS:
        yield np.asarray(cv2.GaussianBlur(rgb, (0, 0), sigma), np.uint8)


def _stored(rgb: Pixels, qualities: Sequence[int]) -> Iterator[Pixels]:
    """The image, stored as a JPEG of each quality."""
    bgr = cv2.cvtColor(rgb, cv2.COLOR_RGB2BGR)
    for quality in qualities:
        data = cv2.imencode(".jpg", bgr, [cv2.IMWRITE_JPEG_QUALITY, quality])[1]
        stored = cv2.cvtColor(cv2.imdecode(data, cv2.IMREAD_COLOR), cv2.COLOR_BGR2RGB)
        yield np.asarray(stored, np.uint8)


def _is_noise(noisy: Pixels, clear: Pixels) -> bool:
    """Whether the first is the second with noise: a difference that is of single pixels, cancels
    out and is no larger at edges.
    """
    difference = (noisy.astype(np.float32) - clear).mean(axis=2)
    size = float(np.abs(difference).mean())
    if size < NOISY or float(np.abs(cv2.blur(difference, (5, 5))).mean()) > SMOOTHED * size:
        return False
    grey = cv2.GaussianBlur(cv2.cvtColor(clear, cv2.COLOR_RGB2GRAY), (0, 0), 1.0)
    levels = energy(noisy, clear)
    if float(levels.max()) > UNEVEN * float(np.median(levels)):
        return False
    edges = cv2.blur(np.abs(cv2.Laplacian(grey, cv2.CV_32F)), (9, 9)).ravel()
    spread = cv2.blur(np.abs(difference), (9, 9)).ravel()
    if edges.std() < 1e-3 or spread.std() < 1e-3:
        return True
    return float(np.corrcoef(edges, spread)[0, 1]) <= OF_EDGES
