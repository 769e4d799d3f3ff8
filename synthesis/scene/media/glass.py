"""Letters on a window: the room or the street behind it, the sky that its panes mirror."""

from random import Random

import cv2
import numpy as np

from curation.picture.colours import RGB
from synthesis.corpus.genres import genres
from synthesis.description import Name
from synthesis.raster import Pixels
from synthesis.scene import sheets, surroundings, textures
from synthesis.scene.inks import Ink
from synthesis.scene.light import Light
from synthesis.scene.medium import Medium, Sheet, View
from synthesis.text.layout import Frame

_FOILS: tuple[RGB, ...] = ((250, 250, 248), (250, 244, 224), (246, 218, 140))
_BRIGHTEST = 78  # level: lamps behind the glass do not outshine the letters
_TRANSOM = 0.2  # of the height: above it are small panes, and no letters
_SKY = ((176, 204, 228), (222, 232, 238))  # what those mirror, from their top down
_FRAMES: tuple[RGB, ...] = ((52, 50, 48), (92, 64, 44), (36, 58, 52), (196, 194, 188))


def make(random: Random, width: int, height: int, light: Light) -> Sheet:
    """What is behind, darker, in a frame with a transom and a sill; slanting reflections."""
    _, behind = surroundings.choose(random, ("room", "shelf", "night"))
    scene = textures.patch(random, behind, width, height, random.uniform(0.8, 1.2))
    dark = random.uniform(0.36, 0.56) * 110 / max(60.0, float(cv2.mean(scene)[1]))
    tint = np.array(random.choice(((6, 10, 14), (10, 12, 12), (4, 12, 10))), np.uint8)
    behind_glass = cv2.min(cv2.convertScaleAbs(scene, alpha=dark), (_BRIGHTEST,) * 4)
    ground = np.asarray(behind_glass, np.uint8) + tint
    side = min(width, height)
    thick = round(random.uniform(0.03, 0.055) * side)
    tone = sheets.jittered(random, random.choice(_FRAMES), 6)
    _mirror(random, ground)
    _bars(ground, thick, random.choice((2, 3)) if width < 1.4 * height else 4, tone)
    sheets.rim(ground, thick, tone, light)
    _sill(ground, thick, tone)
    top = _TRANSOM + 0.07
    return Sheet(
        ground=ground,
        frame=Frame(0.12 * width, top * height, 0.76 * width, (0.87 - top) * height),
        inks=tuple(random.sample(_FOILS, len(_FOILS))),
        ink=Ink(opacity=0.98, shadow=max(2.0, 0.01 * side)),
        clear=True,
    )


def _mirror(random: Random, ground: Pixels) -> None:
    """The sky in the panes above, and bands of light that slant over all of the glass, in place."""
    height, width = ground.shape[:2]
    low = round(_TRANSOM * height)
    down = np.linspace(0, 1, low)[:, None, None]
    sky = np.array(_SKY[0]) * (1 - down) + np.array(_SKY[1]) * down
    ground[:low] = (0.3 * ground[:low] + 0.62 * sky).astype(np.uint8)
    bands = np.zeros((height, width), np.uint8)
    lean = random.choice((-1, 1)) * random.uniform(0.35, 0.6) * height
    at = random.uniform(-0.1, 0.5) * width
    for wide, level in ((0.16, 34), (0.05, 26)):
        corners = [(at, height), (at + wide * width, height)]
        corners += [(x + lean, 0) for x, _ in reversed(corners)]
        cv2.fillPoly(bands, [np.round(corners).astype(np.int32)], (level,), cv2.LINE_AA)
        at += (wide + 0.04) * width
    soft = cv2.blur(bands, (3, 3))
    ground[:] = cv2.add(ground, cv2.merge([soft] * 3))


def _bars(ground: Pixels, thick: int, panes: int, tone: RGB) -> None:
    """The transom, and the bars between the panes above it, in place."""
    height, width = ground.shape[:2]
    low, half = round(_TRANSOM * height), max(2, thick // 2)
    dark = [value * 0.55 for value in tone]
    for number in range(1, panes):
        x = width * number // panes
        cv2.rectangle(ground, (x - half // 2, 0), (x + half // 2, low), tone, cv2.FILLED)
        cv2.line(ground, (x + half // 2 + 1, 0), (x + half // 2 + 1, low), dark, 1)
    cv2.rectangle(ground, (0, low - half), (width, low + half), tone, cv2.FILLED)
    cv2.line(ground, (0, low + half + 1), (width, low + half + 1), dark, 2)


def _sill(ground: Pixels, thick: int, tone: RGB) -> None:
    """The ledge below the window, lighter than its frame, in place."""
    height, width = ground.shape[:2]
    top = height - round(1.5 * thick)
    light = [min(255, value * 1.25 + 26) for value in tone]
    cv2.rectangle(ground, (0, top), (width, height), light, cv2.FILLED)
    cv2.rectangle(ground, (0, top - max(2, thick // 5)), (width, top), (24, 22, 20), cv2.FILLED)


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
