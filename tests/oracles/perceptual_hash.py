"""The perceptual hash by its definition, reduced by Pillow and transformed by scipy."""

import numpy as np
import scipy.fft
from numpy.typing import NDArray
from PIL import Image


def phash(rgb: NDArray[np.uint8]) -> int:
    """The 64-bit hash of an (H, W, 3) image."""
    grey = Image.fromarray(rgb).convert("L").resize((32, 32), Image.Resampling.BOX)
    lowest = scipy.fft.dctn(np.asarray(grey, np.float64))[:8, :8]
    return int("".join("1" if value > 0 else "0" for value in lowest.ravel()), 2)
