"""How much an edit changed: from nothing, as where source and target are the same, to all."""

import cv2
import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from curation.signals.pair import Pair, Pixels
from curation.signals.phash import phash
from curation.signals.signal import Column, signal

BLUR = 3  # pixels: what compression leaves is gone in the mean of so many each way
NOISE = 16  # levels: and what is left of it is less, down to JPEG quality 30


@signal(
    tier="pair",
    version=1,
    columns={
        "changed_share": Column(
            pa.float32(), "share 0 to 1", "pixels that differ from the input nearest to the result"
        ),
        "changed_levels": Column(
            pa.float32(), "levels 0 to 255", "by how much these differ on average"
        ),
        "phash_distance": Column(
            pa.int32(), "bits 0 to 64", "of the perceptual hash, to the input nearest in it"
        ),
    },
)
def pair_changes(pair: Pair) -> dict[str, object]:
    """What differs beyond the noise of compression, at ``pair.SIDE`` pixels."""
    result, inputs = pair.aligned
    every = [difference(result, of) for of in inputs]
    shares = [float((of > NOISE).mean()) for of in every]
    nearest = int(np.argmin(shares))
    changed = every[nearest][every[nearest] > NOISE]
    hashes = [phash.function(of)["phash"] for of in (pair.result, *pair.inputs)]
    return {
        "changed_share": shares[nearest],
        "changed_levels": float(changed.mean()) if changed.size else 0.0,
        "phash_distance": min((hashes[0] ^ of).bit_count() for of in hashes[1:]),
    }


def difference(first: Pixels, second: Pixels) -> NDArray[np.float32]:
    """(h, w) levels by which two RGB images of one size differ, in the channel that does most.

    Compared are means of ``BLUR`` pixels each way. What lies between the neighbours of a pixel in
    either image is no difference: resampling moves an edge by a part of a pixel.
    """
    means = [cv2.blur(image, (BLUR, BLUR)) for image in (first, second)]
    apart = (_beyond(*means), _beyond(*means[::-1]))
    return np.asarray(np.minimum(*apart).max(axis=2), np.float32)


def _beyond(image: Pixels, other: Pixels) -> NDArray[np.int16]:
    """By how many levels an image lies beyond all that is near in another: (h, w, 3)."""
    around = np.ones((3, 3), np.uint8)
    above = image.astype(np.int16) - cv2.dilate(other, around)
    below = cv2.erode(other, around).astype(np.int16) - image
    return np.asarray(np.maximum(0, np.maximum(above, below)), np.int16)
