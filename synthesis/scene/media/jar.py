"""A label around a jar of glass with a lid: the text follows the curve."""

from random import Random

import cv2
import numpy as np
from numpy.typing import NDArray

from curation.picture.colours import RGB
from synthesis.corpus.genres import genres
from synthesis.description import Name
from synthesis.raster import Pixels
from synthesis.scene import arcs, sheets, textures
from synthesis.scene.bends import Cylinder
from synthesis.scene.inks import Ink
from synthesis.scene.light import Light
from synthesis.scene.medium import Medium, Sheet, View
from synthesis.text.layout import Frame

_GLASSES: tuple[RGB, ...] = (
    (36, 62, 38),
    (84, 46, 20),
    (150, 166, 160),
    (60, 30, 24),
    (170, 132, 60),
)
_LABELS: tuple[tuple[RGB, RGB, tuple[RGB, ...]], ...] = (
    ((248, 242, 226), (150, 116, 60), ((44, 30, 22), (110, 24, 30))),
    ((250, 249, 245), (40, 84, 74), ((18, 58, 52), (32, 34, 38))),
    ((32, 34, 38), (206, 176, 110), ((238, 216, 160), (244, 242, 238))),
    ((228, 206, 160), (96, 58, 30), ((60, 34, 18), (30, 28, 28))),
    ((150, 28, 36), (244, 220, 160), ((250, 240, 220), (250, 222, 150))),
)
_LIDS: tuple[RGB, ...] = ((196, 166, 96), (188, 190, 192), (46, 46, 48), (150, 36, 36))
_LID = 0.17  # of the height
_LID_SIDE = 0.09  # of the width, left free on either side of the lid
_AROUND = 0.82  # of a half turn, the share the sheet's half width goes around
_RISE = (0.05, 0.17)  # the sine of the angle from which it is seen, above the level


def _gain(width: int, light: Light) -> Pixels:
    """The light across a round body: dark sides, a highlight towards the light."""
    across = np.linspace(-1, 1, width, dtype=np.float32) * (np.pi / 2) * _AROUND
    shade = 0.5 + 0.62 * np.cos(across + 0.35 * light.x)
    shine = np.exp(-(((across + 0.75 * np.sign(light.x) * -1) / 0.12) ** 2))
    return np.asarray(np.clip(textures.NEUTRAL * (shade + 0.22 * shine), 0, 255), np.uint8)


def make(random: Random, width: int, height: int, light: Light) -> Sheet:
    """Glass, a paper label around its middle, a lid."""
    glass = sheets.jittered(random, random.choice(_GLASSES), 8)
    label, line, inks = random.choice(_LABELS)
    ground = sheets.flat(width, height, glass)
    top, bottom = round(0.24 * height), round(0.9 * height)
    paper = ground[top:bottom]
    paper[:] = sheets.jittered(random, label, 3)
    for share in (0.04, 0.94):
        row = round(share * (bottom - top))
        paper[row : row + max(2, height // 90)] = line
    stock = textures.patch(random, textures.clouds("label", random.randrange(3)), width, height)
    slow = np.asarray(
        cv2.convertScaleAbs(stock, alpha=0.05, beta=textures.NEUTRAL * 0.95), np.uint8
    )
    ground = textures.multiplied(ground, slow)
    ground[top - 2 : top] = ground[top - 2 : top] // 2
    bend = Cylinder(width / 2, width / (np.pi * _AROUND), random.uniform(*_RISE))
    above = _lid_above(bend, width)
    lid = ground[: round(_LID * height)]
    metal = sheets.jittered(random, random.choice(_LIDS), 8)
    lid[:] = metal
    lid[:, :: max(3, width // 90)] -= lid[:, :: max(3, width // 90)] // 8
    lid[-3:] //= 2
    gain = np.repeat(_gain(width, light)[None], height, axis=0)
    ground = textures.multiplied(ground, gain)
    cv2.fillPoly(ground, [above], [min(255, round(1.1 * value + 8)) for value in metal])
    edge = [min(255, round(1.3 * value + 20)) for value in metal]
    cv2.polylines(
        ground, [above[: len(above) // 2]], False, edge, max(1, width // 200), cv2.LINE_AA
    )
    return Sheet(
        ground=ground,
        frame=Frame(0.24 * width, 0.34 * height, 0.52 * width, 0.48 * height),
        inks=inks,
        ink=Ink(opacity=0.95),
        arc=arcs.over_emblem(
            random, width, height, (0.5 * width, 0.42 * height), 0.25 * width, 0.5
        ),
        bend=bend,
        surface=Name("label", "标签"),
        outline=_body(width, height, above),
    )


def _lid_above(bend: Cylinder, width: int) -> NDArray[np.int32]:
    """The top of the lid, an ellipse once it is bent: along its near edge, then along its far one.

    The far edge rises where the near one falls, so it is twice as far up on the flat sheet.
    """
    x = np.linspace(_LID_SIDE, 1 - _LID_SIDE, 41) * width
    depth = bend.radius * (1 - np.cos((x - bend.centre) / bend.radius))
    far = 2 * bend.rise * (depth.max() - depth)
    low = np.full_like(x, far.max() + 1)
    near_edge = np.stack([x, low], axis=1)
    far_edge = np.stack([x, low - far], axis=1)
    return np.round(np.concatenate([near_edge, far_edge[::-1]])).astype(np.int32)


def _body(width: int, height: int, above: NDArray[np.int32]) -> Pixels:
    """The outline: a lid and its top, round shoulders, a round foot."""
    mask = np.zeros((height, width), np.uint8)
    top = int(above[0, 1])
    lid = (_LID_SIDE * width, top, (1 - _LID_SIDE) * width, (_LID + 0.03) * height)
    sheets.box(mask, lid, 0, 255)
    cv2.fillPoly(mask, [above], (255,), cv2.LINE_AA)
    sheets.box(mask, (0, (_LID + 0.02) * height, width, height), 0.1 * width, 255)
    return mask


MEDIUM = Medium(
    name=Name("jar", "罐子"),
    bears=genres("product label"),
    columns=(2, 44),
    aspects=(0.9, 1.3),
    view=View(yaw=0, pitch=(0, 4), roll=1.5, share=(0.85, 0.97)),
    places=("room", "shelf", "foliage", "night"),
    lettering="book",
    largest=0.19,
    lift=0,
    make=make,
    palette=_LABELS,
    support="table",
)
