"""A squarified treemap: rectangles as large as their sizes, as square as can be.

After Bruls, Huizing and van Wijk, "Squarified Treemaps" (2000): rows of rectangles along the
shorter side of what is left, each row as long as its rectangles get more square by it.
"""

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Rectangle:
    """In the unit of the map's width and height, from its top left."""

    left: float
    top: float
    width: float
    height: float


def squarified(sizes: Sequence[float], width: float, height: float) -> list[Rectangle]:
    """A rectangle for each of N sizes above 0, in their order: best where they descend.

    They fill ``width`` times ``height``, each by its share of the sum.
    """
    scale = width * height / sum(sizes) if sizes else 0.0
    areas = [size * scale for size in sizes]
    laid: list[Rectangle] = []
    left = top = 0.0
    while len(laid) < len(areas):
        upright = width - left >= height - top  # the row stands along the left side
        side = height - top if upright else width - left
        row = _row(areas[len(laid) :], side)
        depth = sum(row) / side if side else 0.0
        if len(laid) + len(row) == len(areas):  # the last row takes what is left, to the end
            depth = width - left if upright else height - top
        place, total = 0.0, sum(row)
        for area in row:
            length = side * area / total
            if upright:
                laid.append(Rectangle(left, top + place, depth, length))
            else:
                laid.append(Rectangle(left + place, top, length, depth))
            place += length
        left, top = (left + depth, top) if upright else (left, top + depth)
    return laid


def _row(areas: Sequence[float], side: float) -> list[float]:
    """The first of these areas, as many as make the worst of their rectangles most square."""
    row, best = [areas[0]], _worst(areas[0], areas[0], areas[0], side)
    total, low, high = areas[0], areas[0], areas[0]
    for area in areas[1:]:
        total, low, high = total + area, min(low, area), max(high, area)
        worst = _worst(total, low, high, side)
        if worst > best:
            break
        row.append(area)
        best = worst
    return row


def _worst(total: float, low: float, high: float, side: float) -> float:
    """The largest ratio of sides in a row of this total area, smallest and largest of it."""
    square = side * side
    return max(square * high / (total * total), total * total / (square * low)) if square else 0.0
