"""Small emblems printed beside a text that curves: a star, a leaf, a house, in the text's ink."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from random import Random

import cv2
import numpy as np

from synthesis.description import Name
from synthesis.raster import Pixels

_FRACTION = 4  # bits: corners are placed to a sixteenth of a pixel
Point = tuple[float, float]
Polygon = Sequence[Point]
Layer = tuple[int, Polygon]  # 255: filled, 0: cut out of what is there, in a circle of radius 1


@dataclass(frozen=True)
class Emblem:
    """What it shows, and its (H, W) uint8 coverage of the sheet."""

    name: Name
    mask: Pixels


def _at(radius: float, turn: float) -> Point:
    """The point at ``turn`` of a circle clockwise from its top."""
    return radius * math.sin(2 * math.pi * turn), -radius * math.cos(2 * math.pi * turn)


def _disc(radius: float, x: float = 0.0, y: float = 0.0) -> Polygon:
    points = [_at(radius, number / 48) for number in range(48)]
    return [(x + across, y + down) for across, down in points]


def _pointed(points: int, inner: float) -> Polygon:
    radii = [1.0, inner] * points
    return [_at(radius, number / (2 * points)) for number, radius in enumerate(radii)]


def _heart() -> Polygon:
    turns = [2 * math.pi * number / 60 for number in range(60)]
    across = [16 * math.sin(turn) ** 3 for turn in turns]
    down = [sum(k * math.cos(n * turn) for n, k in enumerate((0, -13, 5, 2, 1))) for turn in turns]
    return [(x / 17, y / 17) for x, y in zip(across, down, strict=True)]


def _leaf() -> list[Layer]:
    edge = [0.5 * math.sin(math.pi * step / 20) ** 0.8 for step in range(21)]
    down = [-1 + 1.6 * step / 20 for step in range(21)]
    sides = [*zip(edge, down, strict=True), *((-x, y) for x, y in zip(edge, down, strict=True))]
    right, left = sides[:21], sides[21:]
    veins: list[Layer] = [(0, _stroke((0, 0.6), (0, -0.55), 0.05))]
    for y in (0.3, 0.0, -0.3):
        veins += [(0, _stroke((0, y), (side * 0.26, y - 0.22), 0.04)) for side in (-1, 1)]
    return [(255, [*right, *reversed(left)]), *veins, (255, _stroke((0, 0.55), (0, 1), 0.09))]


def _stroke(start: Point, end: Point, wide: float) -> Polygon:
    across, down = end[0] - start[0], end[1] - start[1]
    length = math.hypot(across, down)
    x, y = -down / length * wide / 2, across / length * wide / 2
    return [
        (start[0] + x, start[1] + y),
        (end[0] + x, end[1] + y),
        (end[0] - x, end[1] - y),
        (start[0] - x, start[1] - y),
    ]


def _tree() -> list[Layer]:
    tiers = ((-1.0, -0.35, 0.42), (-0.6, 0.15, 0.58), (-0.15, 0.7, 0.75))
    trunk: Layer = (255, [(-0.1, 0.7), (0.1, 0.7), (0.1, 1.0), (-0.1, 1.0)])
    return [trunk, *((255, [(0, top), (half, low), (-half, low)]) for top, low, half in tiers)]


def _house() -> list[Layer]:
    return [
        (255, [(0, -0.9), (1, 0), (0.74, 0), (0.74, 0.85), (-0.74, 0.85), (-0.74, 0), (-1, 0)]),
        (0, [(-0.18, 0.9), (-0.18, 0.3), (0.18, 0.3), (0.18, 0.9)]),
        (0, _disc(0.15, 0, -0.25)),
    ]


def _mountains() -> list[Layer]:
    return [
        (255, [(-0.25, -0.65), (0.6, 0.7), (-1, 0.7)]),
        (255, [(0.52, -0.1), (1, 0.7), (0.1, 0.7)]),
        (255, _disc(0.18, 0.55, -0.6)),
    ]


def _fish() -> list[Layer]:
    turns = [math.pi * step / 20 for step in range(21)]
    back = [(-math.cos(turn) * 0.62 - 0.25, -0.42 * math.sin(turn)) for turn in turns]
    belly = [(x, -y) for x, y in reversed(back)]
    tail: Layer = (255, [(0.25, 0), (0.95, -0.42), (0.78, 0), (0.95, 0.42)])
    return [(255, [*back, *belly]), tail, (0, _disc(0.07, -0.6, -0.1))]


def _sun() -> list[Layer]:
    rays = [_stroke(_at(0.66, turn / 10), _at(1.0, turn / 10), 0.12) for turn in range(10)]
    return [(255, _disc(0.5)), *((255, ray) for ray in rays)]


_SHAPES: tuple[tuple[Name, list[Layer]], ...] = (
    (Name("star", "一颗五角星"), [(255, _pointed(5, 0.4))]),
    (Name("sun", "一个太阳图案"), _sun()),
    (Name("heart", "一颗爱心"), [(255, _heart())]),
    (
        Name("crescent moon", "一弯月牙"),
        [(255, _disc(0.92, -0.1)), (0, _disc(0.76, 0.3, -0.14))],
    ),
    (Name("leaf", "一片叶子图案"), _leaf()),
    (Name("fir tree", "一棵杉树图案"), _tree()),
    (Name("house", "一座小房子图案"), _house()),
    (Name("mountain", "山峰图案"), _mountains()),
    (Name("fish", "一条鱼图案"), _fish()),
)


def choose(random: Random, width: int, height: int, centre: Point, radius: float) -> Emblem:
    """One of the emblems, in a circle of the sheet."""
    name, layers = random.choice(_SHAPES)
    mask = np.zeros((height, width), np.uint8)
    for level, polygon in layers:
        points = (np.array(polygon) * radius + centre) * (1 << _FRACTION)
        corners = [np.round(points).astype(np.int32)]
        cv2.fillPoly(mask, corners, (level,), cv2.LINE_AA, _FRACTION)
    return Emblem(name, mask)
