"""A screen: a monitor, a laptop or a tablet that shines, with a window and its bar."""

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
from synthesis.text.layout import Frame

_THEMES: tuple[tuple[RGB, RGB, tuple[RGB, ...]], ...] = (  # page, bar, inks
    ((248, 249, 251), (222, 226, 232), ((28, 32, 40), (16, 60, 140))),
    ((30, 32, 38), (48, 52, 60), ((234, 236, 240), (150, 220, 170))),
    ((252, 246, 232), (226, 214, 190), ((52, 40, 30), (32, 34, 40))),
    ((16, 34, 66), (30, 54, 96), ((236, 240, 248), (250, 222, 130))),
    ((240, 244, 248), (44, 96, 180), ((24, 34, 54), (20, 60, 130))),
)
_BUTTONS: tuple[RGB, ...] = ((236, 106, 94), (244, 190, 80), (98, 196, 84))


def _window(
    random: Random, ground: Pixels, edges: tuple[int, ...], page: RGB, bar: RGB
) -> tuple[int, int]:
    """A page under a bar with buttons, in place; returns the left and the top of what is free."""
    left, top, right, bottom = edges
    ground[top:bottom, left:right] = page
    high = round(0.065 * (bottom - top))
    ground[top : top + high, left:right] = bar
    radius = max(2, high // 6)
    for number, rgb in enumerate(_BUTTONS):
        centre = (left + high // 2 + number * 3 * radius, top + high // 2)
        cv2.circle(ground, centre, radius, rgb, -1, cv2.LINE_AA)
    field = (
        left + 0.25 * (right - left),
        top + 0.25 * high,
        left + 0.8 * (right - left),
        top + 0.75 * high,
    )
    soft = tuple(round(0.5 * value + 0.5 * other) for value, other in zip(bar, page, strict=True))
    sheets.box(ground, field, 0.25 * high, (soft[0], soft[1], soft[2]))
    if random.random() < 0.4:
        wide = round(0.12 * (right - left))
        ground[top + high : bottom, left : left + wide] = soft
        for row in range(6):
            line = (
                left + 0.2 * wide,
                top + high * (2 + row),
                left + 0.8 * wide,
                top + high * (2.25 + row),
            )
            sheets.box(ground, line, 2, bar)
        left += wide
    return left, top + high


def _pixels(random: Random, inked: Pixels) -> Pixels:
    """A faint reflection of the room, and rows of pixels."""
    height, width = inked.shape[:2]
    gloss = sheets.gloss(random, width, height, random.uniform(0.02, 0.08))
    inked = np.asarray(cv2.add(inked, cv2.merge([gloss] * 3)), np.uint8)
    if random.random() < 0.5:
        inked[::3] = cv2.convertScaleAbs(inked[::3], alpha=0.95)
    return inked


def make(random: Random, width: int, height: int, light: Light) -> Sheet:
    """The screen in its bezel."""
    page, bar, inks = random.choice(_THEMES)
    side = min(width, height)
    thick = round(random.uniform(0.025, 0.05) * side)
    bezel = random.choice(((26, 27, 30), (26, 27, 30), (190, 192, 196)))
    ground = sheets.flat(width, height, bezel)
    edges = (thick, thick, width - thick, height - round(1.5 * thick))
    left, top = _window(random, ground, edges, page, bar)
    inner = ground[edges[1] : edges[3], edges[0] : edges[2]]
    gain = np.repeat(np.linspace(132, 122, inner.shape[0])[:, None], inner.shape[1], 1)
    inner[:] = textures.multiplied(np.ascontiguousarray(inner), gain.astype(np.uint8))
    wide, high = edges[2] - left, edges[3] - top
    frame = Frame(left + 0.09 * wide, top + 0.08 * high, 0.82 * wide, 0.84 * high)
    return Sheet(
        ground=ground,
        frame=frame,
        inks=inks,
        ink=Ink(opacity=1.0),
        outline=sheets.rounded(width, height, 0.9 * thick),
        finish=_pixels,
        surface=Name("background", "背景"),
    )


MEDIUM = Medium(
    name=Name("screen", "屏幕"),
    bears=genres(
        "news prose letter list announcement instruction lesson message recipe code poem offer"
    ),
    columns=(4, 360),
    aspects=(0.8, 1.78),
    view=View(yaw=22, pitch=(-4, 10), roll=2, share=(0.76, 0.92)),
    places=("room", "night", "room", "foliage"),
    lettering="plain",
    largest=0.15,
    lift=0,
    make=make,
    support="stand",
)
