"""A sheet that was crumpled and spread out again: facets and creases at three sizes."""

from functools import cache
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
from synthesis.scene.textures import SIDE, Floats

_TONES = ((236, 234, 228), (232, 224, 207), (210, 184, 147), (238, 231, 187))
_INKS = ((24, 24, 28), (26, 34, 104), (120, 20, 30), (40, 30, 26))


def _facets(chance: np.random.Generator, count: int) -> Floats:
    """(SIDE, SIDE, 2) slopes of triangles between ``count`` points of random height."""
    plane = cv2.Subdiv2D((-SIDE, -SIDE, 3 * SIDE, 3 * SIDE))
    points = chance.uniform(-0.15 * SIDE, 1.15 * SIDE, (count, 2)).astype(np.float32)
    heights = {}
    for point, height in zip(points.tolist(), chance.normal(0, 1, count), strict=True):
        plane.insert(point)
        heights[tuple(point)] = float(height)
    slopes = np.zeros((SIDE, SIDE, 2), np.float32)
    for triangle in np.asarray(plane.getTriangleList(), np.float32).reshape(-1, 3, 2):
        known = [heights.get(tuple(corner)) for corner in triangle.tolist()]
        if None in known:  # a corner of the enclosing triangle
            continue
        level = np.linalg.solve(np.column_stack([triangle, np.ones(3)]), np.array(known, float))
        cv2.fillConvexPoly(slopes, np.round(triangle).astype(np.int32), level[:2].tolist())
    steep = slopes * np.float32(SIDE / np.sqrt(count))  # per distance of points
    return np.asarray(1.4 * np.tanh(steep / 1.4), np.float32)  # slivers are not walls


@cache
def _creases(variant: int) -> Pixels:
    """(SIDE, SIDE, 2) slopes of crumpled paper."""
    chance = textures.generator("crumpled", variant)
    total = np.zeros((SIDE, SIDE, 2), np.float32)
    for count, strength, soft in ((22, 19, 2.2), (90, 16, 1.3), (380, 8, 0.8)):
        facets = _facets(chance, count)
        edges = cv2.GaussianBlur(facets, (0, 0), soft)
        rounded = cv2.GaussianBlur(facets, (0, 0), 0.16 * SIDE / np.sqrt(count))
        total += strength * (0.7 * edges + 0.5 * rounded)  # steep at a crease, soft beside it
    total += 7 * (textures.noise(chance, (9, 9), 5, 0.7) - 0.5)[..., None]
    return np.clip(total + textures.NEUTRAL, 0, 255).astype(np.uint8)


def make(random: Random, width: int, height: int, light: Light) -> Sheet:
    """Creases lit from the side."""
    tone = sheets.jittered(random, random.choice(_TONES), 4)
    bend, curl = sheets.wave(random, light, width, height, random.uniform(0.004, 0.012))
    creases = textures.patch(
        random, _creases(random.randrange(textures.VARIANTS)), width, height, 0.9
    )
    gain = sheets.combined(lights.relief(light, creases, random.uniform(0.55, 0.95)), curl)
    return Sheet(
        ground=textures.multiplied(sheets.flat(width, height, tone), gain),
        frame=sheets.inside(width, height, 0.12),
        inks=tuple(random.sample(_INKS, len(_INKS))),
        ink=Ink(opacity=0.9, bleed=0.45, wear=0.02),
        bend=bend,
    )


MEDIUM = Medium(
    name=Name("crumpled sheet of paper", "皱巴巴的纸"),
    bears=genres("note letter list poem prose recipe saying message"),
    columns=(4, 220),
    aspects=(0.7, 1.4),
    view=View(yaw=6, pitch=(0, 22), roll=12, share=(0.84, 0.98)),
    places=("desk", "cloth", "stone"),
    lettering="any",
    largest=0.12,
    lift=8,
    make=make,
)
