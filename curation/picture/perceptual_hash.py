"""The 64-bit perceptual hash of a picture, by which images that look alike are told."""

import cv2
import numpy as np

from curation.picture.decoding import Picture
from curation.picture.histogram import Plane

SIDE = 32  # pixels hashed, squashed to a square
KEPT = 8  # lowest frequencies each way
NEGLIGIBLE = 0.05  # a coefficient this near zero is rounding, not image
MIRRORED = np.uint64(0x5555_5555_5555_5555)  # what mirroring turns: odd horizontal frequencies

POWERS = np.uint64(1) << np.arange(KEPT * KEPT, dtype=np.uint64)[::-1]


def of(picture: Picture) -> int:
    """Which of the 8 x 8 lowest DCT frequencies of the 32 x 32 grey image are positive, the first
    as the highest bit.

    Zauner, "Implementation and benchmarking of perceptual image hash functions", 2010, section
    3.2.1, with zero in place of the median: mirroring an image turns the signs of its odd
    horizontal frequencies, and nothing else, so that the hash of one is known from the other's.
    The first bit is the mean's: 1 unless the image is black.
    """
    lowest = cv2.dct(_squashed(picture.grey).astype(np.float32))[:KEPT, :KEPT]
    return int(POWERS[(lowest > NEGLIGIBLE).ravel()].sum(dtype=np.uint64))


def _squashed(grey: Plane) -> Plane:
    """Reduce to 32 x 32 by area; by halves first, which is faster (an odd row is dropped)."""
    while min(grey.shape) >= 4 * SIDE:
        height, width = grey.shape[0] // 2, grey.shape[1] // 2
        even = grey[: 2 * height, : 2 * width]
        grey = np.asarray(cv2.resize(even, (width, height), interpolation=cv2.INTER_AREA))
    return np.asarray(cv2.resize(grey, (SIDE, SIDE), interpolation=cv2.INTER_AREA), np.uint8)
