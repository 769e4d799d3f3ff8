"""The sign over a shop: a board with raised letters, or letters that shine in the evening."""

from random import Random

import numpy as np

from curation.picture.colours import RGB
from synthesis.corpus.genres import genres
from synthesis.description import Name
from synthesis.scene import sheets, surfaces, textures
from synthesis.scene.inks import Ink
from synthesis.scene.light import Light
from synthesis.scene.medium import Medium, Sheet, View

_BOARDS: tuple[tuple[RGB, tuple[RGB, ...]], ...] = (
    ((36, 40, 46), ((244, 240, 230), (232, 196, 112))),
    ((24, 62, 52), ((246, 238, 214), (230, 196, 116))),
    ((120, 26, 30), ((250, 240, 220), (248, 214, 120))),
    ((24, 44, 86), ((248, 246, 238), (244, 214, 120))),
    ((236, 230, 216), ((46, 34, 28), (120, 24, 30), (20, 56, 48))),
    ((92, 58, 36), ((250, 238, 212), (244, 206, 126))),
)
_GLOWS: tuple[RGB, ...] = ((255, 244, 214), (255, 226, 150), (214, 236, 255), (255, 196, 184))


def make(random: Random, width: int, height: int, light: Light) -> Sheet:
    """The board, of sheet metal or of wood, with a rim."""
    board, letters = random.choice(_BOARDS)
    board = sheets.jittered(random, board, 6)
    shining = random.random() < 0.3 and sum(board) < 330
    ground = sheets.flat(width, height, board)
    if random.random() < 0.5:
        wood = textures.patch(random, surfaces.wood(random.randrange(5), 3), width, height)
        grain = wood.mean(axis=2) * (0.4 * textures.NEUTRAL / max(float(wood.mean()), 1)) + 77
        ground = textures.multiplied(ground, np.clip(grain, 0, 255).astype(np.uint8))
    ground = textures.multiplied(ground, sheets.blotches(random, "sign", width, height, 0.1))
    side = min(width, height)
    tone = sheets.jittered(random, random.choice((letters[0], (70, 58, 46), (150, 152, 154))), 6)
    sheets.rim(ground, max(3, round(random.uniform(0.025, 0.05) * side)), tone, light)
    depth = max(2.0, 0.014 * side)
    return Sheet(
        ground=ground,
        frame=sheets.inside(width, height, 0.07, 0.18),
        inks=_GLOWS if shining else letters,
        ink=Ink(opacity=1.0, glow=0.55) if shining else Ink(1.0, relief=0.5, shadow=depth),
    )


MEDIUM = Medium(
    name=Name("shop sign", "店铺招牌"),
    bears=genres("shop"),
    columns=(2, 30),
    aspects=(1.7, 3.6),
    view=View(yaw=26, pitch=(-16, 2), roll=2, share=(0.88, 1.0)),
    places=("bricks", "boards", "wall", "bricks"),
    lettering="sign",
    largest=0.5,
    lift=12,
    make=make,
    palette=_BOARDS,
    hugs=True,
)
