"""What lies behind a medium: a plane it lies on or hangs on, or a scene out of focus.

All are made from fixed seeds, once per process (``textures``). Planes are RGBA, scenes RGB and
half as large: they are soft.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache
from random import Random

import cv2
import numpy as np

from synthesis.description import Name
from synthesis.raster import Pixels
from synthesis.scene import rooms, surfaces, textures
from synthesis.scene.textures import SIDE, Floats

_HALF = SIDE // 2


@dataclass(frozen=True)
class Place:
    """``plane``: in the plane of the medium, else far behind it. ``make`` takes a variant.

    ``tiles``: it goes on beyond its edges by repeating, else mirrored. ``turns``: what lies on it
    may lie at any angle to it. ``zoom`` is how much of a far scene is seen (``textures.patch``).
    """

    name: Name
    plane: bool
    make: Callable[[int], Pixels]
    tiles: bool = False
    turns: bool = False
    zoom: tuple[float, float] = (0.9, 1.8)


def _canvas(top: tuple[int, int, int], bottom: tuple[int, int, int]) -> Floats:
    down = np.repeat(np.linspace(0, 1, SIDE, dtype=np.float32)[:, None], SIDE, axis=1)
    return surfaces.mixed(top, bottom, down)


def _soft(image: Floats, sigma: float) -> Floats:
    """Out of focus, at half the size: blurred at a quarter of it."""
    small = cv2.resize(image, (SIDE // 4, SIDE // 4), interpolation=cv2.INTER_AREA)
    blurred = cv2.GaussianBlur(small, (0, 0), sigma / 4)
    return np.asarray(cv2.resize(blurred, (_HALF, _HALF), interpolation=cv2.INTER_CUBIC))


def _rectangle(image: Floats, box: tuple[float, ...], rgb: Sequence[float]) -> None:
    left, top, right, bottom = (round(value * SIDE) for value in box)
    cv2.rectangle(image, (left, top), (right - 1, bottom - 1), rgb, cv2.FILLED)


def _bytes(image: Floats) -> Pixels:
    return np.clip(image, 0, 255).astype(np.uint8)


def _room(variant: int) -> Pixels:
    """A room a little out of focus: less than what is far, as its things tell what it is."""
    chance = textures.generator("focus in a room", variant)
    return _bytes(_soft(rooms.room(variant), chance.uniform(3.5, 6)))


def _street(variant: int) -> Pixels:
    """Houses, sky and road by day."""
    chance = textures.generator("street", variant)
    image = _canvas((178, 204, 230), (222, 230, 236))
    at = -0.05
    while at < 1:
        wide, top = chance.uniform(0.14, 0.3), chance.uniform(0.02, 0.42)
        tone = chance.uniform(110, 190)
        front = (tone, tone * chance.uniform(0.88, 0.98), tone * chance.uniform(0.78, 0.95))
        _rectangle(image, (at, top, at + wide, 0.85), front)
        for row in np.arange(top + 0.05, 0.7, 0.1):
            for column in np.arange(at + 0.03, at + wide - 0.04, 0.065):
                pane = tuple(np.array([70, 82, 96]) + chance.uniform(-12, 60))
                _rectangle(image, (column, row, column + 0.035, row + 0.055), pane)
        _rectangle(
            image,
            (at, 0.72, at + wide, 0.85),
            tuple(chance.uniform(50, 140) * chance.uniform(0.7, 1, 3)),
        )
        at += wide
    _rectangle(image, (0, 0.84, 1, 1), (128, 128, 130))
    for _ in range(4):
        x, y, radius = chance.uniform(0, 1), chance.uniform(0.35, 0.6), chance.uniform(0.06, 0.16)
        green = (74 + chance.uniform(0, 40), 104 + chance.uniform(0, 40), 58)
        cv2.circle(image, (int(x * SIDE), int(y * SIDE)), int(radius * SIDE), green, cv2.FILLED)
    return _bytes(_soft(image, chance.uniform(12, 18)))


def _lights(image: Floats, chance: np.random.Generator, count: int, tones: Floats) -> Floats:
    """The image of half the size with discs of light out of focus."""
    lit = image.copy()
    for _ in range(count):
        radius = int(chance.uniform(6, 26))
        side = 2 * radius + 9
        disc = np.zeros((side, side), np.float32)
        middle = (side // 2, side // 2)
        cv2.circle(disc, middle, radius, 1.0, cv2.FILLED, cv2.LINE_AA)
        cv2.circle(disc, middle, radius, 1.15, 1, cv2.LINE_AA)
        disc = cv2.GaussianBlur(disc, (0, 0), 1.5)
        rgb = tones[int(chance.integers(0, len(tones)))] * np.float32(chance.uniform(0.15, 0.6))
        left, top = (int(value) for value in chance.integers(0, _HALF - side, 2))
        lit[top : top + side, left : left + side] += disc[..., None] * rgb
    return lit


def _night(variant: int) -> Pixels:
    """A street at night: lamps and windows out of focus."""
    chance = textures.generator("night", variant)
    image = _canvas((20, 24, 38), (44, 36, 36))
    for _ in range(5):
        at, top = chance.uniform(-0.1, 0.95), chance.uniform(0, 0.5)
        tone = chance.uniform(18, 46)
        _rectangle(image, (at, top, at + chance.uniform(0.1, 0.35), 0.9), (tone, tone, tone * 1.2))
    tones = np.array(
        [(255, 196, 120), (255, 226, 180), (255, 120, 84), (150, 190, 255)], np.float32
    )
    return _bytes(_lights(_soft(image, 14), chance, 26, tones))


def _foliage(variant: int) -> Pixels:
    """Leaves out of focus, with light between them."""
    chance = textures.generator("foliage", variant)
    share = textures.noise(chance, (5, 5), 4, 0.65)
    image = surfaces.mixed((44, 66, 34), (158, 178, 96), share)
    tones = np.array([(190, 210, 120), (230, 236, 180), (120, 160, 70)], np.float32)
    return _bytes(_lights(_soft(image, 8), chance, 30, tones * 0.7))


def _sky(variant: int) -> Pixels:
    """A sky with soft clouds."""
    chance = textures.generator("sky", variant)
    image = _canvas((92, 146, 204), (196, 220, 238))
    clouds = textures.noise(chance, (2.5, 5), 5, 0.55)
    share = np.clip((clouds - 0.5) * 3, 0, 0.9)[..., None]
    sky = image * (1 - share) + np.float32(244) * share
    return _bytes(cv2.resize(sky, (_HALF, _HALF), interpolation=cv2.INTER_AREA))


def _shelf(variant: int) -> Pixels:
    """Shelves of goods out of focus."""
    chance = textures.generator("shelf", variant)
    image = _canvas((196, 188, 176), (150, 142, 130))
    for top in (0.02, 0.35, 0.68):
        at = 0.0
        while at < 1:
            wide, high = chance.uniform(0.05, 0.12), chance.uniform(0.16, 0.26)
            tone = chance.uniform(70, 210) * chance.uniform(0.66, 1.0, 3)
            for k in range(int(chance.integers(1, 4))):
                left = at + k * wide
                _rectangle(
                    image, (left, top + 0.28 - high, left + wide * 0.92, top + 0.28), tuple(tone)
                )
                label = tuple(np.minimum(tone * 1.25 + 30, 240))
                _rectangle(
                    image, (left + wide * 0.15, top + 0.15, left + wide * 0.75, top + 0.22), label
                )
            at += wide * (k + 1)
        _rectangle(image, (0, top + 0.28, 1, top + 0.31), (222, 220, 214))
        _rectangle(image, (0, top + 0.31, 1, top + 0.33), (96, 90, 84))
    return _bytes(_soft(image, chance.uniform(11, 16)))


PLACES = {
    "desk": Place(
        Name("wooden desk", "木桌"), True, lambda variant: surfaces.wood(variant, 3), turns=True
    ),
    "cloth": Place(Name("tablecloth", "桌布"), True, surfaces.cloth, turns=True),
    "stone": Place(Name("stone tabletop", "石质台面"), True, surfaces.stone, turns=True),
    "wall": Place(Name("plaster wall", "墙面"), True, surfaces.plaster),
    "bricks": Place(Name("brick wall", "砖墙"), True, surfaces.bricks, tiles=True),
    "boards": Place(
        Name("wall of boards", "木板墙"), True, lambda variant: surfaces.wood(variant, 5)
    ),
    "room": Place(Name("room", "房间"), False, _room, zoom=(0.8, 1.0)),
    "street": Place(Name("street", "街道"), False, _street),
    "night": Place(Name("street at night", "夜晚的街道"), False, _night),
    "foliage": Place(Name("garden", "花园"), False, _foliage),
    "sky": Place(Name("sky", "天空"), False, _sky),
    "shelf": Place(Name("shop with full shelves", "摆满货架的商店"), False, _shelf),
}


def choose(random: Random, names: tuple[str, ...]) -> tuple[Place, Pixels]:
    """One of the places, and a variant of it."""
    place = PLACES[random.choice(names)]
    variant = random.randrange(textures.VARIANTS)
    return place, place.make(variant) if place.plane else _far(place, variant)


@cache
def _far(place: Place, variant: int) -> Pixels:
    return place.make(variant)
