"""The name of a colour that was measured."""

from functools import cache

import cv2
import numpy as np
from numpy.typing import NDArray

from synthesis.colours import PALETTE, RGB, Colour


@cache
def _anchors() -> NDArray[np.float32]:
    return _lab([one.rgb for one in PALETTE])


def _lab(colours: list[RGB]) -> NDArray[np.float32]:
    scaled = np.array([colours], np.float32) / 255
    return np.asarray(cv2.cvtColor(scaled, cv2.COLOR_RGB2LAB)[0], np.float32)


def nearest(rgb: RGB) -> Colour:
    """The colour of the palette nearest in CIELAB."""
    distances = np.linalg.norm(_anchors() - _lab([rgb]), axis=1)
    return PALETTE[int(distances.argmin())]
