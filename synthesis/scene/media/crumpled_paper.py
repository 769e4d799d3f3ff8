"""A sheet that was crumpled and spread out again: facets and creases at three sizes."""

from functools import cache
from random import Random

import cv2
import numpy as np

from synthesis.description import Name
from synthesis.drawing import Pixels
from synthesis.scene import light as lights
from synthesis.scene import sheets, textures
from synthesis.scene.inks import Ink
from synthesis.scene.light import Light
from synthesis.scene.medium import Medium, Sheet, View
from synthesis.scene.textures import SIDE, Floats

_TONES = ((246, 244, 238), (240, 232, 214), (214, 188, 150), (250, 242, 196))
_INKS = ((24, 24, 28), (26, 34, 104), (120, 20, 30), (40, 30, 26))


def _facets(chance: np.random.Generator, count: int) -> Floats:
    """(SIDE, SIDE, 2) slopes that are constant in each cell around ``count`` random points."""
    seeds = np.full((SIDE, SIDE), 255, np.uint8)
    points = chance.integers(0, SIDE, (count, 2))
    seeds[points[:, 0], points[:, 1]] = 0
    _, labels = cv2.distanceTransformWithLabels(
        seeds, cv2.DIST_L2, cv2.DIST_MASK_5, labelType=cv2.DIST_LABEL_PIXEL
    )
    slopes = chance.normal(0, 1, (int(labels.max()) + 1, 2)).astype(np.float32)
    return np.asarray(slopes[labels], np.float32)


@cache
def _creases(variant: int) -> Pixels:
    """(SIDE, SIDE, 2) slopes of crumpled paper."""
    chance = textures.generator("crumpled", variant)
    total = np.zeros((SIDE, SIDE, 2), np.float32)
    for count, strength, soft in ((14, 15, 4.0), (45, 15, 2.2), (150, 9, 1.4)):
        facets = _facets(chance, count)
        bent = textures.noise(chance, (9, 9), 3)
        rows, columns = np.mgrid[0:SIDE, 0:SIDE].astype(np.float32)
        push = (bent - 0.5) * 60
        facets = cv2.remap(facets, columns + push, rows - push, cv2.INTER_NEAREST,
                           borderMode=cv2.BORDER_REFLECT)
        total += strength * cv2.GaussianBlur(facets, (0, 0), soft)
    return np.clip(total + textures.NEUTRAL, 0, 255).astype(np.uint8)


def make(random: Random, width: int, height: int, light: Light) -> Sheet:
    """Creases lit from the side."""
    tone = sheets.jittered(random, random.choice(_TONES), 4)
    bend, curl = sheets.wave(random, light, width, height, random.uniform(0.004, 0.012))
    creases = textures.patch(random, _creases(random.randrange(textures.VARIANTS)), width, height, 0.9)
    gain = sheets.combined(lights.relief(light, creases, random.uniform(0.55, 0.95)), curl)
    return Sheet(
        ground=textures.tinted(gain, tuple(round(0.93 * value) for value in tone)),
        frame=sheets.inside(width, height, 0.12),
        inks=tuple(random.sample(_INKS, len(_INKS))),
        ink=Ink(opacity=0.9, bleed=0.45, wear=0.02),
        bend=bend,
    )


MEDIUM = Medium(
    name=Name("crumpled sheet of paper", "皱巴巴的纸"),
    columns=(4, 220),
    aspects=(0.7, 1.4),
    view=View(yaw=6, pitch=(0, 22), roll=12, share=(0.84, 0.98)),
    places=("desk", "cloth", "stone"),
    lettering="any",
    largest=0.12,
    lift=8,
    make=make,
)
