"""A T-shirt laid out or worn: knitted cloth in folds, a collar, a print on the chest."""

from functools import cache
from random import Random

import cv2
import numpy as np

from curation.picture.colours import RGB
from synthesis.corpus.genres import genres
from synthesis.description import Name
from synthesis.raster import Pixels
from synthesis.scene import arcs, sheets, textures
from synthesis.scene import light as lights
from synthesis.scene.inks import Ink
from synthesis.scene.light import Light
from synthesis.scene.medium import Medium, Sheet, View
from synthesis.text.layout import Frame

_SHIRTS: tuple[tuple[RGB, tuple[RGB, ...]], ...] = (
    ((240, 240, 238), ((28, 28, 32), (20, 52, 120), (150, 24, 34))),
    ((38, 38, 42), ((240, 240, 236), (244, 208, 90))),
    ((34, 54, 92), ((244, 244, 240), (248, 216, 120))),
    ((122, 30, 38), ((246, 240, 228), (248, 220, 130))),
    ((150, 154, 158), ((24, 26, 30), (20, 36, 70))),
    ((44, 84, 66), ((244, 240, 226), (246, 220, 140))),
    ((226, 212, 184), ((48, 36, 30), (24, 60, 54))),
)
# the right half of the outline from the middle: shares of width and height
_COLLAR = ((0.0, 0.045), (0.08, 0.04), (0.14, 0.025), (0.185, 0.0), (0.34, 0.06))
_SLEEVE = ((0.5, 0.19), (0.415, 0.37))
_HIP = 0.45  # of the height: longer and shorter shirts differ below
_BODY = ((0.32, 0.3), (0.305, 0.45), (0.31, 0.8), (0.325, 0.99), (0.2, 1.0))


@cache
def _folds(variant: int) -> Pixels:
    """(SIDE, SIDE, 2) slopes of cloth: long soft folds, and fine knitting."""
    chance = textures.generator("folds", variant)
    warp = textures.noise(chance, (3, 3), 3)
    slant = chance.uniform(-0.5, 0.5)
    y, x = np.mgrid[0 : textures.SIDE, 0 : textures.SIDE].astype(np.float32) / textures.SIDE
    phase = (x + slant * y) * chance.uniform(2, 3.5) + warp * 2.4
    ridges = (0.5 + 0.5 * np.sin(2 * np.pi * phase)) ** 1.5
    where = textures.noise(chance, (2.5, 2.5), 2)
    long_folds = cv2.GaussianBlur((ridges * where**2).astype(np.float32), (0, 0), 5)
    knit = 0.006 * np.sin(x * textures.SIDE * 1.4) * np.sin(y * textures.SIDE * 1.05)
    return textures.slopes(np.asarray(long_folds + knit, np.float32), 1500)


def _outline(random: Random, width: int, height: int) -> Pixels:
    """The shirt's (H, W) outline: sleeves lie higher or lower, sides fall straighter or wider."""
    drop, lean, length = (random.uniform(*of) for of in ((-0.04, 0.07), (-0.03, 0.03), (0.84, 1)))
    sides = []
    for side in (1, -1):
        reach, more = random.uniform(0.92, 1.0), drop + random.uniform(-0.02, 0.02)
        sleeve = [(x * reach, y + more) for x, y in _SLEEVE]
        body = [(x + lean * y, y if y < _HIP else _HIP + (y - _HIP) * length) for x, y in _BODY]
        sides.append([(0.5 + side * x, y) for x, y in [*_COLLAR, *sleeve, *body]])
    outline = sides[0] + sides[1][::-1]
    points = np.array([(x * width, y * height) for x, y in outline], np.int32)
    mask = np.zeros((height, width), np.uint8)
    cv2.fillPoly(mask, [points], (255,), cv2.LINE_AA)
    return mask


def _seams(ground: Pixels, rgb: RGB) -> None:
    """Collar and sleeve seams, in place."""
    height, width = ground.shape[:2]
    dark = tuple(round(value * 0.62) for value in rgb)
    light = tuple(min(255, round(value * 1.08 + 6)) for value in rgb)
    centre, axes = (width // 2, 0), (round(0.187 * width), round(0.105 * height))
    wide = max(6, round(0.026 * width))
    cv2.ellipse(ground, centre, axes, 0, 0, 180, light, wide, cv2.LINE_AA)
    cv2.ellipse(
        ground, centre, (axes[0] + wide // 2, axes[1] + wide // 2), 0, 0, 180, dark, 1, cv2.LINE_AA
    )
    cv2.ellipse(
        ground, centre, (axes[0] - wide // 2, axes[1] - wide // 2), 0, 0, 180, dark, -1, cv2.LINE_AA
    )
    for side in (-1, 1):
        top = (round((0.5 + side * 0.34) * width), round(0.065 * height))
        low = (round((0.5 + side * 0.318) * width), round(0.3 * height))
        cv2.line(ground, top, low, dark, 1, cv2.LINE_AA)


def make(random: Random, width: int, height: int, light: Light) -> Sheet:
    """The shirt, its folds lit from the side."""
    rgb, inks = random.choice(_SHIRTS)
    rgb = sheets.jittered(random, rgb, 6)
    ground = sheets.flat(width, height, rgb)
    _seams(ground, rgb)
    bend, curl = sheets.wave(random, light, width, height, random.uniform(0.004, 0.009))
    folds = textures.patch(random, _folds(random.randrange(textures.VARIANTS)), width, height)
    gain = sheets.combined(lights.relief(light, folds, random.uniform(0.5, 0.9)), curl)
    shading = textures.multiplied(sheets.flat(width, height, (128, 128, 128)), gain)[..., 0]

    def over(random: Random, inked: Pixels) -> Pixels:
        return textures.multiplied(inked, np.asarray(shading, np.uint8))

    return Sheet(
        ground=ground,
        frame=Frame(0.24 * width, 0.27 * height, 0.52 * width, 0.42 * height),
        inks=inks,
        ink=Ink(opacity=0.95, wear=random.choice((0.0, 0.02)), grain=0.02),
        bend=bend,
        arc=arcs.over_emblem(
            random, width, height, (0.5 * width, 0.32 * height), 0.24 * width, 0.6
        ),
        outline=_outline(random, width, height),
        finish=over,
        surface=Name("fabric", "面料"),
    )


MEDIUM = Medium(
    name=Name("T-shirt", "T恤"),
    bears=genres("slogan"),
    columns=(2, 44),
    aspects=(0.95, 1.1),
    view=View(yaw=8, pitch=(0, 18), roll=13, share=(0.86, 1.02)),
    places=("desk", "boards", "cloth", "stone"),
    lettering="any",
    largest=0.17,
    lift=5,
    make=make,
    palette=_SHIRTS,
)
