"""A round badge of enamel in a metal rim: the text along its edge around an emblem."""

from random import Random

import cv2
import numpy as np

from synthesis.colours import RGB
from synthesis.description import Name
from synthesis.drawing import Pixels
from synthesis.scene import arcs, sheets, textures
from synthesis.scene.inks import Ink
from synthesis.scene.light import Light
from synthesis.scene.medium import Medium, Sheet, View

_ENAMELS: tuple[tuple[RGB, RGB], ...] = (  # enamel, metal and letters
    ((28, 44, 92), (236, 206, 132)),
    ((134, 26, 34), (240, 214, 150)),
    ((22, 74, 60), (238, 212, 146)),
    ((34, 36, 40), (222, 224, 226)),
    ((244, 240, 228), (96, 62, 24)),
    ((20, 96, 112), (236, 238, 236)),
    ((238, 186, 52), (52, 36, 20)),
    ((240, 242, 244), (24, 48, 110)),
)
_METALS: tuple[RGB, ...] = ((214, 182, 108), (196, 198, 202), (168, 128, 84))
_RIM = 0.045  # of the side
_LETTERS = 0.365  # of the side: from the middle to the middles of the letters


def _metal(side: int, rgb: RGB, light: Light) -> Pixels:
    """A rounded rim of metal, (side, side, 3): bright towards the light, dark away from it."""
    y, x = np.mgrid[-1 : 1 : side * 1j, -1 : 1 : side * 1j].astype(np.float32)
    away = np.hypot(x, y)
    across = np.clip((away - (1 - 2 * _RIM)) / (2 * _RIM), 0, 1)  # 0 inside to 1 outside
    towards = (x * light.x + y * light.y) / np.maximum(away, 1e-3)
    gain = 0.86 + 0.34 * towards * (2 * across - 1) + 0.1 * np.sin(np.pi * across)
    return textures.tinted(np.clip(gain * textures.NEUTRAL, 0, 255).astype(np.uint8), rgb)


def make(random: Random, width: int, height: int, light: Light) -> Sheet:
    """The enamel lies a little deeper than the rim, and shines."""
    side = min(width, height)
    enamel, letters = random.choice(_ENAMELS)
    enamel = sheets.jittered(random, enamel, 5)
    centre, radius = (side // 2, side // 2), side // 2 - 1
    ground = _metal(side, sheets.jittered(random, random.choice(_METALS), 6), light)
    within = radius - round(_RIM * side)
    cv2.circle(ground, centre, within, enamel, cv2.FILLED, cv2.LINE_AA)
    line = max(1, side // 150)
    cv2.circle(ground, centre, round(0.985 * within) - line, letters, line, cv2.LINE_AA)
    shade = np.full((side, side), textures.NEUTRAL, np.uint8)
    cast = max(2, side // 90)
    cv2.circle(shade, centre, within, (88,), cast, cv2.LINE_AA)
    moved = (centre[0] - round(light.x * cast), centre[1] - round(light.y * cast))
    cv2.circle(shade, moved, within - cast // 2, (textures.NEUTRAL,), cv2.FILLED, cv2.LINE_AA)
    ground = textures.multiplied(ground, np.asarray(cv2.blur(shade, (cast, cast)), np.uint8))
    gloss = sheets.gloss(random, side, side, random.uniform(0.04, 0.14))
    ground = np.asarray(cv2.add(ground, cv2.merge([gloss] * 3)), np.uint8)
    outline = np.zeros((side, side), np.uint8)
    cv2.circle(outline, centre, radius, (255,), cv2.FILLED, cv2.LINE_AA)
    return Sheet(
        ground=ground,
        frame=sheets.inside(side, side, 0.18, 0.28),
        inks=(letters,),
        ink=Ink(opacity=0.98, relief=0.25),
        arc=arcs.along_rim(random, side, _LETTERS * side, 0.9),
        outline=outline,
    )


MEDIUM = Medium(
    name=Name("round badge", "圆形徽章"),
    columns=(2, 26),
    aspects=(1.0, 1.0),
    view=View(yaw=8, pitch=(0, 26), roll=14, share=(0.7, 0.92)),
    places=("cloth", "desk", "stone", "cloth"),
    lettering="sign",
    largest=0.17,
    lift=7,
    make=make,
)
