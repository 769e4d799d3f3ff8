"""Other colours: clearly another one by name, and what stands on them can still be read."""

import math
from collections.abc import Callable, Sequence
from random import Random

from curation.picture.colours import RGB, Colour, contrast_ratio, lab, nearest
from synthesis.pure.pairs import PALETTE
from synthesis.template.colouring import LEAST_CONTRAST

_APART = 35.0  # of 100, in CIELAB: how far another colour is at least
GROUNDS_APART = 16.0  # the same of large areas, where less is seen


def other(
    random: Random, was: RGB, grounds: Sequence[RGB], least: float = LEAST_CONTRAST
) -> Colour | None:
    """Another colour for what stands on the grounds; ``None``: none can be told from them."""
    return chosen(
        random, was, lambda rgb: all(contrast_ratio(rgb, ground) >= least for ground in grounds)
    )


def chosen(
    random: Random, was: RGB, suits: Callable[[RGB], bool], apart: float = _APART
) -> Colour | None:
    """A named colour that suits and is so far ``apart``; ``None``: there is none."""
    before = nearest(was)
    colours = [
        colour
        for colour in PALETTE
        if colour != before and math.dist(lab(colour.rgb), lab(was)) >= apart and suits(colour.rgb)
    ]
    return random.choice(colours) if colours else None
