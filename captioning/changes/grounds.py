"""The plain ground of an image in another colour, and nothing else."""

import cv2
import numpy as np

from captioning.changes.change import Change
from captioning.changes.pixels import WINDOW, Pixels, apart
from captioning.composing import palette

NEAR = 14  # levels within which a pixel is of the ground
LEAST = 0.25  # of the image
OTHER = 40  # levels between both colours, in one channel
LEFT = 14.0  # levels by which what is no ground may differ
STRAY = 0.002  # of the pixels of the ground that may have become anything


def regrounded(before: Pixels, after: Pixels) -> Change | None:
    """The ground in another colour that has a name of its own; both images are of a size."""
    old, new = palette.ground(before), palette.ground(after)
    if old is None or new is None or old.english == new.english:
        return None
    return Change("background.recolour", colour=new) if _is_ground_alone(before, after) else None


def _is_ground_alone(before: Pixels, after: Pixels) -> bool:
    """Whether the ground has another colour throughout, and what stands on it is the same."""
    rims = [_rim(of) for of in (before, after)]
    if int(np.abs(rims[0] - rims[1]).max()) < OTHER:
        return False
    ground = [cv2.inRange(of, rim - NEAR, rim + NEAR) for of, rim in
              zip((before, after), rims, strict=True)]  # fmt: skip
    if min(float(of.mean()) / 255 for of in ground) < LEAST:
        return False
    cell = np.ones((WINDOW, WINDOW), np.uint8)
    inner = cv2.erode(ground[0], cell) > 0
    if float((ground[1][inner] == 0).mean()) > STRAY:
        return False
    others = cv2.erode(cv2.bitwise_not(ground[0]), np.ones((2 * WINDOW, 2 * WINDOW), np.uint8)) > 0
    if others.any() and float(apart(before, after)[others].max()) > LEFT:
        return False
    return _figures(ground[0]) - _figures(ground[1]) <= STRAY  # else something went with it


def _rim(rgb: Pixels) -> np.ndarray:
    rim = np.concatenate([rgb[0], rgb[-1], rgb[:, 0], rgb[:, -1]])
    return np.asarray(np.median(rim, axis=0))


def _figures(ground: np.ndarray) -> float:
    """The share of the image that is no ground."""
    return 1 - float(ground.mean()) / 255
