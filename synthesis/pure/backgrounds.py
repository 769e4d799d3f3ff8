"""What pure texts stand on: one colour, a gradient, or a light texture that captions name.

A ground is a picture of levels, of 256 steps in brightness added to one colour, so that painting
it is one look-up per pixel. Textures are kept from a fixed seed and cropped at random.
"""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache
from random import Random

import cv2
import numpy as np
from numpy.typing import NDArray

from synthesis import colours, drawing
from synthesis.canvas import Size
from synthesis.colours import RGB, Pair
from synthesis.description import Name
from synthesis.drawing import Pixels

Levels = NDArray[np.uint8]  # (H, W), _MIDDLE being the colour itself
_MIDDLE = 128
_FIELD = 2048  # pixels: the side of the fields that textures are cropped from
_LOOM = 32  # threads
_SHADES = 64  # steps of a gradient: more than the levels its ends are apart
_LINE = 15  # of 255: how far ruled lines are from the paper
_BRIGHT = 0.18  # relative luminance: from here on lines are darker than the paper
_DARKEST = 0.02  # relative luminance: below, a shadow does not show


@dataclass(frozen=True)
class Rhythm:
    """Where lines of text stand: the first baseline and the pitch, in pixels."""

    first: float
    pitch: float


Paint = Callable[[Random, Size, Rhythm], Levels]


@dataclass(frozen=True)
class Ground:
    """A kind of background: its name in captions, how often it is chosen, how it is painted.

    ``shadow`` is darker on any colour; what is not is lighter on dark colours.
    """

    texture: Name | None
    weight: float
    levels: Paint | None = None
    gradient: bool = False
    shadow: bool = False


def _flecks(random: Random, size: Size, rhythm: Rhythm) -> Levels:
    return _cropped(random, _fleck_field(), size)


@cache
def _fleck_field() -> Levels:
    """Specks of two by two pixels a shade lighter or darker, three in a hundred."""
    chance = np.random.Generator(np.random.PCG64(1))
    shape = (_FIELD // 2, _FIELD // 2)
    amounts = chance.integers(6, 12, shape, np.uint8)
    kind = chance.random(shape, np.float32)
    field = np.full(shape, _MIDDLE, np.uint8)
    field[kind < 0.02] -= amounts[kind < 0.02]
    field[kind > 0.99] += amounts[kind > 0.99]
    return field.repeat(2, axis=0).repeat(2, axis=1)


def _fibres(random: Random, size: Size, rhythm: Rhythm) -> Levels:
    return _cropped(random, _fibre_field(), size)


@cache
def _fibre_field() -> Levels:
    """Short curved hairs a shade lighter or darker, as in handmade paper."""
    chance = np.random.Generator(np.random.PCG64(2))
    field = np.full((_FIELD, _FIELD), _MIDDLE, np.uint8)
    for _ in range(6000):
        start, angle = chance.random(2) * _FIELD, chance.random() * 2 * math.pi
        bend, length = chance.normal(0, 0.12), int(chance.integers(4, 16))
        turns = angle + bend * np.arange(length)
        path = start + 2 * np.cumsum(np.stack([np.cos(turns), np.sin(turns)], 1), 0)
        shade = int(_MIDDLE + chance.choice(np.array([-9, -7, -5, 5, 7])))
        cv2.polylines(field, [np.rint(path).astype(np.int32)], False, shade, 1, cv2.LINE_8)
    return field


def _weave(random: Random, size: Size, rhythm: Rhythm) -> Levels:
    """Threads across and down, each of its own strength; the loom repeats them."""
    width, height = size
    chance = np.random.Generator(np.random.PCG64(random.getrandbits(64)))
    across = np.resize(np.repeat(chance.integers(0, 4, _LOOM, np.uint8), 2), width)
    down = np.resize(np.repeat(chance.integers(0, 4, 3 * _LOOM, np.uint8), 2), height)
    return across + (down[:, None] + np.uint8(_MIDDLE - 3))


def _vignette(random: Random, size: Size, rhythm: Rhythm) -> Levels:
    return _vignette_of(size)


@cache
def _vignette_of(size: Size) -> Levels:
    """Darker towards the corners, by the squared distance from the middle."""
    width, height = size
    across = (2 * (np.arange(width) + 0.5) / width - 1) ** 2
    down = (2 * (np.arange(height) + 0.5) / height - 1) ** 2
    darker = np.clip((across + down[:, None] - 0.4) / 1.6, 0, 1)
    return (_MIDDLE + 4 - np.rint(18 * darker)).astype(np.uint8)


def _ruled(random: Random, size: Size, rhythm: Rhythm) -> Levels:
    """Lines across, a little below the baselines of the text."""
    levels = np.full(size[::-1], _MIDDLE, np.uint8)
    pitch = max(rhythm.pitch, 8.0)
    first = rhythm.first + 0.18 * pitch
    count = math.ceil(size[1] / pitch) + 1
    rows = np.rint(first % pitch + pitch * np.arange(count)).astype(int)
    levels[rows[(rows > 0.5 * pitch) & (rows < size[1] - 2)]] = _MIDDLE - _LINE
    return levels


def _squared(random: Random, size: Size, rhythm: Rhythm) -> Levels:
    """Lines across and down, squares of a twentieth of the canvas or so."""
    width, height = size
    pitch = max(8, round(math.sqrt(width * height) / random.choice((16, 20, 24, 28))))
    levels = np.full((height, width), _MIDDLE, np.uint8)
    levels[(height % pitch) // 2 :: pitch] = _MIDDLE - _LINE + 3
    levels[:, (width % pitch) // 2 :: pitch] = _MIDDLE - _LINE + 3
    return levels


def _dotted(random: Random, size: Size, rhythm: Rhythm) -> Levels:
    """A dot of two pixels at the corners of squares."""
    width, height = size
    pitch = max(10, round(math.sqrt(width * height) / random.choice((18, 22, 28))))
    levels = np.full((height, width), _MIDDLE, np.uint8)
    for row in range(2):
        for column in range(2):
            top, left = (height % pitch) // 2 + row, (width % pitch) // 2 + column
            levels[top::pitch, left::pitch] = _MIDDLE - _LINE - 12
    return levels


def _striped(random: Random, size: Size, rhythm: Rhythm) -> Levels:
    """Broad stripes down, hardly darker than the ground."""
    width, height = size
    pitch = max(8, round(math.sqrt(width * height) / random.choice((10, 14, 20))))
    row = _MIDDLE + 2 - 5 * (np.arange(width) // pitch % 2)
    return np.broadcast_to(row.astype(np.uint8), (height, width))


def _cropped(random: Random, field: Levels, size: Size) -> Levels:
    """A part of the field, which is repeated where the canvas is larger."""
    width, height = size
    across, down = math.ceil(width / _FIELD), math.ceil(height / _FIELD)
    whole = field if across == down == 1 else np.tile(field, (down, across))
    left = random.randrange(whole.shape[1] - width + 1)
    top = random.randrange(whole.shape[0] - height + 1)
    return whole[top : top + height, left : left + width]


GROUNDS: Mapping[str, Ground] = {
    "plain": Ground(None, 0.46),
    "gradient": Ground(None, 0.2, gradient=True),
    "vignette": Ground(Name("a soft vignette", "柔和的暗角"), 0.06, _vignette, shadow=True),
    "specks": Ground(Name("fine speckles", "细小的斑点"), 0.05, _flecks),
    "fibres": Ground(Name("a faint paper texture", "淡淡的纸张纹理"), 0.06, _fibres),
    "linen": Ground(Name("a faint linen texture", "淡淡的亚麻布纹理"), 0.05, _weave),
    "ruled": Ground(Name("faint ruled lines", "淡淡的横线"), 0.05, _ruled),
    "squared": Ground(Name("a faint square grid", "淡淡的方格"), 0.03, _squared),
    "dotted": Ground(Name("a faint dot grid", "淡淡的点阵"), 0.02, _dotted),
    "striped": Ground(Name("faint broad stripes", "淡淡的宽条纹"), 0.02, _striped),
}


def choose(random: Random) -> Ground:
    """A kind of background, by weight."""
    kinds = list(GROUNDS.values())
    return random.choices(kinds, [one.weight for one in kinds])[0]


def choose_pair(random: Random, ground: Ground) -> Pair:
    """Colours that contrast enough on every part of the ground."""
    while True:
        pair = colours.choose_pair(random, gradient=ground.gradient)
        if ground.shadow and colours.relative_luminance(pair.near_end) < _DARKEST:
            continue
        if ground.levels is None or _worst_contrast(ground, pair) >= colours.PARAGRAPH_CONTRAST:
            return pair


def _worst_contrast(ground: Ground, pair: Pair) -> float:
    """That of the ink with the lines on the paper, which are the nearest to the ink."""
    red, green, blue = _shades(ground, pair.near_end)[_MIDDLE - _LINE].tolist()
    return colours.contrast_ratio((red, green, blue), pair.ink_rgb)


def paint(random: Random, ground: Ground, pair: Pair, size: Size, rhythm: Rhythm) -> Pixels:
    """The background as a (H, W, 4) uint8 RGBA canvas."""
    if ground.levels is None:
        return _shaded(random, pair, size)
    levels = ground.levels(random, size, rhythm)
    opaque = np.full((256, 1), 255, np.uint8)
    packed = np.concatenate([_shades(ground, pair.near_end), opaque], 1).view(np.uint32).reshape(-1)
    return np.take(packed, levels).view(np.uint8).reshape(*levels.shape, 4)


def _shaded(random: Random, pair: Pair, size: Size) -> Pixels:
    """One colour, or a gradient downwards, to the right or to the lower right corner."""
    width, height = size
    direction = random.choice((0, 1, 2))
    if not pair.is_gradient:
        return drawing.solid(width, height, pair.near_end)
    across = (np.arange(width) * (_SHADES - 1) // max(width - 1, 1)).astype(np.uint8)
    down = (np.arange(height) * (_SHADES - 1) // max(height - 1, 1)).astype(np.uint8)[:, None]
    shades = np.full((_SHADES, 4), 255, np.uint8)
    shades[:, :3] = np.rint(np.linspace(pair.near_end, pair.far_end, _SHADES))
    packed = shades.view(np.uint32).reshape(-1)
    if direction == 2:
        painted = np.take(packed, (down + across) >> 1)
    else:
        line = packed[down] if direction == 0 else packed[across]
        painted = np.ascontiguousarray(np.broadcast_to(line, (height, width)))
    return painted.view(np.uint8).reshape(height, width, 4)


def _shades(ground: Ground, rgb: RGB) -> Pixels:
    """(256, 3) the colour at every level: lines are darker than light paper, lighter than dark."""
    steps = np.arange(256) - _MIDDLE
    if not ground.shadow and colours.relative_luminance(rgb) < _BRIGHT:
        steps = -steps
    return np.clip(np.array(rgb) + steps[:, None], 0, 255).astype(np.uint8)
