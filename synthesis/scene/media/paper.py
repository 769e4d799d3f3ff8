"""A sheet of paper on a table: printed, or written on, plain or ruled; sometimes once folded."""

from random import Random

import cv2
import numpy as np

from synthesis.corpus.genres import genres
from synthesis.description import Name
from synthesis.raster import Pixels
from synthesis.scene import light as lights
from synthesis.scene import sheets, textures
from synthesis.scene.inks import Ink
from synthesis.scene.light import Light
from synthesis.scene.medium import Medium, Sheet, View

_TONES = ((250, 248, 243), (247, 241, 228), (244, 246, 248), (252, 244, 220))
_PENS = ((22, 30, 96), (24, 24, 28), (18, 52, 138), (70, 20, 24), (20, 70, 52))
_RULES = ((176, 198, 222), (206, 186, 176), (190, 196, 200))


def _folded(random: Random, gain: Pixels) -> None:
    """Creases of a letter folded in three, in place: each part catches the light differently."""
    height = gain.shape[0]
    for share in (1 / 3, 2 / 3):
        row = int((share + random.uniform(-0.02, 0.02)) * height)
        part = gain[row : row + height // 3]
        part[:] = cv2.convertScaleAbs(part, alpha=random.uniform(0.94, 1.03))
        gain[row - 1 : row] = np.minimum(gain[row - 1 : row], 255 - 6) + 6
        gain[row : row + 2] = cv2.convertScaleAbs(gain[row : row + 2], alpha=0.9)


def make(random: Random, width: int, height: int, light: Light) -> Sheet:
    """Fibres, slow unevenness, a soft curl."""
    tone = sheets.jittered(random, random.choice(_TONES), 3)
    bend, curl = sheets.wave(random, light, width, height, random.uniform(0.002, 0.012))
    fibres = textures.patch(random, textures.fibres(random.randrange(3)), width, height)
    gain = sheets.combined(
        lights.relief(light, fibres, 0.07),
        sheets.blotches(random, "paper", width, height, 0.05),
        curl,
    )
    if random.random() < 0.3:
        _folded(random, gain)
    ruled = random.random() < 0.45
    return Sheet(
        ground=textures.tinted(gain, tone),
        frame=sheets.inside(width, height, random.uniform(0.1, 0.14)),
        inks=tuple(random.sample(_PENS, len(_PENS))),
        ink=Ink(opacity=0.9, bleed=0.35, uneven=0.07),
        bend=bend,
        rules=random.choice(_RULES) if ruled else None,
    )


MEDIUM = Medium(
    name=Name("sheet of paper", "纸"),
    bears=genres("blessing note letter list poem prose recipe saying announcement lesson offer"),
    columns=(14, 420),
    aspects=(0.66, 1.45),
    view=View(yaw=8, pitch=(0, 30), roll=12, share=(0.84, 1.0)),
    places=("desk", "cloth", "stone", "desk"),
    lettering="hand",
    largest=0.105,
    lift=5,
    make=make,
)
