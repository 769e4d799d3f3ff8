"""Where the light comes from, and what it does to reliefs, sheets and whole images."""

import math
from dataclasses import dataclass
from functools import cache
from random import Random

import cv2
import numpy as np

from synthesis.raster import Pixels
from synthesis.scene import textures
from synthesis.scene.textures import NEUTRAL

Gain = tuple[float, float, float]  # by channel
_CAST_SIDE = 96  # pixels: shadows of things outside are soft
_COARSE = 48  # the light of an image is computed on so many cells a side
_UNIT = 190  # the level of a gain of 1 in a light map: finer steps than NEUTRAL's


@dataclass(frozen=True)
class Light:
    """The light comes from (x, y), a unit vector in the image with y down; ``warmth`` -1 (blue)
    to 1 (yellow), ``level`` is the gain where it is brightest, about 1, so that
    white paper keeps its detail; ``hardness`` 0 (cloudy) to 1 (sun).
    """

    x: float
    y: float
    warmth: float
    level: float
    hardness: float


def choose(random: Random) -> Light:
    """A light from above the middle, mostly from the left."""
    angle = math.radians(random.triangular(-80, 60, -40) - 90)
    return Light(
        x=math.cos(angle),
        y=math.sin(angle),
        warmth=random.triangular(-0.6, 0.9, 0.15),
        level=random.uniform(0.93, 1.02),
        hardness=random.random(),
    )


def relief(light: Light, slopes: Pixels, strength: float) -> Pixels:
    """The gain (H, W) a relief gives: slopes that fall away from the light are darker."""
    across, down = cv2.split(slopes)
    a, b = -strength * light.x, -strength * light.y
    shaded = cv2.addWeighted(across, a, down, b, NEUTRAL * (1 - a - b))
    return np.asarray(shaded, np.uint8)


@cache
def _casts(variant: int) -> Pixels:
    """Soft shadows of things outside of the image, (_CAST_SIDE, _CAST_SIDE) gains up to 255."""
    chance = textures.generator("casts", variant)
    y, x = np.mgrid[0:_CAST_SIDE, 0:_CAST_SIDE].astype(np.float32) / _CAST_SIDE
    angle = chance.uniform(-0.7, 0.7)
    along = x * np.cos(angle) + y * np.sin(angle)
    if variant % 3 == 0:  # bars of a window
        bars = (np.mod(along * 2.2 + chance.random(), 1) < 0.72).astype(np.float32)
    elif variant % 3 == 1:  # leaves
        bars = (textures.noise(chance, (7, 7), 3, side=_CAST_SIDE) > 0.44).astype(np.float32)
    else:  # an edge
        bars = (along > chance.uniform(0.2, 0.5)).astype(np.float32)
    soft = cv2.GaussianBlur(bars, (0, 0), 2.0 if variant % 3 != 1 else 1.4)
    return textures.levels(soft)


def over(random: Random, light: Light, width: int, height: int) -> Pixels:
    """The light on a whole image, for ``lit``: falloff, vignette, shadows of things outside."""
    y, x = np.mgrid[-1 : 1 : _COARSE * 1j, -1 : 1 : _COARSE * 1j].astype(np.float32)
    towards = x * light.x + y * light.y
    gain = 1 + random.uniform(0.03, 0.15) * towards
    gain -= random.uniform(0.02, 0.1) * (x * x + y * y)
    if random.random() < 0.15 + 0.35 * light.hardness:
        shadow = textures.patch(random, _casts(random.randrange(9)), _COARSE, _COARSE, 0.12)
        depth = random.uniform(0.1, 0.32)
        gain *= 1 - depth * (1 - shadow.astype(np.float32) / 255)
    gain *= light.level / max(float(gain.max()), 1e-6)
    warm = 0.06 * light.warmth
    tint = np.array([1 + warm, 1, 1 - 1.4 * warm], np.float32)
    coloured = gain[..., None] * (tint / tint.max())
    coarse = np.clip(coloured * _UNIT, 0, 255).astype(np.uint8)
    return np.asarray(cv2.resize(coarse, (width, height), interpolation=cv2.INTER_LINEAR), np.uint8)


def gain(over: Pixels, left: float, top: float, right: float, bottom: float) -> Gain:
    """What the light makes of a level there, by channel: the mean over the part of the image."""
    rows, columns = slice(int(top), math.ceil(bottom)), slice(int(left), math.ceil(right))
    red, green, blue, _ = cv2.mean(over[rows, columns])
    return red / _UNIT, green / _UNIT, blue / _UNIT


def lit(pixels: Pixels, over: Pixels) -> Pixels:
    """The image in the light that ``over`` made."""
    return np.asarray(cv2.multiply(pixels, over, scale=1 / _UNIT), np.uint8)
