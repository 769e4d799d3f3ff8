"""Images of a coloured shape, of which a caption says what it is and not where.

Shapes: H W pixels.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import Any

import cv2
import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from curation import shard
from synthesis import png

SIDE = 32  # pixels
COLOURS = {"red": (205, 30, 30), "green": (20, 150, 50), "blue": (25, 50, 205), "black": (0, 0, 0)}
KINDS = ("circle", "square", "triangle")
_RADII = (6, 11)  # pixels
_FINE = 16  # positions in a pixel, of smooth edges
Pixels = NDArray[np.uint8]


@dataclass(frozen=True)
class Shape:
    """A ``kind`` in a ``colour``, its middle and what it reaches from there, in pixels."""

    kind: str
    colour: str
    across: float
    down: float
    radius: float


def shapes(seed: int, count: int) -> list[Shape]:
    """Shapes that are all inside."""
    random = Random(f"shapes:{seed}")
    made = []
    for _ in range(count):
        radius = random.uniform(*_RADII)
        across, down = (random.uniform(radius + 1, SIDE - radius - 1) for _ in range(2))
        made.append(
            Shape(random.choice(KINDS), random.choice(sorted(COLOURS)), across, down, radius)
        )
    return made


def caption(shape: Shape) -> str:
    """What it is."""
    return f"A {shape.colour} {shape.kind}."


def render(shape: Shape) -> Pixels:
    """(H, W, 3), on white."""
    canvas = np.full((SIDE, SIDE, 3), 255, np.uint8)
    _fill(canvas, shape, COLOURS[shape.colour], smooth=True)
    return canvas


def mask(shape: Shape) -> NDArray[np.bool_]:
    """(H, W) where it is."""
    canvas = np.zeros((SIDE, SIDE, 3), np.uint8)
    _fill(canvas, shape, (255, 255, 255), smooth=False)
    return canvas[:, :, 0] > 0


def _fill(canvas: Pixels, shape: Shape, colour: tuple[int, int, int], *, smooth: bool) -> None:
    x, y, r = shape.across, shape.down, shape.radius
    line = cv2.LINE_AA if smooth else cv2.LINE_8
    if shape.kind == "circle":
        middle = round(x * _FINE), round(y * _FINE)
        cv2.circle(canvas, middle, round(r * _FINE), colour, -1, line, 4)
        return
    corners = [(-r, -r), (r, -r), (r, r), (-r, r)]
    if shape.kind == "triangle":
        corners = [(0, -r), (r, r), (-r, r)]
    points = np.array([[round((x + a) * _FINE), round((y + b) * _FINE)] for a, b in corners])
    cv2.fillPoly(canvas, [points.astype(np.int32)], colour, line, 4)


def overlap(image: Pixels, shape: Shape) -> float:
    """The intersection over union of a ``shape`` with what of an ``image`` (H, W, 3) is nearest to
    its colour, among all colours and white.
    """
    names = [*COLOURS, "white"]
    palette = np.array([*COLOURS.values(), (255, 255, 255)], np.float32)
    nearest = np.square(image[:, :, None].astype(np.float32) - palette).sum(-1).argmin(-1)
    own, wanted = nearest == names.index(shape.colour), mask(shape)
    return float((own & wanted).sum() / (own | wanted).sum())


def write(path: Path, made: Sequence[Shape]) -> None:
    """A shard of them."""
    path.parent.mkdir(parents=True, exist_ok=True)
    table = pa.Table.from_pylist([_row(shape) for shape in made], schema=shard.schema())
    shard.write(str(path), table.to_batches(), shard.schema())


def _row(shape: Shape) -> dict[str, Any]:
    alpha = np.full((SIDE, SIDE, 1), 255, np.uint8)
    image = png.encode(np.concatenate([render(shape), alpha], 2))
    row: dict[str, Any] = dict.fromkeys(shard.schema().names)
    return row | {
        "id": shard.content_id(image),
        "key": shard.content_id(image),
        "image": {"bytes": image, "path": None},
        "width": SIDE,
        "height": SIDE,
        "format": "PNG",
        "synthetic": True,
        "caption_raw": [{"text": caption(shape), "language": "en"}],
    }
