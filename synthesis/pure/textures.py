"""Light textures as images of levels: how much lighter or darker than its colour a ground is.

They come from fixed seeds and are cropped at random; each is a function of what it is given.
"""

import math
from dataclasses import dataclass
from functools import cache
from random import Random

import cv2
import numpy as np
from numpy.typing import NDArray

from synthesis.image_sizes import Size

Levels = NDArray[np.uint8]  # (H, W), MIDDLE being the colour itself
MIDDLE = 128
LINE = 15  # of 255: how far ruled lines are from the paper
_FIELD = 2048  # pixels: the side of the fields that textures are cropped from
_LOOM = 32  # threads


@dataclass(frozen=True)
class Rhythm:
    """Where lines of text stand: the first baseline and the pitch, in pixels."""

    first: float
    pitch: float


def flecks(random: Random, size: Size, rhythm: Rhythm) -> Levels:
    """Specks of two by two pixels a shade lighter or darker, three in a hundred."""
    return _cropped(random, _fleck_field(), size)


@cache
def _fleck_field() -> Levels:
    chance = np.random.Generator(np.random.PCG64(1))
    shape = (_FIELD // 2, _FIELD // 2)
    amounts = chance.integers(6, 12, shape, np.uint8)
    kind = chance.random(shape, np.float32)
    field = np.full(shape, MIDDLE, np.uint8)
    field[kind < 0.02] -= amounts[kind < 0.02]
    field[kind > 0.99] += amounts[kind > 0.99]
    return field.repeat(2, axis=0).repeat(2, axis=1)


def fibres(random: Random, size: Size, rhythm: Rhythm) -> Levels:
    """Short curved hairs a shade lighter or darker, as in handmade paper."""
    return _cropped(random, _fibre_field(), size)


@cache
def _fibre_field() -> Levels:
    chance = np.random.Generator(np.random.PCG64(2))
    field = np.full((_FIELD, _FIELD), MIDDLE, np.uint8)
    for _ in range(6000):
        start, angle = chance.random(2) * _FIELD, chance.random() * 2 * math.pi
        bend, length = chance.normal(0, 0.12), int(chance.integers(4, 16))
        turns = angle + bend * np.arange(length)
        path = start + 2 * np.cumsum(np.stack([np.cos(turns), np.sin(turns)], 1), 0)
        shade = int(MIDDLE + chance.choice(np.array([-9, -7, -5, 5, 7])))
        cv2.polylines(field, [np.rint(path).astype(np.int32)], False, shade, 1, cv2.LINE_8)
    return field


def weave(random: Random, size: Size, rhythm: Rhythm) -> Levels:
    """Threads across and down, each of its own strength; the loom repeats them."""
    width, height = size
    chance = np.random.Generator(np.random.PCG64(random.getrandbits(64)))
    across = np.resize(np.repeat(chance.integers(0, 4, _LOOM, np.uint8), 2), width)
    down = np.resize(np.repeat(chance.integers(0, 4, 3 * _LOOM, np.uint8), 2), height)
    return across + (down[:, None] + np.uint8(MIDDLE - 3))


def vignette(random: Random, size: Size, rhythm: Rhythm) -> Levels:
    """Darker towards the corners, by the squared distance from the middle."""
    return _vignette_of(size)


@cache
def _vignette_of(size: Size) -> Levels:
    width, height = size
    across = (2 * (np.arange(width) + 0.5) / width - 1) ** 2
    down = (2 * (np.arange(height) + 0.5) / height - 1) ** 2
    darker = np.clip((across + down[:, None] - 0.4) / 1.6, 0, 1)
    return (MIDDLE + 4 - np.rint(18 * darker)).astype(np.uint8)


def ruled(random: Random, size: Size, rhythm: Rhythm) -> Levels:
    """Lines across, a little below the baselines of the text."""
    levels = np.full(size[::-1], MIDDLE, np.uint8)
    pitch = max(rhythm.pitch, 8.0)
    first = rhythm.first + 0.18 * pitch
    count = math.ceil(size[1] / pitch) + 1
    rows = np.rint(first % pitch + pitch * np.arange(count)).astype(int)
    levels[rows[(rows > 0.5 * pitch) & (rows < size[1] - 2)]] = MIDDLE - LINE
    return levels


def squared(random: Random, size: Size, rhythm: Rhythm) -> Levels:
    """Lines across and down, squares of a twentieth of the canvas or so."""
    width, height = size
    pitch = max(8, round(math.sqrt(width * height) / random.choice((16, 20, 24, 28))))
    levels = np.full((height, width), MIDDLE, np.uint8)
    levels[(height % pitch) // 2 :: pitch] = MIDDLE - LINE + 3
    levels[:, (width % pitch) // 2 :: pitch] = MIDDLE - LINE + 3
    return levels


def dotted(random: Random, size: Size, rhythm: Rhythm) -> Levels:
    """A dot of two pixels at the corners of squares."""
    width, height = size
    pitch = max(10, round(math.sqrt(width * height) / random.choice((18, 22, 28))))
    levels = np.full((height, width), MIDDLE, np.uint8)
    for row in range(2):
        for column in range(2):
            top, left = (height % pitch) // 2 + row, (width % pitch) // 2 + column
            levels[top::pitch, left::pitch] = MIDDLE - LINE - 12
    return levels


def striped(random: Random, size: Size, rhythm: Rhythm) -> Levels:
    """Broad stripes down, hardly darker than the ground."""
    width, height = size
    pitch = max(8, round(math.sqrt(width * height) / random.choice((10, 14, 20))))
    row = MIDDLE + 2 - 5 * (np.arange(width) // pitch % 2)
    return np.broadcast_to(row.astype(np.uint8), (height, width))


def _cropped(random: Random, field: Levels, size: Size) -> Levels:
    """A part of the field, which is repeated where the canvas is larger."""
    width, height = size
    across, down = math.ceil(width / _FIELD), math.ceil(height / _FIELD)
    tiled = field if across == down == 1 else np.tile(field, (down, across))
    left = random.randrange(tiled.shape[1] - width + 1)
    top = random.randrange(tiled.shape[0] - height + 1)
    return tiled[top : top + height, left : left + width]
