"""Letters on a window: the room or the street behind it, and what it mirrors."""

from random import Random

import cv2
import numpy as np

from curation.picture.colours import RGB
from synthesis.corpus.genres import genres
from synthesis.description import Name
from synthesis.scene import sheets, surroundings, textures
from synthesis.scene.inks import Ink
from synthesis.scene.light import Light
from synthesis.scene.medium import Medium, Sheet, View

_FOILS: tuple[RGB, ...] = ((250, 250, 248), (250, 244, 224), (246, 218, 140))
_BRIGHTEST = 92  # level: lamps behind the glass do not outshine the letters
_FRAMES: tuple[RGB, ...] = ((52, 50, 48), (92, 64, 44), (36, 58, 52), (196, 194, 188))


def make(random: Random, width: int, height: int, light: Light) -> Sheet:
    """What is behind, darker, in a frame; the glass mirrors a little of the sky."""
    _, behind = surroundings.choose(random, ("room", "shelf", "night"))
    scene = textures.patch(random, behind, width, height, random.uniform(0.8, 1.2))
    dark = random.uniform(0.36, 0.56) * 110 / max(60.0, float(cv2.mean(scene)[1]))
    tint = np.array(random.choice(((6, 10, 14), (10, 12, 12), (4, 12, 10))), np.uint8)
    behind_glass = cv2.min(cv2.convertScaleAbs(scene, alpha=dark), (_BRIGHTEST,) * 4)
    ground = np.asarray(behind_glass, np.uint8) + tint
    mirrored = sheets.gloss(random, width, height, random.uniform(0.04, 0.12))
    ground = np.asarray(cv2.add(ground, cv2.merge([mirrored] * 3)), np.uint8)
    side = min(width, height)
    thick = round(random.uniform(0.03, 0.055) * side)
    sheets.rim(ground, thick, sheets.jittered(random, random.choice(_FRAMES), 6), light)
    return Sheet(
        ground=ground,
        frame=sheets.inside(width, height, 0.12),
        inks=tuple(random.sample(_FOILS, len(_FOILS))),
        ink=Ink(opacity=0.98, shadow=max(2.0, 0.01 * side)),
        clear=True,
    )


MEDIUM = Medium(
    name=Name("glass window", "玻璃窗"),
    bears=genres("shop hours offer door request menu"),
    columns=(2, 60),
    aspects=(0.6, 1.8),
    view=View(yaw=20, pitch=(-6, 6), roll=1.5, share=(0.92, 1.02)),
    places=("bricks", "wall", "boards", "wall"),
    lettering="sign",
    largest=0.28,
    lift=4,
    make=make,
)
