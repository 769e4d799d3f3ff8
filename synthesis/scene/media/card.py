"""A printed card: a visiting card, an invitation, a tag of kraft; thick, with a line around it."""

from random import Random

from curation.picture.colours import RGB
from synthesis.corpus.genres import genres
from synthesis.description import Name
from synthesis.scene import light as lights
from synthesis.scene import sheets, textures
from synthesis.scene.inks import Ink
from synthesis.scene.light import Light
from synthesis.scene.medium import Medium, Sheet, View

_STOCKS: tuple[tuple[RGB, RGB, tuple[RGB, ...]], ...] = (  # card, line, inks
    ((250, 248, 244), (176, 140, 76), ((32, 32, 36), (22, 40, 74))),
    ((243, 234, 216), (120, 84, 52), ((72, 44, 26), (32, 32, 36))),
    ((194, 156, 112), (92, 64, 40), ((44, 28, 18), (20, 20, 20))),
    ((26, 40, 66), (206, 176, 112), ((240, 222, 176), (244, 242, 236))),
    ((32, 33, 36), (190, 164, 110), ((242, 240, 234), (226, 196, 130))),
    ((30, 66, 52), (214, 190, 130), ((244, 236, 214), (244, 242, 236))),
    ((224, 232, 228), (84, 116, 108), ((22, 58, 52), (32, 32, 36))),
    ((246, 222, 222), (170, 84, 96), ((104, 26, 40), (32, 32, 36))),
)


def make(random: Random, width: int, height: int, light: Light) -> Sheet:
    """Stiff card with a fine tooth."""
    stock, line, inks = random.choice(_STOCKS)
    stock = sheets.jittered(random, stock, 4)
    ground = sheets.flat(width, height, stock)
    side = min(width, height)
    style = random.random()
    radius = random.choice((0.0, 0.0, 0.05)) * side
    if style < 0.45:
        inset = random.uniform(0.035, 0.06) * side
        sheets.border(ground, inset, max(1, side // 220), radius * 0.6, line, stock)
        if random.random() < 0.5:
            step = 2.5 * max(1, side // 220)
            sheets.border(ground, inset + step, max(1, side // 300), radius * 0.5, line, stock)
    elif style < 0.65:
        ground[: round(0.05 * height)] = line
    fibres = textures.patch(random, textures.fibres(random.randrange(3)), width, height, 0.8)
    gain = lights.relief(light, fibres, random.uniform(0.02, 0.07))
    return Sheet(
        ground=textures.multiplied(ground, gain),
        frame=sheets.inside(width, height, 0.13, 0.16),
        inks=inks,
        ink=Ink(opacity=0.95, relief=random.choice((0.0, 0.0, -0.5))),
        outline=sheets.rounded(width, height, max(radius, 1.5)),
    )


MEDIUM = Medium(
    name=Name("card", "卡片"),
    bears=genres("blessing greeting contact note saying poem recipe"),
    columns=(3, 110),
    aspects=(1.2, 1.85),
    view=View(yaw=8, pitch=(0, 32), roll=14, share=(0.74, 0.94)),
    places=("desk", "cloth", "stone", "desk"),
    lettering="book",
    largest=0.16,
    lift=6,
    make=make,
    palette=_STOCKS,
    hugs=True,
)
