"""A whiteboard with marker on it: an aluminium frame, ghosts of old writing, a soft reflection."""

from random import Random

import cv2
import numpy as np

from synthesis.corpus.genres import genres
from synthesis.description import Name
from synthesis.raster import Pixels
from synthesis.scene import sheets, textures
from synthesis.scene.inks import Ink
from synthesis.scene.light import Light
from synthesis.scene.medium import Medium, Sheet, View

_MARKERS = ((24, 26, 32), (16, 52, 150), (168, 22, 34), (10, 96, 60))


def _ghosts(random: Random, ground: Pixels) -> None:
    """What an eraser left, in place."""
    height, width = ground.shape[:2]
    for _ in range(random.randint(1, 4)):
        layer = ground.copy()
        start = np.array([random.uniform(0.1, 0.8) * width, random.uniform(0.1, 0.9) * height])
        steps = np.array([(random.gauss(9, 6), random.gauss(0, 12)) for _ in range(40)])
        path = (start + np.cumsum(steps * min(width, height) / 640, axis=0)).astype(np.int32)
        tone = random.choice(_MARKERS)
        cv2.polylines(layer, [path], False, tone, max(2, min(width, height) // 60), cv2.LINE_AA)
        ground[:] = cv2.addWeighted(ground, 0.965, layer, 0.035, 0)


def make(random: Random, width: int, height: int, light: Light) -> Sheet:
    """The board in its frame."""
    ground = sheets.flat(width, height, sheets.jittered(random, (240, 243, 245), 3))
    _ghosts(random, ground)
    gloss = sheets.gloss(random, width, height, random.uniform(0.02, 0.07))
    ground = np.asarray(cv2.add(ground, cv2.merge([gloss] * 3)), np.uint8)
    ground = textures.multiplied(
        ground, sheets.blotches(random, "whiteboard", width, height, 0.035)
    )
    side = min(width, height)
    thick = round(random.uniform(0.022, 0.036) * side)
    sheets.rim(ground, thick, (184, 188, 192), light)
    return Sheet(
        ground=ground,
        frame=sheets.inside(width, height, 0.1),
        inks=tuple(random.sample(_MARKERS, len(_MARKERS))),
        ink=Ink(opacity=0.95, bleed=0.4, uneven=0.14),
        outline=sheets.rounded(width, height, thick * 0.6),
    )


MEDIUM = Medium(
    name=Name("whiteboard", "白板"),
    bears=genres("list announcement instruction lesson note greeting request saying"),
    columns=(2, 120),
    aspects=(0.9, 2.0),
    view=View(yaw=24, pitch=(-8, 8), roll=2, share=(0.9, 1.0)),
    places=("wall", "wall", "room"),
    lettering="hand",
    largest=0.26,
    lift=6,
    make=make,
    writing="marker",
)
