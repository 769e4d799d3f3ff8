"""What pure texts stand on: one colour, a gradient, or a light texture that captions name.

A ground is an image of levels, of 256 steps in brightness added to one colour, so that painting
it is one look-up per pixel.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from random import Random

import numpy as np

from curation.picture.colours import RGB, contrast_ratio, relative_luminance
from synthesis import raster
from synthesis.description import Name
from synthesis.image_sizes import Size
from synthesis.pure import pairs, textures
from synthesis.pure.pairs import Pair
from synthesis.pure.textures import LINE, MIDDLE, Levels, Rhythm
from synthesis.raster import Direction, Pixels

_DIRECTIONS: tuple[Direction, ...] = ("down", "across", "corner")
_BRIGHT = 0.18  # relative luminance: from here on lines are darker than the paper
_FAINT_CONTRAST = 11.0
_DARKEST = 0.02  # relative luminance: below, a shadow does not show

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


GROUNDS: Mapping[str, Ground] = {
    "plain": Ground(None, 0.46),
    "gradient": Ground(None, 0.2, gradient=True),
    "vignette": Ground(Name("a soft vignette", "柔和的暗角"), 0.06, textures.vignette, shadow=True),
    "specks": Ground(Name("fine speckles", "细小的斑点"), 0.05, textures.flecks),
    "fibres": Ground(Name("a faint paper texture", "淡淡的纸张纹理"), 0.06, textures.fibres),
    "linen": Ground(Name("a faint linen texture", "淡淡的亚麻布纹理"), 0.05, textures.weave),
    "ruled": Ground(Name("faint ruled lines", "淡淡的横线"), 0.05, textures.ruled),
    "squared": Ground(Name("a faint square grid", "淡淡的方格"), 0.03, textures.squared),
    "dotted": Ground(Name("a faint dot grid", "淡淡的点阵"), 0.02, textures.dotted),
    "striped": Ground(Name("faint broad stripes", "淡淡的宽条纹"), 0.02, textures.striped),
}


def choose(random: Random) -> Ground:
    """A kind of background, by weight."""
    kinds = list(GROUNDS.values())
    return random.choices(kinds, [kind.weight for kind in kinds])[0]


def choose_pair(random: Random, ground: Ground, *, faint: bool = False) -> Pair:
    """Colours that contrast enough on every part of the ground; ``faint`` text is dark on light.

    Few or thin letters would leave a dark canvas dark, and a light one without anything dark.
    """
    least = _FAINT_CONTRAST if faint else pairs.LEAST_CONTRAST
    while True:
        pair = pairs.choose(random, gradient=ground.gradient, light=faint, least=least)
        if suits(ground, pair):
            return pair


def suits(ground: Ground, pair: Pair) -> bool:
    """Whether a shadow would show, and the ink can be told from the lines of the ground."""
    if ground.shadow and relative_luminance(pair.near_end) < _DARKEST:
        return False
    return ground.levels is None or _worst_contrast(ground, pair) >= pairs.LEAST_CONTRAST


def _worst_contrast(ground: Ground, pair: Pair) -> float:
    """That of the ink with the lines on the paper, which are the nearest to the ink."""
    step = -LINE if _gets_darker(ground, pair.near_end) else LINE
    red, green, blue = [min(max(level + step, 0), _most(pair.near_end)) for level in pair.near_end]
    return contrast_ratio((red, green, blue), pair.ink_rgb)


def paint(random: Random, ground: Ground, pair: Pair, size: Size, rhythm: Rhythm) -> Pixels:
    """The background as a (H, W, 4) uint8 RGBA canvas."""
    if ground.levels is None:
        direction = random.choice(_DIRECTIONS)
        if pair.is_gradient:
            return raster.gradient(*size, pair.near_end, pair.far_end, direction)
        return raster.solid(*size, pair.near_end)
    levels = ground.levels(random, size, rhythm)
    opaque = np.full((256, 1), 255, np.uint8)
    packed = np.concatenate([_shades(ground, pair.near_end), opaque], 1).view(np.uint32).reshape(-1)
    return np.take(packed, levels).view(np.uint8).reshape(*levels.shape, 4)


def _shades(ground: Ground, rgb: RGB) -> Pixels:
    """(256, 3) the colour at every level: lines are darker than light paper, lighter than dark."""
    steps = np.arange(256) - MIDDLE if _gets_darker(ground, rgb) else MIDDLE - np.arange(256)
    return np.clip(np.array(rgb) + steps[:, None], 0, _most(rgb)).astype(np.uint8)


def _gets_darker(ground: Ground, rgb: RGB) -> bool:
    return ground.shadow or relative_luminance(rgb) >= _BRIGHT


def _most(rgb: RGB) -> int:
    """What channels of shades may reach."""
    return max(*rgb, pairs.BRIGHTEST_TINT)
