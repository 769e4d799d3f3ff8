"""A label around a bottle or a jar of glass: the text follows the curve."""

from random import Random

import cv2
import numpy as np

from synthesis.colours import RGB
from synthesis.description import Name
from synthesis.drawing import Pixels
from synthesis.scene import sheets, textures
from synthesis.scene.geometry import Cylinder
from synthesis.scene.inks import Ink
from synthesis.scene.light import Light
from synthesis.scene.medium import Medium, Sheet, View

_GLASSES: tuple[RGB, ...] = ((36, 62, 38), (84, 46, 20), (150, 166, 160), (60, 30, 24), (170, 132, 60))
_LABELS: tuple[tuple[RGB, RGB, tuple[RGB, ...]], ...] = (
    ((248, 242, 226), (150, 116, 60), ((44, 30, 22), (110, 24, 30))),
    ((250, 249, 245), (40, 84, 74), ((18, 58, 52), (32, 34, 38))),
    ((32, 34, 38), (206, 176, 110), ((238, 216, 160), (244, 242, 238))),
    ((228, 206, 160), (96, 58, 30), ((60, 34, 18), (30, 28, 28))),
    ((150, 28, 36), (244, 220, 160), ((250, 240, 220), (250, 222, 150))),
)
_AROUND = 0.82  # of a half turn, the share the sheet's half width goes around


def _gain(width: int, light: Light) -> Pixels:
    """The light across a round body: dark sides, a highlight towards the light."""
    across = np.linspace(-1, 1, width, dtype=np.float32) * (np.pi / 2) * _AROUND
    shade = 0.5 + 0.62 * np.cos(across + 0.35 * light.x)
    shine = np.exp(-(((across + 0.75 * np.sign(light.x) * -1) / 0.12) ** 2))
    return np.clip(textures.NEUTRAL * (shade + 0.22 * shine), 0, 255).astype(np.uint8)


def make(random: Random, width: int, height: int, light: Light) -> Sheet:
    """Glass, a paper label around its middle, a shoulder above."""
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
    slow = np.asarray(cv2.convertScaleAbs(stock, alpha=0.05, beta=textures.NEUTRAL * 0.95), np.uint8)
    ground = textures.multiplied(ground, slow)
    ground[top - 2 : top] = ground[top - 2 : top] // 2
    gain = np.repeat(_gain(width, light)[None], height, axis=0)
    radius = width / (np.pi * _AROUND)
    return Sheet(
        ground=textures.multiplied(ground, gain),
        frame=sheets.Frame(0.24 * width, 0.34 * height, 0.52 * width, 0.48 * height),
        inks=inks,
        ink=Ink(opacity=0.95),
        bend=Cylinder(width / 2, radius, random.uniform(-0.16, -0.04)),
        outline=_body(width, height),
    )


def _body(width: int, height: int) -> Pixels:
    """The outline with a round shoulder and foot."""
    mask = np.zeros((height, width), np.uint8)
    sheets.box(mask, (0, round(0.1 * height), width, height), 0.05 * width, 255)
    sheets.box(mask, (round(0.3 * width), 0, round(0.7 * width), round(0.16 * height)), 4, 255)
    shoulder = [(0, 0.22), (0.08, 0.15), (0.3, 0.1), (0.7, 0.1), (0.92, 0.15), (1, 0.22)]
    mask[round(0.1 * height) : round(0.22 * height)] = 0
    points = np.array([(x * (width - 1), y * height) for x, y in shoulder], np.int32)
    cv2.fillPoly(mask, [points], (255,), cv2.LINE_AA)
    sheets.box(mask, (round(0.3 * width), 0, round(0.7 * width), round(0.12 * height)), 3, 255)
    return mask


MEDIUM = Medium(
    name=Name("bottle label", "瓶身标签"),
    columns=(2, 44),
    aspects=(0.9, 1.3),
    view=View(yaw=0, pitch=(0, 4), roll=1.5, share=(0.85, 0.97)),
    places=("room", "shelf", "foliage", "night"),
    lettering="book",
    largest=0.15,
    lift=0,
    make=make,
    support="table",
)
