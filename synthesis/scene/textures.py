"""Procedural textures: noise, relief and grain, made once per process from fixed seeds.

A texture is a function of its name and variant alone, so an image still is one of its own random
numbers. Fine ones are SIDE x SIDE, soft ones smaller, RGB ones RGBA, which warps in half the time;
``patch`` cuts and stretches one to a sheet.
"""

import hashlib
from functools import cache
from random import Random
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from synthesis.raster import Pixels

SIDE = 768  # pixels
SOFT_SIDE = 256  # pixels: enough where nothing is finer than a ninetieth of the whole
VARIANTS = 5
NEUTRAL = 128  # the level of a relief that is level, and of a gain of 1
Floats = NDArray[np.float32]


def generator(name: str, variant: int) -> np.random.Generator:
    """The random numbers of one variant of one texture."""
    digest = hashlib.blake2b(f"{name}/{variant}".encode(), digest_size=8).digest()
    return np.random.Generator(np.random.PCG64(int.from_bytes(digest)))


def noise(
    chance: np.random.Generator,
    cells: tuple[float, float],
    octaves: int = 4,
    falloff: float = 0.5,
    side: int = SIDE,
) -> Floats:
    """(side, side) smooth noise, 0 to 1: ``cells`` across and down in the coarsest octave."""
    total = np.zeros((side, side), np.float32)
    strength = 1.0
    across, down = cells
    for _ in range(octaves):
        shape = (max(2, round(min(down, side))) + 3, max(2, round(min(across, side))) + 3)
        coarse = chance.random(shape, np.float32)
        fine = cv2.resize(coarse, (side, side), interpolation=cv2.INTER_CUBIC)
        total += np.float32(strength) * fine
        across, down, strength = across * 2, down * 2, strength * falloff
    return spread(total)


def spread(values: NDArray[Any]) -> Floats:
    """The values stretched to 0 to 1."""
    low, high = float(values.min()), float(values.max())
    return ((values - low) / max(high - low, 1e-9)).astype(np.float32)


def levels(values: Floats, low: float = 0.0, high: float = 255.0) -> Pixels:
    """Values of 0 to 1 as uint8 levels from ``low`` to ``high``."""
    return np.asarray(np.clip(values * (high - low) + low, 0, 255), np.uint8)


def slopes(height: Floats, strength: float) -> Pixels:
    """(SIDE, SIDE, 2) uint8: the slopes across and down of a relief, ``NEUTRAL`` where level.

    ``strength`` is levels per unit of height and pixel.
    """
    across = cv2.Sobel(height, cv2.CV_32F, 1, 0, scale=strength / 8)
    down = cv2.Sobel(height, cv2.CV_32F, 0, 1, scale=strength / 8)
    return np.asarray(np.clip(np.dstack([across, down]) + NEUTRAL, 0, 255), np.uint8)


def patch(random: Random, texture: Pixels, width: int, height: int, zoom: float = 1.0) -> Pixels:
    """A random window of the texture as ``height`` x ``width`` pixels, RGB of an RGBA one.

    ``zoom`` is pixels of the sheet per pixel of a texture of SIDE, more where the window would be
    larger than the texture; it is mirrored as often as not.
    """
    side = texture.shape[0]
    zoom = max(zoom * SIDE / side, width / side, height / side)
    across, down = min(side, max(1, round(width / zoom))), min(side, max(1, round(height / zoom)))
    left, top = random.randint(0, side - across), random.randint(0, side - down)
    window = texture[top : top + down, left : left + across]
    if texture.ndim == 3 and texture.shape[2] == 4:
        window = np.asarray(cv2.cvtColor(window, cv2.COLOR_RGBA2RGB), np.uint8)
    if random.random() < 0.5:
        window = np.asarray(cv2.flip(window, 1), np.uint8)
        if texture.ndim == 3 and texture.shape[2] == 2:  # slopes across change their sign
            across, down = cv2.split(window)
            window = np.asarray(cv2.merge([cv2.bitwise_not(across), down]), np.uint8)
    if window.shape[:2] == (height, width):
        return window.copy()
    resized = cv2.resize(window, (width, height), interpolation=cv2.INTER_LINEAR)
    return np.asarray(resized, np.uint8)


def opaque(image: Floats) -> Pixels:
    """(H, W, 4) RGBA bytes of an RGB image of levels."""
    return np.asarray(cv2.cvtColor(np.clip(image, 0, 255).astype(np.uint8), cv2.COLOR_RGB2RGBA))


def solid(width: int, height: int, rgb: tuple[int, int, int]) -> Pixels:
    """(H, W, 3) pixels of one colour; ten times as fast as assigning it."""
    channels = [np.full((height, width), value, np.uint8) for value in rgb]
    return np.asarray(cv2.merge(channels), np.uint8)


def multiplied(pixels: Pixels, gain: Pixels) -> Pixels:
    """(H, W, 3) pixels times a (H, W) gain, ``NEUTRAL`` being 1."""
    gains = cv2.merge([gain, gain, gain])
    return np.asarray(cv2.multiply(pixels, gains, scale=1 / NEUTRAL), np.uint8)


def blended(front: Pixels, behind: Pixels, alpha: Pixels) -> Pixels:
    """(H, W, 3) ``front`` over ``behind`` by the (H, W) mask ``alpha``.

    In bytes, at a third of the cost of floats; a level may be off by one.
    """
    over = cv2.merge([alpha, alpha, alpha])
    hidden = cv2.multiply(front, over, scale=1 / 255)
    return np.asarray(cv2.add(hidden, cv2.multiply(behind, ~over, scale=1 / 255)), np.uint8)


def tinted(gain: Pixels, rgb: tuple[int, int, int]) -> Pixels:
    """A (H, W, 3) ground of one colour times a (H, W) gain, ``NEUTRAL`` being 1."""
    channels = [cv2.multiply(gain, value / NEUTRAL) for value in rgb]
    return np.asarray(cv2.merge(channels), np.uint8)


@cache
def clouds(name: str, variant: int) -> Pixels:
    """Slow noise around ``NEUTRAL``."""
    return levels(noise(generator(f"clouds {name}", variant), (4, 4), 5, 0.6, SOFT_SIDE))


@cache
def fibres(variant: int) -> Pixels:
    """The relief (slopes) of paper."""
    chance = generator("fibres", variant)
    height = noise(chance, (90, 90), 3, 0.7) + 0.35 * noise(chance, (240, 40), 2)
    return slopes(spread(height), 900)


@cache
def streaks(variant: int) -> Pixels:
    """What rain leaves on a plate: streaks that run down, around ``NEUTRAL``."""
    return levels(noise(generator("streaks", variant), (90, 3), 3, 0.6))


@cache
def weave(variant: int) -> Pixels:
    """The relief (slopes) of book cloth."""
    chance = generator("weave", variant)
    y, x = np.mgrid[0:SIDE, 0:SIDE].astype(np.float32)
    thread = 0.5 + 0.25 * (np.sin(x * 1.5) * np.sin(y * 0.75) + np.sin(x * 0.75) * np.sin(y * 1.5))
    return slopes(spread(thread + 0.5 * noise(chance, (200, 200), 2)), 500)
