"""The least and most channel, and masks (h, w) of 0 and 255, for signals on clipped colours."""

from typing import NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

from curation.picture.histogram import Plane

_WITHIN_ONE, _WITHIN_TWO = np.ones((3, 3), np.uint8), np.ones((5, 5), np.uint8)


class Extremes(NamedTuple):
    """Planes (h, w) uint8 of the smallest and the largest of R, G, B at every pixel."""

    least: Plane
    most: Plane


def extremes(rgb: NDArray[np.uint8]) -> Extremes:
    """The least and most channel of (h, w, 3) uint8 RGB at every pixel."""
    planes = [np.empty(rgb.shape[:2], np.uint8) for _ in range(3)]  # its own cost 5 times as much
    red, green, blue = cv2.split(rgb, planes)
    least, most = (choose(choose(red, green), blue) for choose in (cv2.min, cv2.max))
    return Extremes(np.asarray(least, np.uint8), np.asarray(most, np.uint8))


def at_least(plane: Plane, level: int) -> Plane:
    """255 where the plane is at least ``level``, else 0."""
    # not cv2.compare, which takes a plane of 4 x 1 pixels for a colour
    return np.asarray(cv2.threshold(plane, level - 1, 255, cv2.THRESH_BINARY)[1], np.uint8)


def at_most(plane: Plane, level: int) -> Plane:
    """255 where the plane is at most ``level``, else 0."""
    return np.asarray(cv2.threshold(plane, level, 255, cv2.THRESH_BINARY_INV)[1], np.uint8)


def share(mask: Plane) -> float:
    """The share of the pixels that are not 0: 0 to 1."""
    return cv2.countNonZero(mask) / mask.size


def both(first: Plane, second: Plane) -> Plane:
    """The pixels that are in both masks."""
    return np.asarray(cv2.bitwise_and(first, second), np.uint8)


def without(first: Plane, second: Plane) -> Plane:
    """The pixels of the first mask that are not in the second."""
    return np.asarray(cv2.subtract(first, second), np.uint8)


def border(mask: Plane) -> Plane:
    """The pixels within two of a mask that are not in it."""
    return without(np.asarray(cv2.dilate(mask, _WITHIN_TWO), np.uint8), mask)


def spread(grey: Plane) -> Plane:
    """Highest minus lowest grey level within 3 x 3 pixels."""
    return np.asarray(cv2.morphologyEx(grey, cv2.MORPH_GRADIENT, _WITHIN_ONE), np.uint8)
