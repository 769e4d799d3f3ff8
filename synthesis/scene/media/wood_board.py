"""A board of wood with painted, burnt or carved letters, hung or stood outdoors."""

from random import Random

import cv2
import numpy as np

from synthesis.corpus.genres import genres
from synthesis.description import Name
from synthesis.scene import sheets, surfaces, textures
from synthesis.scene.inks import Ink
from synthesis.scene.light import Light
from synthesis.scene.medium import Medium, Sheet, View

_PAINTS = ((248, 246, 238), (28, 22, 18), (252, 240, 206), (20, 30, 24), (74, 14, 14))
_MIDDLE, _DARK, _LIGHT = 120, 62, 176  # levels: boards of a middle tone are read badly
_BURNT = ((40, 22, 12), (28, 16, 10))


def make(random: Random, width: int, height: int, light: Light) -> Sheet:
    """Boards with worn edges."""
    wood = surfaces.wood(random.randrange(textures.VARIANTS), random.choice((1, 1, 1, 2)))
    ground = textures.patch(random, wood, width, height)
    mean = cv2.mean(ground)[1]
    dark = mean < _MIDDLE
    ground = np.asarray(cv2.convertScaleAbs(ground, alpha=(_DARK if dark else _LIGHT) / mean))
    stains = sheets.blotches(random, "weather", width, height, 0.22)
    edges = sheets.rounded(width, height, 0.03 * min(width, height))
    sheets.darken_edges(ground, 0.025, 0.72)
    burnt = not dark and random.random() < 0.5
    paints = random.sample(_PAINTS, len(_PAINTS))
    return Sheet(
        ground=textures.multiplied(ground, stains),
        frame=sheets.inside(width, height, 0.1, 0.14),
        inks=_BURNT + _PAINTS[:1] if burnt else (*paints, *_BURNT),
        ink=Ink(opacity=0.86, bleed=0.5, relief=-0.7)
        if burnt
        else Ink(opacity=0.93, wear=random.uniform(0.01, 0.045), grain=0.03),
        outline=edges,
    )


MEDIUM = Medium(
    name=Name("wooden board", "木板"),
    bears=genres("blessing place shop saying warning request hours street"),
    columns=(2, 72),
    aspects=(1.0, 2.6),
    view=View(yaw=24, pitch=(-8, 10), roll=4, share=(0.8, 0.97)),
    places=("wall", "foliage", "foliage", "stone"),
    lettering="any",
    largest=0.34,
    lift=9,
    make=make,
    hugs=True,
)
