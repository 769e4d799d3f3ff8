"""Where a sheet stands in the image: its size, its tilt, and that its text is in sight."""

import math
from dataclasses import dataclass
from random import Random

import numpy as np

from synthesis.image_sizes import Size
from synthesis.scene import geometry
from synthesis.scene.bends import Bend, Points
from synthesis.scene.geometry import Matrix, Surface
from synthesis.scene.medium import Medium
from synthesis.text.layout import Frame

_SIGHT = 0.74  # of the image: the text of a sheet larger than it stays within
_MARGIN = 0.035  # of the image's side


@dataclass(frozen=True)
class Stand:
    """A sheet of ``width`` x ``height`` pixels; ``matrix`` maps it around the image's origin."""

    width: int
    height: int
    matrix: Matrix
    beyond: bool

    def visible(self, frame: Frame, canvas: Size) -> Frame:
        """The part of the frame that can be in sight at once."""
        if not self.beyond:
            return frame
        width = min(frame.width, _SIGHT * canvas[0])
        height = min(frame.height, _SIGHT * canvas[1])
        left = frame.left + (frame.width - width) / 2
        return Frame(left, frame.top + (frame.height - height) / 2, width, height)


def _hugging(columns: int, canvas: Size) -> float:
    """The shape of a sign for so many columns of text: in as many lines as suit the canvas."""
    shapes = [(0.55 * columns / lines + 1.5) / (1.3 * lines + 1.1) for lines in range(1, 5)]
    wanted = canvas[0] / canvas[1] * 1.3
    return min(shapes, key=lambda shape: abs(math.log(shape / wanted)))


def stand(random: Random, medium: Medium, columns: int, canvas: Size) -> Stand:
    """A random view of a sheet of the medium for a text of so many columns."""
    low, high = medium.aspects
    shape = _hugging(columns, canvas) if medium.hugs else canvas[0] / canvas[1]
    aspect = min(high, max(low, shape * random.uniform(0.85, 1.2)))
    width, height = min(1.0, aspect), min(1.0, 1 / aspect)
    view = medium.view
    tilt = geometry.tilted(
        math.radians(random.triangular(-view.yaw, view.yaw)),
        -math.radians(random.uniform(*view.pitch)),
        math.radians(random.triangular(-view.roll, view.roll)),
        random.uniform(1.7, 3.2),
    )
    seen = geometry.through(tilt, geometry.corners(width, height, -width / 2, -height / 2))
    room = np.array(canvas) / np.ptp(seen, axis=0)
    beyond = view.share[0] > 1
    scale = random.uniform(*view.share) * float(room.max() if beyond else room.min())
    pixels = (max(16, round(width * scale)), max(16, round(height * scale)))
    matrix = (
        geometry.scaled(scale, scale)
        @ tilt
        @ geometry.scaled(1 / scale, 1 / scale)
        @ geometry.moved(-pixels[0] / 2, -pixels[1] / 2)
    )
    return Stand(*pixels, matrix, beyond)


def settle(
    random: Random, where: Stand, bend: Bend, outline: Points, text: Points, canvas: Size
) -> Surface:
    """The sheet moved anywhere in the image, all of its text in sight."""
    there = Surface(where.matrix, bend)
    shift = []
    sheet_seen, seen = there.project(outline), there.project(text)
    for axis, side in enumerate(canvas):
        low, high = sheet_seen[:, axis].min(), sheet_seen[:, axis].max()
        free = side - (high - low)
        wanted = free * random.uniform(0.12, 0.88) - low
        first, last = seen[:, axis].min(), seen[:, axis].max()
        least, most = _MARGIN * side - first, (1 - _MARGIN) * side - last
        shift.append(min(max(wanted, least), most) if least <= most else (least + most) / 2)
    return Surface(geometry.moved(*shift) @ where.matrix, bend)
