"""The ground of an image: the one colour of a page, a slide or a drawing, on which all else stands.

Photographs have none, or little of one. What is of the ground's colour at the rims of a page is its
margin, and what stands on one is no panel.
"""

import cv2
import numpy as np
from numpy.typing import NDArray

PAGE = 0.4  # of the pixels in one colour: a page
TOLERANCE = 20  # levels
_WIDTH = 4  # bits of a level that are left out to find the commonest colour


def share_of(rgb: NDArray[np.uint8], colour: NDArray[np.uint8], tolerance: int) -> float:
    """The share of the pixels of an (H, W, 3) image in a colour (3,), give or take so many levels
    of each channel; 0 of an image without any.
    """
    if not rgb.size:
        return 0.0
    away = cv2.absdiff(np.ascontiguousarray(rgb), np.full_like(rgb, colour))
    return float((away.max(axis=2) <= tolerance).mean())


def page_share(rgb: NDArray[np.uint8]) -> float:
    """The share of an (H, W, 3) image in its commonest colour."""
    if not rgb.size:
        return 0.0
    coarse = (rgb >> _WIDTH).astype(np.int32)
    cell = (coarse[..., 0] << 8) | (coarse[..., 1] << 4) | coarse[..., 2]
    commonest = cell == int(np.bincount(cell.ravel()).argmax())
    colour = np.median(rgb[commonest], axis=0).astype(np.uint8)
    return share_of(rgb, colour, TOLERANCE)
