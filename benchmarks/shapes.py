"""Images of two coloured shapes, of which a caption says what they are and not where.

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

SIDE = 48  # pixels
COLOURS = {"red": (205, 30, 30), "green": (20, 150, 50), "blue": (25, 50, 205), "black": (0, 0, 0)}
KINDS = ("circle", "square", "triangle")
_RADII = (7, 11)  # pixels
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


Scene = tuple[Shape, Shape]


def scenes(seed: int, count: int) -> list[Scene]:
    """Scenes of two shapes apart from one another, of different kinds and colours."""
    random = Random(f"shapes:{seed}")
    return [_scene(random) for _ in range(count)]


def _scene(random: Random) -> Scene:
    while True:
        kinds, colours = random.sample(KINDS, 2), random.sample(sorted(COLOURS), 2)
        first, second = (
            Shape(kind, colour, *(random.uniform(r + 1, SIDE - r - 1) for _ in range(2)), r)
            for kind, colour, r in zip(
                kinds, colours, [random.uniform(*_RADII) for _ in range(2)], strict=True
            )
        )
        apart = max(abs(first.across - second.across), abs(first.down - second.down))
        if apart > first.radius + second.radius + 2:
            return first, second


def caption(scene: Scene) -> str:
    """What it shows."""
    first, second = scene
    return f"A {first.colour} {first.kind} and a {second.colour} {second.kind}."


def render(scene: Scene) -> Pixels:
    """(H, W, 3), on white."""
    canvas = np.full((SIDE, SIDE, 3), 255, np.uint8)
    for shape in scene:
        _fill(canvas, shape, COLOURS[shape.colour], smooth=True)
    return canvas


def masks(scene: Scene) -> list[NDArray[np.bool_]]:
    """(H, W) where each shape is."""
    filled = []
    for shape in scene:
        canvas = np.zeros((SIDE, SIDE, 3), np.uint8)
        _fill(canvas, shape, (255, 255, 255), smooth=False)
        filled.append(canvas[:, :, 0] > 0)
    return filled


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


def overlap(image: Pixels, scene: Scene) -> float:
    """The mean intersection over union of each shape with what of an ``image`` (H, W, 3) is nearest
    to its colour, among all colours and white.
    """
    names = [*COLOURS, "white"]
    palette = np.array([*COLOURS.values(), (255, 255, 255)], np.float32)
    nearest = np.square(image[:, :, None].astype(np.float32) - palette).sum(-1).argmin(-1)
    shares = []
    for shape, mask in zip(scene, masks(scene), strict=True):
        own = nearest == names.index(shape.colour)
        shares.append(float((own & mask).sum() / (own | mask).sum()))
    return sum(shares) / len(shares)


def write(path: Path, made: Sequence[Scene]) -> None:
    """A shard of them."""
    path.parent.mkdir(parents=True, exist_ok=True)
    table = pa.Table.from_pylist([_row(scene) for scene in made], schema=shard.schema())
    shard.write(str(path), table.to_batches(), shard.schema())


def _row(scene: Scene) -> dict[str, Any]:
    alpha = np.full((SIDE, SIDE, 1), 255, np.uint8)
    image = png.encode(np.concatenate([render(scene), alpha], 2))
    row: dict[str, Any] = dict.fromkeys(shard.schema().names)
    return row | {
        "id": shard.content_id(image),
        "key": shard.content_id(image),
        "image": {"bytes": image, "path": None},
        "width": SIDE,
        "height": SIDE,
        "format": "PNG",
        "synthetic": True,
        "caption_raw": [{"text": caption(scene), "language": "en"}],
    }
