"""The perceptual hash as the package ``imagehash`` computes it."""

import imagehash
import numpy as np
from numpy.typing import NDArray
from PIL import Image


def phash(rgb: NDArray[np.uint8]) -> int:
    """The 64-bit hash of an (H, W, 3) image."""
    return int(str(imagehash.phash(Image.fromarray(rgb))), 16)
