"""How much an edit changed: from nothing, as where source and target are the same, to all."""

import cv2
import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from curation.signals.pair import Pair, Pixels, resized
from curation.signals.phash import phash
from curation.signals.signal import Column, signal

SIDE = 640  # pixels of the longer side at most, so that small letters are seen
SAME_SHAPE = 1.02  # aspect ratios up to which images are compared at the size of the smaller one
LEAST = 0.000025  # share that is changed where anything is: ten pixels of 640 x 640
BRIGHT, COLOURS = 4, 8  # pixels each way whose means of light and colours are compared
AROUND = 17  # pixels each way that share what compression does: more where there is more contrast
# Levels that JPEG quality 30 leaves in means of light and of colours, flat and by each of contrast
LIGHT_NOISE, LIGHT_OF_CONTRAST = 5.2, 0.195
COLOUR_NOISE, COLOUR_OF_CONTRAST = 8.3, 0.41
Mask = NDArray[np.bool_]


@signal(
    tier="pair",
    version=2,
    columns={
        "changed_share": Column(
            pa.float32(), "share 0 to 1", "pixels that differ from the input nearest to the result"
        ),
        "changed_levels": Column(
            pa.float32(), "levels 0 to 255", "by how much all differ from it; 0: the same pixels"
        ),
        "phash_distance": Column(
            pa.int32(), "bits 0 to 64", "of the perceptual hash, to the input nearest in it"
        ),
    },
)
def pair_changes(pair: Pair) -> dict[str, object]:
    """What differs beyond the noise of compression, and at all, at ``SIDE`` pixels or less."""
    masks = [changed(pair.result.rgb, of.rgb) for of in pair.inputs]
    shares = [float(mask.mean()) for mask in masks]
    nearest = int(np.argmin(shares))
    size = _size(pair.result.rgb)
    apart = cv2.absdiff(*(_at(of.rgb, size) for of in (pair.result, pair.inputs[nearest])))
    hashes = [phash.function(of)["phash"] for of in (pair.result, *pair.inputs)]
    return {
        "changed_share": shares[nearest],
        "changed_levels": float(np.mean(cv2.mean(apart)[:3])),
        "phash_distance": min((hashes[0] ^ of).bit_count() for of in hashes[1:]),
    }


def changed(result: Pixels, source: Pixels) -> Mask:
    """(h, w) where two RGB images differ by more than compression and resizing do there.

    The size is that of the result, its longer side at most ``SIDE``, or of a smaller source of the
    same shape: what was enlarged has lost no more than that.
    """
    size, other = _size(result), _size(source)
    if _aspect(other) / _aspect(size) < SAME_SHAPE > _aspect(size) / _aspect(other):
        size = min(size, other)
    first, second = (cv2.cvtColor(_at(of, size), cv2.COLOR_RGB2YCrCb) for of in (result, source))
    mask = _beyond(first[..., 0], second[..., 0], BRIGHT, LIGHT_NOISE, LIGHT_OF_CONTRAST)
    for channel in (1, 2):
        one_colour, same_colour = first[..., channel], second[..., channel]
        mask |= _beyond(one_colour, same_colour, COLOURS, COLOUR_NOISE, COLOUR_OF_CONTRAST)
    return mask


def _beyond(first: Pixels, second: Pixels, mean: int, noise: float, of_contrast: float) -> Mask:
    """Where means of a channel (h, w) differ by more than ``noise`` and a share of the contrast of
    that image that has less of it there.
    """
    means = [cv2.blur(of, (mean, mean)) for of in (first, second)]
    apart = cv2.absdiff(*means)
    if cv2.minMaxLoc(apart)[1] <= noise:
        return np.zeros(apart.shape, np.bool_)
    around = np.ones((AROUND, AROUND), np.uint8)
    contrast = cv2.min(*[cv2.morphologyEx(of, cv2.MORPH_GRADIENT, around) for of in means])
    return np.asarray(apart > noise + np.float32(of_contrast) * contrast)


def _size(rgb: Pixels) -> tuple[int, int]:
    """Width and height, the longer at most ``SIDE``."""
    height, width = rgb.shape[:2]
    scale = min(1.0, SIDE / max(height, width))
    return max(1, round(width * scale)), max(1, round(height * scale))


def _aspect(size: tuple[int, int]) -> float:
    return size[0] / size[1]


def _at(rgb: Pixels, size: tuple[int, int]) -> Pixels:
    return rgb if (rgb.shape[1], rgb.shape[0]) == size else resized(rgb, size)
