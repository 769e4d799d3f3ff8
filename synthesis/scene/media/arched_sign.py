"""A painted sign with an arched top: the text follows its edge, over an emblem."""

from random import Random

import cv2
import numpy as np
from numpy.typing import NDArray

from curation.picture.colours import RGB
from synthesis.corpus.genres import genres
from synthesis.description import Name
from synthesis.raster import Pixels
from synthesis.scene import arcs, sheets, surfaces, textures
from synthesis.scene.inks import Ink
from synthesis.scene.light import Light
from synthesis.scene.medium import Medium, Sheet, View
from synthesis.text.layout import Frame

_PAINTS: tuple[tuple[RGB, tuple[RGB, ...]], ...] = (  # board, letters and lines
    ((28, 44, 92), ((240, 214, 146), (246, 244, 236))),
    ((126, 28, 34), ((244, 220, 160), (250, 242, 226))),
    ((22, 74, 60), ((240, 218, 156), (246, 242, 228))),
    ((36, 38, 42), ((242, 240, 234), (238, 206, 130))),
    ((242, 236, 220), ((88, 52, 22), (24, 60, 54), (110, 24, 30))),
    ((24, 92, 108), ((242, 240, 230),)),
    ((232, 184, 70), ((56, 34, 18),)),
    ((98, 62, 38), ((246, 232, 202), (244, 214, 140))),
)
_TOP = 0.5  # of the width: the radius of the arched top
_LETTERS = 0.365  # of the width: from the middle of the arch to the middles of the letters


def _shape(width: int, height: int, inset: float) -> NDArray[np.int32]:
    """The outline of the sign, so many pixels within its edge."""
    radius = _TOP * width
    turns = np.linspace(-np.pi / 2, np.pi / 2, 61)
    top = np.stack([np.sin(turns), -np.cos(turns)], axis=1) * (radius - inset) + radius
    right, low = width - inset, height - inset
    foot = np.array([(right, low), (inset, low)])
    return np.round(np.concatenate([top, foot]) * 16).astype(np.int32)


def _outline(width: int, height: int) -> Pixels:
    mask = np.zeros((height, width), np.uint8)
    cv2.fillPoly(mask, [_shape(width, height, 1)], (255,), cv2.LINE_AA, 4)
    return mask


def make(random: Random, width: int, height: int, light: Light) -> Sheet:
    """The board with its grain under the paint, a bevelled edge and a line within it."""
    paint, letters = random.choice(_PAINTS)
    paint = sheets.jittered(random, paint, 6)
    ground = sheets.flat(width, height, paint)
    thick = max(3, round(0.028 * width))
    dark = sheets.jittered(random, random.choice((letters[0], (70, 58, 46), paint)), 5)
    cv2.fillPoly(ground, [_shape(width, height, 0)], dark, cv2.LINE_AA, 4)
    for inset, lit in ((0.0, 1.12), (0.55, 0.8)):
        tone = [min(255.0, value * lit) for value in dark]
        along = _shape(width, height, inset * thick + 1)
        cv2.polylines(ground, [along], True, tone, max(1, thick // 2), cv2.LINE_AA, 4)
    cv2.fillPoly(ground, [_shape(width, height, thick)], paint, cv2.LINE_AA, 4)
    line = max(1, width // 170)
    cv2.polylines(
        ground, [_shape(width, height, 1.9 * thick)], True, letters[0], line, cv2.LINE_AA, 4
    )
    wood = surfaces.wood(random.randrange(textures.VARIANTS), 1)
    grain = cv2.cvtColor(textures.patch(random, wood, width, height), cv2.COLOR_RGB2GRAY)
    depth = random.uniform(0.15, 0.45) * textures.NEUTRAL / max(float(grain.mean()), 1.0)
    level = textures.NEUTRAL - depth * float(grain.mean())
    gain = sheets.combined(
        np.asarray(cv2.convertScaleAbs(grain, alpha=depth, beta=level), np.uint8),
        sheets.blotches(random, "sign", width, height, 0.1),
        _bevel(width, height, thick, light),
    )
    arch = _TOP * width
    below = height - arch
    return Sheet(
        ground=textures.multiplied(ground, gain),
        frame=Frame(0.13 * width, 0.24 * width, 0.74 * width, below + 0.12 * width),
        inks=letters,
        ink=Ink(1.0, relief=0.4, shadow=max(1.5, 0.008 * width), wear=random.choice((0.0, 0.02))),
        arc=arcs.along_arch(
            random, (width, height), (width / 2, arch), _LETTERS * width, 0.2 * below, 0.85
        ),
        outline=_outline(width, height),
    )


def _bevel(width: int, height: int, thick: int, light: Light) -> Pixels:
    """The gain of the raised edge: its shadow falls inwards, away from the light."""
    shade = np.full((height, width), textures.NEUTRAL, np.uint8)
    cv2.polylines(
        shade,
        [_shape(width, height, 1.15 * thick)],
        True,
        (70,),
        max(2, thick // 2),
        cv2.LINE_AA,
        4,
    )
    cast = max(2, thick // 2)
    shift = np.array([[1, 0, -light.x * cast / 2], [0, 1, -light.y * cast / 2]])
    moved = cv2.warpAffine(shade, shift, (width, height), borderValue=(textures.NEUTRAL,))
    return np.asarray(cv2.blur(moved, (cast, cast)), np.uint8)


MEDIUM = Medium(
    name=Name("arched sign", "拱形招牌"),
    bears=genres("shop hours"),
    columns=(2, 30),
    aspects=(0.72, 0.92),
    view=View(yaw=18, pitch=(-12, 4), roll=2, share=(0.84, 0.98)),
    places=("bricks", "boards", "wall", "bricks"),
    lettering="sign",
    largest=0.2,
    lift=11,
    make=make,
    palette=_PAINTS,
)
