"""A line set on an arc, unrolled into a straight strip, for a reader that knows straight lines."""

import math
from collections.abc import Sequence

import cv2
import numpy as np
from numpy.typing import NDArray

from synthesis.raster import Pixels
from synthesis.sample import Quad

_CURVED = math.radians(20)  # glyphs of a straight line differ less in how they are turned


def is_curved(glyphs: Sequence[Quad]) -> bool:
    """Whether the glyphs of a line are turned differently, as on an arc."""
    if len(glyphs) < 3:
        return False
    corners = np.array(glyphs, np.float64).reshape(-1, 4, 2)
    down = corners[:, 3] + corners[:, 2] - corners[:, 0] - corners[:, 1]
    turns = np.arctan2(down[:, 0], down[:, 1])
    return bool(np.ptp(turns) > _CURVED)


def unrolled(
    rgb: Pixels, line: NDArray[np.float32], glyphs: Sequence[Quad], height: int, room: float
) -> Pixels:
    """The letters of an arch around the quad ``line``, side by side in a strip ``height`` high.

    ``room`` is the share of the height left above and below them, and as much at the ends. The
    circle is fitted to the middles of the glyphs, seen straight on.
    """
    sides = np.hypot(*(np.roll(line, -1, axis=0) - line).T)
    across, down = (sides[0] + sides[2]) / 2, (sides[1] + sides[3]) / 2
    front = np.array([(0, 0), (across, 0), (across, down), (0, down)], np.float32)
    corners = np.array(glyphs, np.float32).reshape(1, -1, 2)
    seen = cv2.perspectiveTransform(corners, cv2.getPerspectiveTransform(line, front))[0]
    x, y = _centre(seen.reshape(-1, 4, 2).mean(axis=1))
    radii = np.hypot(seen[:, 0] - x, seen[:, 1] - y)
    turns = np.arctan2(seen[:, 0] - x, y - seen[:, 1])
    scale = height * (1 - 2 * room) / np.ptp(radii)
    margin, along = room * height, scale * float(radii.mean())
    width = math.ceil(np.ptp(turns) * along + 2 * margin)
    turn = turns.min() + (np.arange(width) + 0.5 - margin) / along
    radius = radii.max() - (np.arange(height)[:, None] + 0.5 - margin) / scale
    points = np.stack([x + radius * np.sin(turn), y - radius * np.cos(turn)], axis=2)
    back = cv2.getPerspectiveTransform(front, line)
    places = cv2.perspectiveTransform(points.reshape(1, -1, 2), back).reshape(height, width, 2)
    columns, rows = np.ascontiguousarray((places - 0.5).transpose(2, 0, 1), np.float32)
    strip = cv2.remap(rgb, columns, rows, cv2.INTER_CUBIC, borderMode=cv2.BORDER_REPLICATE)
    return np.asarray(strip, np.uint8)


def _centre(points: NDArray[np.float32]) -> tuple[float, float]:
    """The centre of the circle nearest to the points, by least squares (Kåsa 1976)."""
    sides = np.column_stack([2 * points, np.ones(len(points))]).astype(np.float64)
    (x, y, _), *_ = np.linalg.lstsq(sides, (points.astype(np.float64) ** 2).sum(axis=1), rcond=None)
    return float(x), float(y)
