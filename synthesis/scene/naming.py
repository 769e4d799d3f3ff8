"""What the colours of a scene are called: as they are seen, the light discounted as eyes do it.

White letters in the shade measure grey and are seen as white; in warm light they measure cream,
and who is to say. So a name is given that is true of what is measured and of what was painted, both
without the light and in its tint; where there is none, the caption says nothing.
"""

import math
from collections.abc import Sequence

import numpy as np

from curation.picture.colours import RGB, Colour, names, oklch
from synthesis.scene.light import Gain

_DIM = 0.87  # OKLCH lightness, from which on a light grey may be white in folds or dirt
_LEAST_INKED = 0.5  # share of the way from the ground to the paint: below, strokes are too faint
_ASTRAY, _ASTRAY_SHARE = 14.0, 0.14  # levels, and of that way: what relief and noise may do


def ground(painted: RGB, measured: RGB, light: Gain) -> Colour | None:
    """The name of a ground that was ``painted`` so before anything was written on it, and is
    ``measured`` so in the image: glow and folds may have changed it.
    """
    without = _without(measured, light)
    seen = {name.english for name in names(without)}
    if "light grey" in seen and oklch(without)[0] > _DIM:
        seen = seen - {"light grey"} | {"white"}
    return next((name for name in _names(painted, light) if name.english in seen), None)


def ink(paint: RGB, measured: RGB, behind: RGB, light: Gain) -> Colour | None:
    """The name of an ink laid as ``paint``, where the image shows it: strokes are ``measured``
    as a mixture with what is ``behind`` them, more of the paint than of that.
    """
    start = np.array(_without(behind, light), float)
    way = np.array(paint, float) - start
    gone = np.array(_without(measured, light), float) - start
    length = math.hypot(*way)
    share = float(gone @ way) / max(length * length, 1.0)
    astray = math.hypot(*(gone - share * way))
    if share < _LEAST_INKED or astray > _ASTRAY + _ASTRAY_SHARE * length:
        return None
    return next(iter(_names(paint, light)), None)


def _without(rgb: RGB, light: Gain) -> RGB:
    return _levels([value / gain for value, gain in zip(rgb, light, strict=True)])


def _names(rgb: RGB, light: Gain) -> tuple[Colour, ...]:
    """The names of the colour that are true of it in the light's tint too."""
    tinted = _levels([value * gain / max(light) for value, gain in zip(rgb, light, strict=True)])
    both = names(tinted)
    return tuple(name for name in names(rgb) if name in both)


def _levels(values: Sequence[float]) -> RGB:
    red, green, blue = (min(255, max(0, round(value))) for value in values)
    return red, green, blue
