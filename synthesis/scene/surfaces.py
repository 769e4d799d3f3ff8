"""Materials that are both lain on and written on: wood, cloth, plaster, stone. All are RGBA."""

from functools import cache
from itertools import pairwise

import cv2
import numpy as np

from synthesis.raster import Pixels
from synthesis.scene import textures
from synthesis.scene.textures import SIDE, Floats

_WOODS = (  # early and late wood
    ((196, 154, 108), (150, 104, 62)),
    ((222, 188, 142), (188, 146, 98)),
    ((126, 84, 54), (84, 52, 32)),
    ((172, 140, 108), (128, 98, 70)),
    ((232, 206, 168), (206, 172, 126)),
)
_CLOTHS = (  # as the threads that go either way are dyed
    ((232, 224, 208), (158, 60, 52)),
    ((178, 52, 50), (236, 232, 226)),
    ((74, 98, 132), (226, 228, 230)),
    ((146, 158, 142), (238, 236, 224)),
    ((98, 128, 104), (232, 232, 222)),
)
_PLASTERS = ((214, 208, 198), (198, 204, 206), (226, 216, 196), (186, 190, 184), (206, 188, 172))


def mixed(low: tuple[int, int, int], high: tuple[int, int, int], share: Floats) -> Floats:
    """(H, W, 3) float32: ``low`` where the share is 0, ``high`` where it is 1."""
    channels = [first + share * (second - first) for first, second in zip(low, high, strict=True)]
    return np.asarray(cv2.merge(channels), np.float32)


def grain(chance: np.random.Generator, bow: float = 1.0) -> Floats:
    """The grain of a plank that runs to the right, 0 (early wood) to 1 (late wood)."""
    y = np.arange(SIDE, dtype=np.float32)[:, None] / SIDE
    rings = (y * chance.uniform(5, 9) + bow * textures.noise(chance, (1.2, 3), 2) * 3.2) * 2.2
    late = np.abs(np.mod(rings, 1) - 0.35) * 1.5
    fine = textures.noise(chance, (7, 200), 3, 0.6)
    pores = textures.noise(chance, (22, 330), 1) > 0.8
    return np.asarray(np.clip(0.4 * late + 0.55 * fine + 0.22 * pores - 0.05, 0, 1), np.float32)


@cache
def wood(variant: int, planks: int) -> Pixels:
    """(SIDE, SIDE, 4) boards that run to the right, ``planks`` of them."""
    chance = textures.generator(f"wood {planks}", variant)
    early, late = _WOODS[variant % len(_WOODS)]
    late_wood = grain(chance)
    image = np.empty((SIDE, SIDE, 3), np.float32)
    edges = np.linspace(0, SIDE, planks + 1).astype(int).tolist()
    for number, (top, bottom) in enumerate(pairwise(edges)):
        first = int(chance.integers(0, SIDE - (bottom - top) + 1))
        rows = late_wood[first : first + bottom - top]
        plank = mixed(early, late, rows[::-1, ::-1] if number % 2 else rows)
        image[top:bottom] = plank * np.float32(chance.uniform(0.88, 1.06))
        if top:
            image[top - 1 : top + 2] *= 0.42
            image[top + 2 : top + 3] *= 1.12
    return textures.opaque(image)


@cache
def cloth(variant: int) -> Pixels:
    """(SIDE, SIDE, 4) a woven tablecloth, checked, striped or with thin lines, and its creases."""
    chance = textures.generator("cloth", variant)
    weft, warp = _CLOTHS[variant % len(_CLOTHS)]
    y, x = np.mgrid[0:SIDE, 0:SIDE].astype(np.float32)
    period = chance.uniform(70, 120)
    across, down = ((np.mod(axis / period, 1) < 0.5).astype(np.float32) for axis in (x, y))
    lines = [(np.abs(np.mod(axis / period, 1) - 0.5) < 0.09).astype(np.float32) for axis in (x, y)]
    checks, thin = (across + down) / 2, (lines[0] + lines[1]) / 2
    pattern = {0: thin, 2: across}.get(variant % len(_CLOTHS), checks)
    weave = (
        0.94
        + 0.05 * np.sin(x * 1.9) * np.sin(y * 1.9)
        + 0.06 * textures.noise(chance, (300, 300), 1)
    )
    folds = textures.noise(chance, (3, 3), 2)
    shade = 1 + 5.5 * cv2.GaussianBlur(cv2.Sobel(folds, cv2.CV_32F, 1, 1, ksize=5), (0, 0), 6)
    shade = np.clip(shade, 0.8, 1.15) * _ironed(x) * _ironed(y)
    image = mixed(weft, warp, pattern) * (weave * shade)[..., None]
    return textures.opaque(image)


def _ironed(along: Floats) -> Floats:
    """The gain of the creases of a cloth that was kept folded: a third of it from each other."""
    off = np.mod(along + SIDE / 6, SIDE / 3) - SIDE / 6
    return np.asarray(1 + 0.05 * np.tanh(off / 4) * np.exp(-np.abs(off) / 26), np.float32)


@cache
def plaster(variant: int) -> Pixels:
    """(SIDE, SIDE, 4) a painted or bare wall, slightly rough."""
    chance = textures.generator("plaster", variant)
    rough = textures.noise(chance, (60, 60), 4, 0.75)
    slope = cv2.Sobel(rough, cv2.CV_32F, 1, 0) + cv2.Sobel(rough, cv2.CV_32F, 0, 1)
    stains = textures.noise(chance, (3, 3), 4, 0.6)
    shade = 0.96 + 0.08 * slope + 0.12 * (stains - 0.5)
    rgb = np.array(_PLASTERS[variant % len(_PLASTERS)], np.float32)
    return textures.opaque(rgb * shade[..., None])


@cache
def stone(variant: int) -> Pixels:
    """(SIDE, SIDE, 4) a table of light or dark stone with veins and specks."""
    chance = textures.generator("stone", variant)
    veins = np.zeros((SIDE, SIDE), np.float32)
    for wide in (0.02, 0.05):
        turbulent = textures.noise(chance, (1.5, 2.5), 6, 0.6)
        veins += np.exp(-np.abs(turbulent - 0.5) / wide) * textures.noise(chance, (3, 3), 2)
    specks = textures.noise(chance, (260, 260), 2, 0.8)
    dark = variant % 3 == 2
    ground, vein = ((64, 66, 70), (150, 148, 144)) if dark else ((230, 228, 222), (156, 154, 152))
    image = mixed(ground, vein, np.clip(0.4 * veins + 0.2 * (specks - 0.4), 0, 1))
    return textures.opaque(image)


_BRICKS = ((152, 84, 66), (168, 98, 72), (134, 92, 80), (176, 132, 104), (120, 70, 60))
_COURSES = 16


@cache
def bricks(variant: int) -> Pixels:
    """(SIDE, SIDE, 4) a wall of bricks in running bond that repeats, lit from the upper left."""
    chance = textures.generator("bricks", variant)
    high, wide = SIDE // _COURSES, SIDE // 6
    joint = 4
    tone = np.zeros((SIDE, SIDE), np.float32)
    body = np.zeros((SIDE, SIDE), np.float32)
    for row in range(_COURSES):
        for column in range(6):
            left = column * wide + (row % 2) * wide // 2 + int(chance.integers(-1, 2))
            top = row * high + int(chance.integers(0, 2))
            level = float(chance.uniform(0.7, 1.12))
            for start in (
                left,
                left - SIDE,
            ):  # what goes beyond the right edge comes in at the left
                corners = (start, top), (start + wide - joint, top + high - joint)
                cv2.rectangle(tone, *corners, level, cv2.FILLED)
                cv2.rectangle(body, *corners, 1.0, cv2.FILLED)
    ragged = textures.noise(chance, (70, 70), 3, 0.7)
    edge = cv2.GaussianBlur(body, (0, 0), 2.2) + 0.35 * (ragged - 0.5)
    body = np.clip((edge - 0.45) * 5, 0, 1)
    rough = textures.noise(chance, (140, 140), 3, 0.8)
    height = cv2.GaussianBlur(body, (0, 0), 1.3) * 1.6 + 0.5 * rough
    lit = 1 + 0.16 * (cv2.Sobel(height, cv2.CV_32F, 1, 0) + cv2.Sobel(height, cv2.CV_32F, 0, 1))
    clay = np.array(_BRICKS[variant % len(_BRICKS)], np.float32) * tone[..., None]
    clay *= (0.86 + 0.28 * rough)[..., None]
    mortar = np.array((186, 178, 166), np.float32) * (0.78 + 0.3 * ragged)[..., None]
    image = (mortar + body[..., None] * (clay - mortar)) * np.clip(lit, 0.6, 1.3)[..., None]
    return textures.opaque(image)
