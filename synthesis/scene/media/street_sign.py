"""A street sign of metal on a post: white line, bolts, dirt run down by rain."""

from random import Random

import cv2
import numpy as np

from curation.picture.colours import RGB
from synthesis.corpus.genres import genres
from synthesis.description import Name
from synthesis.raster import Pixels
from synthesis.scene import sheets, textures
from synthesis.scene.inks import Ink
from synthesis.scene.light import Light
from synthesis.scene.medium import Medium, Sheet, View

_PLATES: tuple[tuple[RGB, RGB], ...] = (  # plate, line and letters
    ((18, 76, 150), (244, 246, 246)),
    ((10, 98, 66), (244, 246, 244)),
    ((26, 52, 104), (246, 246, 244)),
    ((240, 241, 238), (26, 28, 32)),
    ((248, 200, 40), (22, 22, 24)),
    ((170, 26, 32), (248, 246, 242)),
    ((104, 66, 40), (246, 242, 232)),
)


def _bolts(ground: Pixels, radius: int) -> None:
    """Two bolts in the middle, above and below, in place."""
    height, width = ground.shape[:2]
    for row in (round(0.075 * height), round(0.925 * height)):
        cv2.circle(ground, (width // 2 + 1, row + 1), radius + 1, (60, 62, 66), -1, cv2.LINE_AA)
        cv2.circle(ground, (width // 2, row), radius, (176, 178, 180), -1, cv2.LINE_AA)
        cv2.circle(ground, (width // 2 - 1, row - 1), radius // 2, (216, 218, 220), -1, cv2.LINE_AA)


def make(random: Random, width: int, height: int, light: Light) -> Sheet:
    """The plate, weathered."""
    plate, letters = random.choice(_PLATES)
    plate = sheets.jittered(random, plate, 6)
    side = min(width, height)
    radius = random.uniform(0.05, 0.12) * side
    ground = sheets.flat(width, height, plate)
    sheets.border(ground, 0.03 * side, 0.022 * side, radius * 0.8, letters, plate)
    dirt = sheets.blotches(random, "dirt", width, height, random.uniform(0.06, 0.16))
    runs = textures.patch(random, textures.streaks(random.randrange(3)), width, height)
    stained = cv2.convertScaleAbs(runs, alpha=0.1, beta=textures.NEUTRAL * 0.92)
    ground = textures.multiplied(ground, sheets.combined(dirt, np.asarray(stained, np.uint8)))
    gloss = sheets.gloss(random, width, height, random.uniform(0.03, 0.09))
    ground = np.asarray(cv2.add(ground, cv2.merge([gloss] * 3)), np.uint8)
    _bolts(ground, max(2, round(0.017 * side)))
    return Sheet(
        ground=ground,
        frame=sheets.inside(width, height, 0.1, 0.16),
        inks=(letters,),
        ink=Ink(opacity=0.97, wear=random.choice((0.0, 0.0, 0.03))),
        outline=sheets.rounded(width, height, radius),
    )


MEDIUM = Medium(
    name=Name("street sign", "路牌"),
    bears=genres("street traffic place warning"),
    columns=(2, 26),
    aspects=(1.2, 2.9),
    view=View(yaw=30, pitch=(-14, 4), roll=4, share=(0.68, 0.92)),
    places=("street", "sky", "foliage", "street"),
    lettering="sign",
    largest=0.42,
    lift=0,
    make=make,
    palette=_PLATES,
    hugs=True,
    support="post",
)
