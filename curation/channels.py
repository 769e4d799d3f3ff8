"""The three colour values of every pixel in order of size, for signals on clipped colours."""

from typing import NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

from curation.histogram import Plane


class Ordered(NamedTuple):
    """Planes (h, w) uint8 of the smallest, middle and largest of R, G, B at every pixel."""

    least: Plane
    middle: Plane
    most: Plane


def ordered(rgb: NDArray[np.uint8]) -> Ordered:
    """Sort the channels of (h, w, 3) uint8 RGB at every pixel."""
    red, green, blue = cv2.split(rgb)
    low, high = cv2.min(red, green), cv2.max(red, green)
    middle = cv2.max(low, cv2.min(high, blue))
    return Ordered(cv2.min(low, blue), middle, cv2.max(high, blue))


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


def detailed(grey: Plane, spread: int) -> Plane:
    """255 where grey levels within 3 x 3 pixels differ by at least ``spread``, else 0."""
    square = np.ones((3, 3), np.uint8)
    return at_least(np.asarray(cv2.morphologyEx(grey, cv2.MORPH_GRADIENT, square)), spread)
