"""How ink lies on a ground: bleeding, grainy like chalk, worn like old paint, carved, raised, lit.

A medium says which by the numbers of an ``Ink``; coverage is a (H, W) uint8 mask of the glyphs.
"""

from dataclasses import dataclass
from functools import cache
from random import Random

import cv2
import numpy as np

from curation.picture.colours import RGB
from synthesis.raster import Pixels
from synthesis.scene import textures
from synthesis.scene.light import Light

_REACH = 24  # pixels around the text that shadow and glow may touch


@dataclass(frozen=True)
class Ink:
    """``opacity`` of the whole; ``bleed`` is a blur in pixels that spreads into the ground;
    ``grain`` is how much of the ink the ground's tooth takes (chalk), ``wear`` the share of the
    ink that has come off; ``relief`` lights the edges (below 0: carved, above: raised);
    ``shadow`` is the distance in pixels at which raised letters cast a shadow; ``glow`` is light
    around the letters; ``uneven`` changes the opacity slowly, like a pen or a marker.
    """

    opacity: float = 0.94
    bleed: float = 0.0
    grain: float = 0.0
    wear: float = 0.0
    relief: float = 0.0
    shadow: float = 0.0
    glow: float = 0.0
    uneven: float = 0.0


@cache
def _field(name: str, variant: int) -> Pixels:
    """Noise of which every level is as frequent as any other."""
    chance = textures.generator(f"ink {name}", variant)
    if name == "tooth":
        fine = textures.noise(chance, (380, 380), 2, 0.9)
        field = fine + 0.35 * textures.noise(chance, (60, 260), 2)
    elif name == "chips":
        field = textures.noise(chance, (60, 60), 4, 0.8)
    else:
        field = textures.noise(chance, (9, 9), 3, 0.5, textures.SOFT_SIDE)
    return np.asarray(cv2.equalizeHist(textures.levels(textures.spread(field))), np.uint8)


def _kept(random: Random, name: str, shape: tuple[int, ...], lost: float, left: float) -> Pixels:
    """A gain (255: all) that loses a share ``lost`` of the ink down to ``left``, softly."""
    field = textures.patch(random, _field(name, random.randrange(textures.VARIANTS)), *shape[1::-1])
    level = np.arange(256, dtype=np.float32) / 255
    share = np.clip((level - lost) / 0.12 + 0.5, 0, 1)
    table = (255 * (left + (1 - left) * share)).astype(np.uint8)
    return np.asarray(cv2.LUT(field, table), np.uint8)


def lay(ink: Ink, random: Random, ground: Pixels, coverage: Pixels, rgb: RGB, light: Light) -> None:
    """Put ink of one colour on the (H, W, 3) ground, in place, where the coverage is."""
    left, top, width, height = cv2.boundingRect(coverage)
    if not width:
        return
    rows = slice(max(top - _REACH, 0), top + height + _REACH)
    columns = slice(max(left - _REACH, 0), left + width + _REACH)
    below, mask = ground[rows, columns], coverage[rows, columns]
    if ink.shadow:
        below = _shaded(below, mask, ink.shadow, light)
    if ink.glow:
        below = _glowing(below, mask, rgb, ink.glow)
    ground[rows, columns] = _inked(ink, random, below, mask, rgb, light)


def _inked(ink: Ink, random: Random, below: Pixels, mask: Pixels, rgb: RGB, light: Light) -> Pixels:
    if ink.bleed:
        soft = cv2.GaussianBlur(mask, (0, 0), ink.bleed)
        mask = np.asarray(cv2.max(cv2.convertScaleAbs(soft, alpha=1.25), mask), np.uint8)
    worn = [
        _kept(random, name, mask.shape, share, left)
        for name, share, left in (
            ("tooth", ink.grain, 0.25),
            ("chips", ink.wear, 0.06),
            ("slow", 0.5 if ink.uneven else 0.0, 1 - ink.uneven),
        )
        if share
    ]
    covered = mask
    for gain in worn:
        covered = np.asarray(cv2.multiply(covered, gain, scale=1 / 255), np.uint8)
    share = np.asarray(cv2.convertScaleAbs(covered, alpha=ink.opacity), np.uint8)
    paint = textures.solid(mask.shape[1], mask.shape[0], rgb)
    if ink.relief:
        _emboss(paint, below, mask, ink.relief, light)
    return textures.blended(paint, below, share)


def _emboss(paint: Pixels, below: Pixels, mask: Pixels, relief: float, light: Light) -> None:
    """Light the edges of the letters, and of the ground beside them when carved."""
    soft = cv2.GaussianBlur(mask, (0, 0), 1.2)
    slopes = np.dstack(
        [cv2.Sobel(soft, cv2.CV_16S, 1, 0), cv2.Sobel(soft, cv2.CV_16S, 0, 1)]
    ).astype(np.float32)
    towards = -(slopes @ np.array([light.x, light.y], np.float32)) * (-relief / 4)
    for target in (paint, below) if relief < 0 else (paint,):
        target[:] = np.clip(target + towards[..., None], 0, 255).astype(np.uint8)


def _shaded(below: Pixels, mask: Pixels, distance: float, light: Light) -> Pixels:
    shift = np.array([[1, 0, -light.x * distance], [0, 1, -light.y * distance]])
    fallen = cv2.warpAffine(mask, shift, mask.shape[1::-1])
    soft = cv2.GaussianBlur(fallen, (0, 0), 0.6 + 0.35 * distance)
    gain = cv2.convertScaleAbs(soft, alpha=-0.5 * textures.NEUTRAL / 255, beta=textures.NEUTRAL)
    return textures.multiplied(below, np.asarray(gain, np.uint8))


def _glowing(below: Pixels, mask: Pixels, rgb: RGB, strength: float) -> Pixels:
    halo = cv2.GaussianBlur(mask, (0, 0), 7)
    coloured = cv2.merge([cv2.multiply(halo, strength * value / 255) for value in rgb])
    return np.asarray(cv2.add(below, coloured), np.uint8)
