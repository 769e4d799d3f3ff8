"""Noise and other patterns without meaning: fine detail that is EVERYWHERE in the image.

The noise estimate of Immerkaer, "Fast noise variance estimation", CVIU 1996, section 2, block by
block, and then the blocks with the least of it: grass, fur and dense text also have fine detail,
but leave some of the image in peace; noise does not.
"""

import cv2
import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from curation.picture.decoding import Picture
from curation.picture.histogram import Plane
from curation.signals.signal import Column, signal

KERNEL = np.array([1, -2, 1], np.float32)  # separable; blind to constant and linear luma
PRECISION = 0.5  # stored units per unit of response: 8 bits then reach noise of 100 levels
BLOCK = 16  # pixels
QUANTILES = (0.02, 0.1, 0.5)  # over blocks, from the quietest on
LEAST = 0.125  # luma levels: keeps the ratio of images without any noise finite
DEVIATION = float(np.sqrt(np.pi / 2) / 6)  # mean of the absolute response -> standard deviation


@signal(
    tier="pixel",
    version=2,
    columns={
        "texture": Column(
            pa.float32(),
            "luma levels, 0 up",
            "standard deviation of noise in the quietest tenth of the image",
        ),
        "noise": Column(pa.float32(), "luma levels, 0 up", "the same in its quietest fiftieth"),
        "median_noise": Column(pa.float32(), "luma levels, 0 up", "the same in half of the image"),
        "mean_noise": Column(pa.float32(), "luma levels, 0 up", "the same over all of the image"),
        "quiet": Column(
            pa.float32(), "ratio, 0 to 1", "noise of the quietest tenth to that of all the image"
        ),
    },
)
def texture(picture: Picture) -> dict[str, float]:
    """Standard deviations of noise (of 255 levels) of blocks at 256 pixels, by quantiles."""
    response = cv2.sepFilter2D(picture.grey, cv2.CV_16S, KERNEL, KERNEL)
    strength = cv2.convertScaleAbs(response, alpha=PRECISION)
    means = np.sort(_block_means(np.asarray(strength, np.uint8))) / PRECISION * DEVIATION
    quietest, tenth, half = means[[int(share * (means.size - 1)) for share in QUANTILES]].tolist()
    mean = float(means.mean())
    return {
        "texture": tenth,
        "noise": quietest,
        "median_noise": half,
        "mean_noise": mean,
        "quiet": tenth / (mean + LEAST),
    }


def _block_means(plane: Plane) -> NDArray[np.float64]:
    """Means over whole blocks; what is left over at the right and below is ignored."""
    high, wide = (min(BLOCK, side) for side in plane.shape)
    rows, columns = plane.shape[0] // high, plane.shape[1] // wide
    tiled = plane[: rows * high, : columns * wide]
    bands = tiled.reshape(rows, high, columns * wide).sum(axis=1, dtype=np.uint16)
    sums = bands.reshape(rows * columns, wide).sum(axis=1, dtype=np.uint32)
    return np.asarray(sums / (high * wide), np.float64)
