"""Parts that sheets are made of: frames, outlines, colours, soft waves and their shading."""

import math
from random import Random

import cv2
import numpy as np

from curation.picture.colours import RGB
from synthesis.raster import Pixels
from synthesis.scene import textures
from synthesis.scene.bends import Wave
from synthesis.scene.light import Light
from synthesis.scene.textures import NEUTRAL
from synthesis.text.layout import Frame

_COARSE = 40


def inside(width: float, height: float, across: float, down: float | None = None) -> Frame:
    """The rectangle within margins, which are shares of the width and of the height."""
    x, y = across * width, (across if down is None else down) * height
    return Frame(x, y, width - 2 * x, height - 2 * y)


def rounded(width: int, height: int, radius: float) -> Pixels:
    """The (H, W) outline of a rectangle with round corners."""
    mask = np.zeros((height, width), np.uint8)
    box(mask, (0, 0, width, height), radius, 255)
    return mask


def box(
    image: Pixels, edges: tuple[float, float, float, float], radius: float, value: RGB | int
) -> None:
    """Fill the box (left, top, right, bottom) with round corners of ``radius`` pixels."""
    left, top, right, bottom = (round(edge) for edge in edges)
    r = max(0, min(round(radius), (right - left) // 2 - 1, (bottom - top) // 2 - 1))
    colour = value if isinstance(value, tuple) else (value,)
    cv2.rectangle(image, (left + r, top), (right - r - 1, bottom - 1), colour, cv2.FILLED)
    cv2.rectangle(image, (left, top + r), (right - 1, bottom - r - 1), colour, cv2.FILLED)
    for x in (left + r, right - r - 1):
        for y in (top + r, bottom - r - 1):
            cv2.circle(image, (x, y), r, colour, cv2.FILLED, cv2.LINE_AA)


def border(
    image: Pixels, inset: float, thickness: float, radius: float, line: RGB, within: RGB
) -> None:
    """A line along the edge: a box of its colour, and one of the colour within it."""
    height, width = image.shape[:2]
    for depth, colour in ((inset, line), (inset + thickness, within)):
        edges = (depth, depth, width - depth, height - depth)
        box(image, edges, max(radius - depth, 0), colour)


def jittered(random: Random, rgb: RGB, by: int = 8) -> RGB:
    """The colour, each channel moved by at most ``by``, together more than apart."""
    common = random.randint(-by, by)
    red, green, blue = (
        min(255, max(0, value + common + random.randint(-by // 3, by // 3))) for value in rgb
    )
    return red, green, blue


def flat(width: int, height: int, rgb: RGB) -> Pixels:
    """A (H, W, 3) ground of one colour."""
    return textures.solid(width, height, rgb)


def wave(
    random: Random, light: Light, width: int, height: int, amount: float
) -> tuple[Wave, Pixels]:
    """Soft waves of a sheet and the (H, W) gain of the light on them.

    ``amount`` is how far points move, as a share of the shorter side.
    """
    terms = []
    y, x = np.mgrid[0 : height : _COARSE * 1j, 0 : width : _COARSE * 1j]
    shade = np.zeros((_COARSE, _COARSE))
    side = min(width, height)
    for _ in range(3):
        angle = random.uniform(0, math.pi)
        length = random.uniform(0.7, 1.6) * side
        kx, ky = (2 * math.pi / length * turn for turn in (math.cos(angle), math.sin(angle)))
        phase = random.uniform(0, 2 * math.pi)
        reach = amount * side * random.uniform(0.4, 1)
        terms.append((reach * random.uniform(-1, 1), reach * random.uniform(-1, 1), kx, ky, phase))
        slope = np.cos(x * kx + y * ky + phase) * reach * 2 * math.pi / length
        shade -= slope * (light.x * math.cos(angle) + light.y * math.sin(angle))
    gain = np.clip(NEUTRAL * (1 + 0.75 * shade), 60, 190).astype(np.uint8)
    smooth = cv2.resize(gain, (width, height), interpolation=cv2.INTER_CUBIC)
    return Wave(tuple(terms)), np.asarray(smooth, np.uint8)


def combined(*gains: Pixels) -> Pixels:
    """The product of (H, W) gains."""
    product = gains[0]
    for gain in gains[1:]:
        product = np.asarray(cv2.multiply(product, gain, scale=1 / NEUTRAL), np.uint8)
    return product


def blotches(random: Random, name: str, width: int, height: int, depth: float) -> Pixels:
    """A slow (H, W) gain around 1 that varies by ``depth``: stains, uneven dye."""
    field = textures.patch(random, textures.clouds(name, random.randrange(3)), width, height)
    return np.asarray(cv2.convertScaleAbs(field, alpha=depth, beta=NEUTRAL * (1 - depth)), np.uint8)


def gloss(random: Random, width: int, height: int, strength: float) -> Pixels:
    """A soft slanting reflection, (H, W), to be added: at most ``strength`` of white."""
    y, x = np.mgrid[0 : 1 : _COARSE * 1j, 0 : 1 : _COARSE * 1j].astype(np.float32)
    along = x + random.uniform(0.2, 0.8) * y
    start, wide = random.uniform(0.2, 1.0), random.uniform(0.15, 0.4)
    beyond = np.clip((along - start - 0.8 * wide) / 0.09, 0, 1)  # as soft as the cells are coarse
    band = np.exp(-(((along - start) / wide) ** 2)) + 0.5 * beyond
    coarse = np.clip(band * 255 * strength, 0, 255).astype(np.uint8)
    smooth = cv2.resize(coarse, (width, height), interpolation=cv2.INTER_LINEAR)
    return np.asarray(smooth, np.uint8)


def darken_edges(ground: Pixels, share: float, gain: float) -> None:
    """Darken a soft band along the edges, in place: ``share`` of the shorter side wide."""
    height, width = ground.shape[:2]
    mask = np.full((height, width), round(gain * NEUTRAL), np.uint8)
    wide = max(2, round(share * min(width, height)))
    mask[wide:-wide, wide:-wide] = NEUTRAL
    ground[:] = textures.multiplied(ground, np.asarray(cv2.blur(mask, (wide, wide)), np.uint8))


def rim(ground: Pixels, thick: int, rgb: RGB, light: Light) -> None:
    """A raised frame of one colour along the edge, its sides lit, with its shadow, in place."""
    height, width = ground.shape[:2]
    shade = np.full((height, width), NEUTRAL, np.uint8)
    cast = max(2, thick // 2)
    if light.y < 0:
        shade[thick : thick + cast, thick:-thick] = 84
    if light.x < 0:
        shade[thick:-thick, thick : thick + cast] = 84
    else:
        shade[thick:-thick, -thick - cast : -thick] = 84
    ground[:] = textures.multiplied(ground, np.asarray(cv2.blur(shade, (cast, cast)), np.uint8))
    for side, towards in (
        ("top", -light.y),
        ("left", -light.x),
        ("right", light.x),
        ("low", light.y),
    ):
        level = 1 + 0.16 * towards
        tone = [min(255, value * level) for value in rgb]
        corners = {
            "top": [(0, 0), (width, 0), (width - thick, thick), (thick, thick)],
            "left": [(0, 0), (thick, thick), (thick, height - thick), (0, height)],
            "right": [
                (width, 0),
                (width, height),
                (width - thick, height - thick),
                (width - thick, thick),
            ],
            "low": [
                (0, height),
                (thick, height - thick),
                (width - thick, height - thick),
                (width, height),
            ],
        }[side]
        cv2.fillPoly(ground, [np.array(corners, np.int32)], tone, cv2.LINE_AA)
    dark = [value * 0.5 for value in rgb]
    cv2.rectangle(ground, (thick, thick), (width - thick, height - thick), dark, 1)
