"""Letters on a window: the room or the street behind it, and what it mirrors."""

from random import Random

import cv2
import numpy as np

from synthesis.colours import RGB
from synthesis.description import Name
from synthesis.scene import sheets
from synthesis.scene.inks import Ink
from synthesis.scene.light import Light
from synthesis.scene.medium import Medium, Sheet, View

_FOILS: tuple[RGB, ...] = ((250, 250, 248), (250, 244, 224), (246, 218, 140))
_FRAMES: tuple[RGB, ...] = ((52, 50, 48), (92, 64, 44), (36, 58, 52), (196, 194, 188))


def make(random: Random, width: int, height: int, light: Light) -> Sheet:
    """Dark glass in a frame that mirrors a little of the sky."""
    tone = sheets.jittered(random, random.choice(((38, 46, 54), (44, 48, 50), (30, 40, 46))), 6)
    ground = sheets.flat(width, height, tone)
    mirrored = sheets.gloss(random, width, height, random.uniform(0.04, 0.12))
    ground = np.asarray(cv2.add(ground, cv2.merge([mirrored] * 3)), np.uint8)
    side = min(width, height)
    thick = round(random.uniform(0.03, 0.055) * side)
    sheets.rim(ground, thick, sheets.jittered(random, random.choice(_FRAMES), 6), light)
    solid = np.zeros((height, width), np.uint8)
    cv2.rectangle(solid, (0, 0), (width - 1, height - 1), (255,), thick * 2)
    clear = random.uniform(0.28, 0.4)
    outline = np.asarray(cv2.max(solid, np.full_like(solid, round(255 * (1 - clear)))), np.uint8)
    return Sheet(
        ground=ground,
        frame=sheets.inside(width, height, 0.12),
        inks=tuple(random.sample(_FOILS, len(_FOILS))),
        ink=Ink(opacity=0.98, shadow=max(2.0, 0.01 * side)),
        outline=outline,
        see_through=0.001,
    )


MEDIUM = Medium(
    name=Name("glass window", "玻璃窗"),
    columns=(2, 60),
    aspects=(0.6, 1.8),
    view=View(yaw=20, pitch=(-6, 6), roll=1.5, share=(1.0, 1.0)),
    places=("room", "shelf", "night", "street"),
    lettering="sign",
    largest=0.24,
    lift=0,
    make=make,
)
