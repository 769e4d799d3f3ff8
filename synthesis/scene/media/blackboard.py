"""A blackboard with chalk on it: a wooden frame, the dust of what was wiped off."""

from functools import cache
from random import Random

import cv2
import numpy as np

from synthesis.corpus.genres import genres
from synthesis.description import Name
from synthesis.raster import Pixels
from synthesis.scene import sheets, surfaces, textures
from synthesis.scene.inks import Ink
from synthesis.scene.light import Light
from synthesis.scene.medium import Medium, Sheet, View

_BOARDS = ((38, 60, 52), (36, 38, 40), (30, 52, 46), (44, 46, 48))
_CHALKS = ((238, 238, 232), (240, 238, 226), (236, 226, 150), (236, 190, 186), (184, 214, 232))


@cache
def _dust(variant: int) -> Pixels:
    """Chalk dust in the strokes of a wiper, 0 to 255."""
    chance = textures.generator("chalk dust", variant)
    clouds = textures.noise(chance, (4, 4), 4, 0.6)
    smears = textures.noise(chance, (3, 40), 3, 0.6)
    turned = cv2.warpAffine(
        smears,
        cv2.getRotationMatrix2D(
            (textures.SIDE / 2, textures.SIDE / 2), chance.uniform(-35, 35), 1.5
        ),
        (textures.SIDE, textures.SIDE),
        borderMode=cv2.BORDER_REFLECT,
    )
    fine = textures.noise(chance, (300, 300), 2, 0.8)
    return textures.levels(
        np.clip(clouds * (0.35 + 0.65 * turned) * 1.3 + 0.2 * (fine - 0.5), 0, 1)
    )


def make(random: Random, width: int, height: int, light: Light) -> Sheet:
    """The board, wiped often, in its frame."""
    ground = sheets.flat(width, height, sheets.jittered(random, random.choice(_BOARDS), 5))
    dust = textures.patch(random, _dust(random.randrange(textures.VARIANTS)), width, height)
    veil = cv2.convertScaleAbs(dust, alpha=random.uniform(0.1, 0.24))
    ground = np.asarray(cv2.add(ground, cv2.merge([veil, veil, veil])), np.uint8)
    side = min(width, height)
    thick = round(random.uniform(0.03, 0.05) * side)
    _framed(random, ground, thick, light)
    white = random.choice((_CHALKS[0], _CHALKS[0], random.choice(_CHALKS)))
    return Sheet(
        ground=ground,
        frame=sheets.inside(width, height, 0.11),
        inks=(white, *random.sample(_CHALKS, len(_CHALKS))),
        ink=Ink(opacity=0.95, bleed=0.3, grain=0.2, uneven=0.1),
    )


def _framed(random: Random, ground: Pixels, thick: int, light: Light) -> None:
    """A wooden frame around the board and its shadow on it, in place."""
    height, width = ground.shape[:2]
    inner = ground[thick : height - thick, thick : width - thick]
    shade = np.full(inner.shape[:2], 255, np.uint8)
    depth = max(2, thick // 3)
    if light.y < 0:
        shade[:depth] = 120
    if light.x < 0:
        shade[:, :depth] = 120
    else:
        shade[:, -depth:] = 120
    shade = np.asarray(cv2.blur(shade, (depth, depth)), np.uint8)
    inner[:] = cv2.multiply(inner, cv2.merge([shade, shade, shade]), scale=1 / 255)
    variant = random.randrange(textures.VARIANTS)
    across = textures.patch(random, surfaces.wood(variant, 3), width, thick, 0.6)
    down = textures.patch(random, surfaces.wood(variant, 3), height, thick, 0.6).transpose(1, 0, 2)
    ground[:thick], ground[height - thick :] = across, across[:, ::-1]
    ground[:, :thick], ground[:, width - thick :] = down, down[::-1]
    for row in (thick, height - thick):
        ground[row - 1 : row + 1] = ground[row - 1 : row + 1] // 2


MEDIUM = Medium(
    name=Name("blackboard", "黑板"),
    bears=genres("blessing menu offer hours lesson list poem saying slogan greeting recipe"),
    columns=(2, 120),
    aspects=(0.8, 2.2),
    view=View(yaw=24, pitch=(-8, 8), roll=2, share=(0.9, 1.04)),
    places=("wall", "wall", "boards", "room"),
    lettering="hand",
    largest=0.3,
    lift=7,
    make=make,
    writing="chalk",
)
