"""Where a part of a layout stands."""

from typing import NamedTuple


class Box(NamedTuple):
    """Left, top, width and height in pixels."""

    left: float
    top: float
    width: float
    height: float
