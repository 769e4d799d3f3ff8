"""Too little in the image: solid colours, gradients, washed-out greys.

The entropy of grey levels calls a page of text poor (two levels) and an empty gradient rich (all
levels). Here it is taken of the CHANGES of lightness between pixels some distance apart: text
changes often and by much, a gradient never by enough. Lightness is logarithmic, so that a dark
image, whose changes are small but so is its light, is not called empty.
"""

import cv2
import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from curation.picture import histogram
from curation.picture.decoding import Picture
from curation.picture.histogram import Plane
from curation.signals.signal import Column, signal

KNEE = 32  # luma level around which lightness turns from linear to logarithmic
STEP = 24  # of 255 lightness levels; smaller changes count as none
EVERY = 2  # rows: a sample is enough
DISTANCE = 32  # of these make up the short side
STEPS = np.arange(256) // STEP
LIGHTNESS = np.round(255 * np.log1p(np.arange(256) / KNEE) / np.log1p(255 / KNEE)).astype(np.uint8)


@signal(
    tier="pixel",
    version=1,
    columns={
        "entropy": Column(
            pa.float32(),
            "bits, 0 to 3.5",
            "entropy of lightness changes over 1/32 of the short side",
        )
    },
)
def entropy(picture: Picture) -> dict[str, float]:
    """Entropy of the size of lightness changes, across and down; 0 for an empty image."""
    by = max(1, round(min(picture.grey.shape) / DISTANCE))
    light = _lightness(picture.grey[::EVERY])
    below = _lightness(picture.grey[by::EVERY]) if by % EVERY else light[by // EVERY :]
    changes = _changes(light[:, by:], light[:, :-by])
    changes += _changes(below, light[: len(below)])
    steps = np.bincount(STEPS, weights=changes).astype(np.int64)
    return {"entropy": histogram.entropy(steps)}


def _lightness(grey: Plane) -> Plane:
    return np.asarray(cv2.LUT(grey, LIGHTNESS), np.uint8) if grey.size else grey


def _changes(first: Plane, second: Plane) -> NDArray[np.int64]:
    """How often each absolute difference occurs: (256,); none in an image one pixel wide."""
    if not first.size:
        return np.zeros(256, np.int64)
    return histogram.counts(np.asarray(cv2.absdiff(first, second), np.uint8))
