"""The image around a sheet: what lies behind it, its shadow there, what carries it, the light."""

import math
from dataclasses import dataclass
from random import Random

import cv2
import numpy as np

from synthesis.description import Name
from synthesis.image_sizes import Size
from synthesis.raster import Pixels
from synthesis.scene import backgrounds, footing, geometry, light, surroundings, textures
from synthesis.scene.geometry import Region
from synthesis.scene.inscribed import Inscribed
from synthesis.scene.light import Gain
from synthesis.scene.streams import Streams

_IN_FRONT_SHARE = 0.07
_AROUND = 4  # pixels: what the edges of glyphs may be beyond the box of the text


@dataclass(frozen=True)
class Behind:
    """What lies behind a sheet (H, W, 3), and its name: none where it is the user's own image."""

    image: Pixels
    name: Name | None


@dataclass(frozen=True)
class Setting:
    """Where a sheet is put, whatever is written on it: ``ground`` (H, W, 3) is what lies behind it
    with its shadow and what carries it, ``alpha`` (h, w) the sheet in its ``region``. ``match``
    brings the sheet to the user's image; ``around`` is the share of the image beside the sheet.
    """

    ground: Pixels
    name: Name | None
    region: Region
    alpha: Pixels
    match: Gain
    around: float


@dataclass(frozen=True)
class Scene:
    """An image (H, W, 3), what is in front of its glyphs (H, W), what the surroundings are called:
    nothing where none are seen or where they are the user's own; and what the ``light`` on the
    text makes of a level. ``around`` is the share of the image that the sheet leaves to its
    surroundings.
    """

    image: Pixels
    before: Pixels | None
    surroundings: Name | None
    light: Gain
    around: float


def compose(steps: Streams, text: Inscribed, canvas: Size, place: Setting | None) -> Scene:
    """The inked sheet in its ``setting``; one that goes beyond the image has none."""
    match: Gain = place.match if place else (1.0, 1.0, 1.0)
    placed = _placed(text, place) if place else _filling(text, canvas)
    over = light.over(steps("light"), text.sun, *canvas)
    image = light.lit(placed, over)
    before = _in_front(steps("front"), image)
    red, green, blue = light.gain(over, *text.extent())
    seen = red * match[0], green * match[1], blue * match[2]
    name, around = (place.name, place.around) if place else (None, 0.0)
    return Scene(image, before, name, seen, around)


def setting(
    steps: Streams, text: Inscribed, canvas: Size, paths: tuple[str, ...], known: Behind | None
) -> Setting | None:
    """Where the sheet is put: before what is ``known`` to lie behind it, else before surroundings
    of its medium or one of the user's images at ``paths``. None where it goes beyond the image.

    Raises ``UnrenderableError`` (``bad_background``).
    """
    if text.beyond:
        return None
    behind = known or look_behind(steps, text, canvas, paths)
    ground = behind.image.copy()
    medium, region = text.medium, _region(text, canvas)
    alpha = _alpha(text, region)
    random = steps("support")
    if medium.support == "post":
        footing.post(random, ground, region, text.sun)
    if medium.support == "table":
        footing.table(random, ground, region)
    if medium.support == "stand":
        footing.stand(random, ground, region)
    if medium.lift:
        lift = medium.lift * min(canvas) / 640
        ground = footing.shadowed(ground, alpha, region, lift, text.sun)
    match = _match(behind.image) if paths else (1.0, 1.0, 1.0)
    around = 1 - cv2.countNonZero(alpha) / (canvas[0] * canvas[1])
    return Setting(ground, behind.name, region, alpha, match, around)


def _region(text: Inscribed, canvas: Size) -> Region:
    height, width = text.sheet.ground.shape[:2]
    return text.surface.region(geometry.edge(width, height), *canvas)


def _alpha(text: Inscribed, region: Region) -> Pixels:
    """(h, w) of the sheet in the region: 255 where it hides what is behind it."""
    outline = text.sheet.outline
    if outline is None:
        outline = np.full(text.sheet.ground.shape[:2], 255, np.uint8)
    return text.surface.warp(np.ascontiguousarray(outline), region)


def _placed(text: Inscribed, place: Setting) -> Pixels:
    """The inked sheet in its setting."""
    layer = cv2.cvtColor(text.sheet.ground, cv2.COLOR_RGB2RGBA)
    seen = text.surface.warp(np.asarray(layer, np.uint8), place.region)
    front = np.asarray(cv2.cvtColor(seen, cv2.COLOR_RGBA2RGB), np.uint8)
    if place.match != (1.0, 1.0, 1.0):
        front = np.asarray(cv2.multiply(front, (*place.match, 1.0)), np.uint8)
    image, slices = place.ground.copy(), place.region.slices
    image[slices] = textures.blended(front, image[slices], place.alpha)
    return image


def _filling(text: Inscribed, canvas: Size) -> Pixels:
    """The inked sheet all over the image."""
    layer = cv2.cvtColor(text.sheet.ground, cv2.COLOR_RGB2RGBA)
    warped = text.surface.warp(np.asarray(layer, np.uint8), Region(0, 0, *canvas), endless=True)
    return np.asarray(cv2.cvtColor(warped, cv2.COLOR_RGBA2RGB), np.uint8)


def coverage(text: Inscribed, canvas: Size) -> Pixels:
    """(H, W) of the glyphs in the image."""
    left, top, right, bottom = text.extent()
    low = max(0, math.floor(left) - _AROUND), max(0, math.floor(top) - _AROUND)
    high = min(canvas[0], math.ceil(right) + _AROUND), min(canvas[1], math.ceil(bottom) + _AROUND)
    region = Region(*low, high[0] - low[0], high[1] - low[1])
    seen = np.zeros(canvas[::-1], np.uint8)
    seen[region.slices] = text.surface.warp(text.coverage, region)
    return seen


def look_behind(steps: Streams, text: Inscribed, canvas: Size, paths: tuple[str, ...]) -> Behind:
    """What lies behind the sheet. Raises ``UnrenderableError`` (``bad_background``)."""
    random = steps("behind")
    width, height = canvas
    if paths:
        image = backgrounds.choose(random, paths)
        return Behind(_cropped(random, image, canvas), None)
    place, texture = surroundings.choose(random, text.medium.places)
    if not place.plane:
        far = random.uniform(*place.zoom)
        return Behind(textures.patch(random, texture, width, height, far), place.name)
    zoom = max(canvas) / textures.SIDE * random.uniform(1.0, 1.4)
    centre = text.coverage.shape[1] / 2, text.coverage.shape[0] / 2
    shift = [random.uniform(-0.3, 0.3) * textures.SIDE - textures.SIDE / 2 for _ in range(2)]
    mirrored = random.choice((-1.0, 1.0))
    turn = random.choice((0.0, 0.5)) * math.pi + random.uniform(-0.6, 0.6) if place.turns else 0.0
    matrix = (
        text.surface.matrix
        @ geometry.moved(*centre)
        @ geometry.turned(turn)
        @ geometry.scaled(zoom * mirrored, zoom)
        @ geometry.moved(*shift)
    )
    border = cv2.BORDER_WRAP if place.tiles else cv2.BORDER_REFLECT_101
    plane = cv2.warpPerspective(texture, matrix, canvas, flags=cv2.INTER_LINEAR, borderMode=border)
    return Behind(np.asarray(cv2.cvtColor(plane, cv2.COLOR_RGBA2RGB), np.uint8), place.name)


def _cropped(random: Random, image: Pixels, canvas: Size) -> Pixels:
    """A random part of an image in the shape of the canvas, more or less out of focus."""
    height, width = image.shape[:2]
    scale = max(canvas[0] / width, canvas[1] / height) * random.uniform(1.0, 1.3)
    across, down = (
        max(1, min(length, round(side / scale)))
        for side, length in zip(canvas, (width, height), strict=True)
    )
    left, top = random.randint(0, width - across), random.randint(0, height - down)
    window = image[top : top + down, left : left + across]
    how = cv2.INTER_AREA if across > canvas[0] else cv2.INTER_LINEAR
    sized = cv2.resize(window, canvas, interpolation=how)
    sigma = random.choice((0.0, 0.0, 1.5, 3.0)) * min(canvas) / 640
    return np.asarray(cv2.GaussianBlur(sized, (0, 0), sigma) if sigma else sized, np.uint8)


def _match(behind: Pixels) -> Gain:
    """What brings a sheet to about the brightness and tint of the user's image."""
    mean = np.array(cv2.mean(behind)[:3])
    grey = max(float(mean.mean()), 1.0)
    red, green, blue = (min(1.04, max(0.72, grey / 140)) * (0.85 + 0.15 * mean / grey)).tolist()
    return red, green, blue


def _in_front(random: Random, image: Pixels) -> Pixels | None:
    """Sometimes something far out of focus reaches into a corner; its (H, W) mask."""
    height, width = image.shape[:2]
    if random.random() < _IN_FRONT_SHARE:
        mask = np.zeros((height // 8, width // 8), np.uint8)
        corner = (random.choice((0, width // 8)), random.choice((0, height // 8)))
        side = min(mask.shape)
        axes = (round(random.uniform(0.1, 0.3) * side), round(random.uniform(0.06, 0.16) * side))
        cv2.ellipse(mask, corner, axes, random.uniform(0, 180), 0, 360, (235,), cv2.FILLED)
        mask = np.asarray(cv2.GaussianBlur(mask, (0, 0), 0.035 * side), np.uint8)
        large = cv2.resize(mask, (width, height), interpolation=cv2.INTER_LINEAR)
        tone = random.choice(((46, 60, 34), (40, 38, 40), (88, 62, 44)))
        blob = textures.solid(width, height, tone)
        image[:] = textures.blended(blob, image, np.asarray(large, np.uint8))
        return np.asarray(large, np.uint8)
    return None
