"""A brick wall with painted letters: mortar, bricks of many tones, paint worn where it is rough."""

from random import Random

import cv2
import numpy as np

from curation.picture.colours import RGB
from synthesis.corpus.genres import genres
from synthesis.description import Name
from synthesis.scene import sheets, textures
from synthesis.scene.inks import Ink
from synthesis.scene.light import Light
from synthesis.scene.medium import Medium, Sheet, View
from synthesis.scene.surfaces import bricks

_PAINTS: tuple[RGB, ...] = (
    (250, 248, 242),
    (24, 24, 28),
    (252, 240, 196),
    (16, 26, 60),
    (20, 20, 22),
)


def make(random: Random, width: int, height: int, light: Light) -> Sheet:
    """The wall, sometimes whitewashed."""
    variant = random.randrange(textures.VARIANTS)
    ground = textures.patch(random, bricks(variant), width, height, random.uniform(0.8, 1.3))
    painted = random.random() < 0.35
    if painted:
        wash = sheets.flat(width, height, random.choice(((232, 228, 218), (206, 214, 214))))
        grey = cv2.cvtColor(ground, cv2.COLOR_RGB2GRAY)
        rough = cv2.convertScaleAbs(
            grey, alpha=0.3, beta=textures.NEUTRAL - 0.3 * float(grey.mean())
        )
        ground = textures.multiplied(wash, np.asarray(rough, np.uint8))
    ground = textures.multiplied(ground, sheets.blotches(random, "wall", width, height, 0.16))
    paints = random.sample(_PAINTS, len(_PAINTS))
    return Sheet(
        ground=ground,
        frame=sheets.inside(width, height, 0.1),
        inks=tuple(paints),
        ink=Ink(opacity=0.93, bleed=0.8, wear=random.uniform(0.0, 0.05), grain=0.04),
    )


MEDIUM = Medium(
    name=Name("brick wall", "砖墙"),
    bears=genres("slogan saying shop traffic poem"),
    columns=(2, 48),
    aspects=(0.33, 3.0),
    view=View(yaw=30, pitch=(-6, 6), roll=2, share=(1.1, 1.25)),
    places=("street",),
    lettering="sign",
    largest=0.3,
    lift=0,
    make=make,
    writing="painted",
)
