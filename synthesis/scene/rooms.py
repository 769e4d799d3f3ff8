"""A room as it is seen from within: a corner of walls, ceiling and floor, a window, furniture."""

from collections.abc import Sequence

import cv2
import numpy as np

from synthesis.scene import textures
from synthesis.scene.textures import SIDE, Floats

Point = tuple[float, float]  # 0 to 1 of the room's image
Tone = tuple[float, float, float]
_WALLS = ((206, 200, 188), (172, 190, 196), (222, 206, 178), (166, 180, 158), (208, 180, 166))
_FLOORS = ((150, 112, 76), (112, 78, 52), (176, 140, 100))
_SOFAS = ((74, 98, 120), (132, 70, 58), (96, 108, 82), (120, 112, 104))
_CORNER, _CEILING, _FLOOR = 0.22, 0.13, 0.74  # where the walls, the ceiling and the floor meet
_EYE = (0.62, 0.5)  # where lines that lead away from the eye meet
_WHITE = (236.0, 234.0, 228.0)


def room(variant: int) -> Floats:
    """(SIDE, SIDE, 3) of a room in focus; every second one is the mirror image of the others."""
    chance = textures.generator("room", variant)
    image = np.zeros((SIDE, SIDE, 3), np.float32)
    wall = _WALLS[variant % len(_WALLS)]
    floor = _FLOORS[int(chance.integers(0, len(_FLOORS)))]
    _shell(image, wall, floor)
    _window(image, 0.36, 0.2, chance.uniform(0.24, 0.3), chance)
    _shelves(image, 0.78, chance)
    _lamp(image, 0.3)
    sofa = _SOFAS[int(chance.integers(0, len(_SOFAS)))]
    _sofa(image, chance.uniform(0.38, 0.44), chance.uniform(0.3, 0.36), sofa)
    _door(image, wall)
    return np.ascontiguousarray(image[:, ::-1]) if variant % 2 else image


def _fill(image: Floats, points: Sequence[Point], tone: Sequence[float]) -> None:
    corners = np.round(np.array(points) * SIDE).astype(np.int32)
    cv2.fillPoly(image, [corners], tuple(tone), cv2.LINE_AA)


def _box(
    image: Floats, left: float, top: float, right: float, low: float, tone: Sequence[float]
) -> None:
    _fill(image, [(left, top), (right, top), (right, low), (left, low)], tone)


def _lit(tone: Sequence[float], gain: float) -> Tone:
    red, green, blue = (min(255.0, value * gain) for value in tone)
    return red, green, blue


def _shell(image: Floats, wall: Sequence[float], floor: Sequence[float]) -> None:
    """Two walls, the ceiling, a floor of boards, and what runs along their edges."""
    near_top, near_low = -0.06, 0.98  # where those edges leave the image on the left
    _box(image, 0, 0, 1, 1, wall)
    left = [(0, near_top), (_CORNER, _CEILING), (_CORNER, _FLOOR), (0, near_low)]
    _fill(image, left, _lit(wall, 0.8))
    _fill(image, [(0, -0.2), (1, -0.2), (1, _CEILING), (_CORNER, _CEILING), (0, near_top)], _WHITE)
    ground = [(0, near_low), (_CORNER, _FLOOR), (1, _FLOOR), (1, 1), (0, 1)]
    _fill(image, ground, floor)
    for step in range(-12, 24):
        start = _EYE[0] + 0.06 * step * (_FLOOR - _EYE[1]) / 0.26
        end = _EYE[0] + (start - _EYE[0]) * (1 - _EYE[1]) / (_FLOOR - _EYE[1])
        far, near = (round(start * SIDE), round(_FLOOR * SIDE)), (round(end * SIDE), SIDE)
        if start > _CORNER:
            cv2.line(image, far, near, _lit(floor, 0.7), 3, cv2.LINE_AA)
    skirting = 0.03
    _box(image, _CORNER, _FLOOR - skirting, 1, _FLOOR, _WHITE)
    edge = [(0, near_low - 0.05), (_CORNER, _FLOOR - skirting), (_CORNER, _FLOOR), (0, near_low)]
    _fill(image, edge, _lit(_WHITE, 0.86))


def _window(
    image: Floats, left: float, top: float, wide: float, chance: np.random.Generator
) -> None:
    """Four bright panes between curtains on a rail."""
    right, low = left + wide, top + 0.34
    _box(image, left - 0.012, top - 0.012, right + 0.012, low + 0.012, _WHITE)
    _box(image, left, top, right, low, (214, 232, 246))
    _box(image, left, top + 0.22, right, low, (188, 208, 172))
    middle, half = left + wide / 2, 0.006
    _box(image, middle - half, top, middle + half, low, _WHITE)
    _box(image, left, top + 0.15, right, top + 0.15 + 2 * half, _WHITE)
    cloth = _lit((198, 168, 140), chance.uniform(0.8, 1.1))
    for start in (left - 0.075, right - 0.015):
        for fold in range(5):
            at = start + 0.018 * fold
            _box(image, at, top - 0.03, at + 0.018, low + 0.06, _lit(cloth, 1 - 0.14 * (fold % 2)))
    _box(image, left - 0.09, top - 0.04, right + 0.09, top - 0.028, (86, 70, 58))


def _shelves(image: Floats, left: float, chance: np.random.Generator) -> None:
    """A bookcase with three rows of books against the wall."""
    right, top = left + 0.2, 0.3
    _box(image, left, top, right, _FLOOR + 0.02, (112, 80, 54))
    for row in range(3):
        low = top + 0.145 * (row + 1)
        _box(image, left + 0.012, low - 0.13, right - 0.012, low, (70, 50, 36))
        at = left + 0.014
        while at < right - 0.04:
            wide, high = chance.uniform(0.012, 0.024), chance.uniform(0.075, 0.115)
            tone = chance.uniform(90, 220, 3).tolist()
            _box(image, at, low - high, at + wide, low, tone)
            at += wide + 0.002


def _lamp(image: Floats, at: float) -> None:
    """A floor lamp with a bright shade."""
    _box(image, at - 0.004, 0.4, at + 0.004, _FLOOR + 0.06, (60, 54, 50))
    _box(image, at - 0.04, _FLOOR + 0.05, at + 0.04, _FLOOR + 0.065, (60, 54, 50))
    shade = [(at - 0.035, 0.3), (at + 0.035, 0.3), (at + 0.06, 0.42), (at - 0.06, 0.42)]
    _fill(image, shade, (252, 236, 196))


def _sofa(image: Floats, left: float, wide: float, tone: Sequence[float]) -> None:
    """A sofa with two cushions before the wall."""
    right, low = left + wide, _FLOOR + 0.1
    _box(image, left + 0.02, _FLOOR - 0.13, right - 0.02, low - 0.03, tone)
    _box(image, left + 0.03, _FLOOR - 0.02, right - 0.03, low - 0.03, _lit(tone, 1.2))
    for at in (left, right - 0.05):
        _box(image, at, _FLOOR - 0.06, at + 0.05, low, _lit(tone, 0.84))
    _box(image, left + 0.05, low - 0.035, right - 0.05, low - 0.005, _lit(tone, 0.7))
    for at, colour in ((left + 0.07, (220, 190, 110)), (right - 0.13, (224, 220, 210))):
        cushion = [(at, _FLOOR - 0.09), (at + 0.07, _FLOOR - 0.08), (at + 0.06, _FLOOR - 0.015)]
        _fill(image, [*cushion, (at - 0.005, _FLOOR - 0.02)], colour)


def _door(image: Floats, wall: Sequence[float]) -> None:
    """A door in the wall that leads towards the eye."""
    frame = [(0.05, 0.24), (0.16, 0.29), (0.16, 0.8), (0.05, 0.92)]
    _fill(image, frame, _WHITE)
    _fill(image, [(0.06, 0.26), (0.15, 0.3), (0.15, 0.79), (0.06, 0.89)], (168, 128, 92))
    for top, low in ((0.33, 0.5), (0.57, 0.74)):
        panel = [(0.075, top), (0.135, top + 0.015), (0.135, low), (0.075, low + 0.03)]
        _fill(image, panel, (148, 110, 78))
    _fill(image, [(0.137, 0.54), (0.147, 0.54), (0.147, 0.57), (0.137, 0.57)], (230, 200, 120))
