"""The cover of a closed book: cloth or paper, a hinge at the spine, pages at the edge."""

from random import Random

import cv2
import numpy as np

from curation.picture.colours import RGB
from synthesis.corpus.genres import genres
from synthesis.description import Name
from synthesis.raster import Pixels
from synthesis.scene import light as lights
from synthesis.scene import sheets, textures
from synthesis.scene.inks import Ink
from synthesis.scene.light import Light
from synthesis.scene.medium import Medium, Sheet, View

_COVERS: tuple[tuple[RGB, tuple[RGB, ...]], ...] = (
    ((112, 28, 34), ((240, 214, 150), (248, 242, 230))),
    ((26, 48, 84), ((236, 212, 150), (246, 244, 238))),
    ((28, 70, 58), ((240, 218, 158), (246, 244, 236))),
    ((40, 40, 44), ((232, 204, 136), (240, 240, 238))),
    ((232, 222, 200), ((48, 30, 24), (112, 24, 30), (24, 48, 84))),
    ((196, 206, 208), ((24, 44, 64), (32, 32, 36))),
    ((226, 170, 78), ((48, 26, 16), (32, 32, 36))),
    ((84, 62, 92), ((244, 226, 190), (246, 242, 238))),
)


def _pages(ground: Pixels, board: int) -> None:
    """The block of pages seen beyond the cover's right and lower edge, in place."""
    height, width = ground.shape[:2]
    thick = board * 2
    lines = np.arange(thick) % 3
    tones = (226 - 16 * (lines == 0) - 8 * (lines == 1)).astype(np.uint8)
    cream = np.array([1.0, 0.97, 0.9])
    ground[height - thick :] = (tones[:, None, None] * cream).astype(np.uint8)
    ground[:, width - thick :] = (tones[None, :, None] * cream).astype(np.uint8)
    ground[height - thick : height - thick + 2, : width - thick] //= 2
    ground[: height - thick, width - thick : width - thick + 2] //= 2


def make(random: Random, width: int, height: int, light: Light) -> Sheet:
    """The cover with a frame or rules, worn at its edges."""
    cover, inks = random.choice(_COVERS)
    cover = sheets.jittered(random, cover, 6)
    side = min(width, height)
    ground = sheets.flat(width, height, cover)
    style = random.random()
    line = inks[0]
    if style < 0.4:
        sheets.border(ground, 0.07 * side, max(2, side // 160), 0, line, cover)
        sheets.border(ground, 0.09 * side, max(1, side // 300), 0, line, cover)
    elif style < 0.7:
        for row in (0.1, 0.115, 0.87, 0.885):
            ground[
                round(row * height) : round(row * height) + max(1, side // 260),
                round(0.16 * width) : round(0.88 * width),
            ] = line
    weave = textures.patch(random, textures.weave(random.randrange(3)), width, height, 0.8)
    gain = sheets.combined(
        lights.relief(light, weave, random.uniform(0.03, 0.16)),
        sheets.blotches(random, "cover", width, height, 0.08),
    )
    hinge = round(0.045 * width)
    profile = np.full(width, textures.NEUTRAL, np.float32)
    across = np.arange(width)
    profile -= 44 * np.exp(-(((across - hinge * 1.5) / (0.16 * hinge + 1)) ** 2))
    profile += 16 * np.exp(-(((across - hinge * 0.8) / (0.3 * hinge + 1)) ** 2))
    profile[:hinge] *= np.linspace(0.72, 1.0, hinge)
    ground = textures.multiplied(ground, gain)
    column = np.repeat(profile[None].clip(0, 255).astype(np.uint8), height, axis=0)
    ground = textures.multiplied(ground, column)
    gloss = sheets.gloss(random, width, height, random.uniform(0.0, 0.06))
    ground = np.asarray(cv2.add(ground, cv2.merge([gloss] * 3)), np.uint8)
    _pages(ground, max(3, side // 90))
    return Sheet(
        ground=ground,
        frame=sheets.inside(width, height, 0.15, random.uniform(0.16, 0.24)),
        inks=inks,
        ink=Ink(opacity=0.95, relief=random.choice((0.0, -0.6)), wear=random.choice((0.0, 0.03))),
        outline=sheets.rounded(width, height, 3),
    )


MEDIUM = Medium(
    name=Name("book cover", "书籍封面"),
    bears=genres("title"),
    columns=(3, 90),
    aspects=(0.62, 0.86),
    view=View(yaw=7, pitch=(0, 26), roll=14, share=(0.84, 1.0)),
    places=("desk", "cloth", "stone", "desk"),
    lettering="book",
    largest=0.2,
    lift=14,
    make=make,
    palette=_COVERS,
)
