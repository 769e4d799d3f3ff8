"""The picture around a sheet: what lies behind it, its shadow there, what carries it, the light."""

from dataclasses import dataclass
from random import Random

import cv2
import numpy as np

from synthesis.canvas import Size
from synthesis.description import Name
from synthesis.drawing import Pixels
from synthesis.scene import backgrounds, geometry, light, surfaces, surroundings, textures
from synthesis.scene.geometry import Region, Surface
from synthesis.scene.inscribed import Inscribed
from synthesis.scene.light import Light
from synthesis.scene.medium import Medium, Sheet
from synthesis.scene.textures import NEUTRAL

_SHADOW_SCALE = 4  # shadows are soft: drawn at a quarter of the size
_IN_FRONT_SHARE = 0.07
_CARRIED = 0.86  # a table begins at so much of the height of what stands on it


@dataclass(frozen=True)
class Scene:
    """A picture (H, W, 3), where its glyphs are (H, W), what is in front of them (H, W), and what
    the surroundings are called: nothing where none are seen or where they are the user's own.
    """

    picture: Pixels
    coverage: Pixels
    before: Pixels | None
    surroundings: Name | None


def compose(random: Random, text: Inscribed, canvas: Size, paths: tuple[str, ...]) -> Scene:
    """The inked sheet in its surroundings, or before one of the user's pictures at ``paths``.

    Raises ``UnrenderableError`` (``bad_background``).
    """
    width, height = canvas
    medium, sheet, coverage, sun, beyond = (
        text.medium,
        text.sheet,
        text.coverage,
        text.sun,
        text.beyond,
    )
    surface = text.surface
    behind, name = _behind(random, medium, surface, sheet, canvas, paths)
    region = Region(0, 0, width, height)
    if not beyond:
        extent = geometry.edge(sheet.ground.shape[1], sheet.ground.shape[0])
        region = surface.region(extent, width, height)
    outline = np.full_like(coverage, 255) if sheet.outline is None else sheet.outline
    layer = cv2.cvtColor(sheet.ground, cv2.COLOR_RGB2RGBA)
    cv2.insertChannel(outline, layer, 3)
    seen, glyphs = surface.warp([layer, coverage], region, endless=beyond)
    alpha = np.asarray(cv2.extractChannel(seen, 3), np.uint8)
    if medium.support != "nothing":
        _support(random, medium, behind, region, sun, matched=bool(paths))
    if medium.lift and not beyond:
        behind = _shadowed(behind, alpha, region, medium.lift * min(canvas) / 640, sun)
    front = cv2.cvtColor(seen, cv2.COLOR_RGBA2RGB)
    if paths:
        front = _matched(front, behind)
    rows = region.slices
    behind[rows] = textures.blended(front, behind[rows], alpha)
    whole = np.zeros((height, width), np.uint8)
    whole[rows] = glyphs
    picture = light.lit(behind, light.over(random, sun, width, height))
    before = _in_front(random, picture)
    return Scene(picture, whole, before, None if beyond else name)


def _behind(
    random: Random,
    medium: Medium,
    surface: Surface,
    sheet: Sheet,
    canvas: Size,
    paths: tuple[str, ...],
) -> tuple[Pixels, Name | None]:
    """(H, W, 3) of the surroundings, and their name."""
    width, height = canvas
    if paths:
        picture = backgrounds.choose(random, paths)
        return _cropped(random, picture, canvas), None
    place, texture = surroundings.choose(random, medium.places)
    if not place.plane:
        return textures.patch(random, texture, width, height, random.uniform(0.9, 1.3)), place.name
    zoom = max(canvas) / textures.SIDE * random.uniform(1.0, 1.4)
    centre = sheet.ground.shape[1] / 2, sheet.ground.shape[0] / 2
    shift = [random.uniform(-0.3, 0.3) * textures.SIDE - textures.SIDE / 2 for _ in range(2)]
    turn = random.choice((-1.0, 1.0))
    matrix = (
        surface.matrix
        @ geometry.moved(*centre)
        @ geometry.scaled(zoom * turn, zoom)
        @ geometry.moved(*shift)
    )
    plane = cv2.warpPerspective(
        texture, matrix, canvas, flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REFLECT_101
    )
    return np.asarray(cv2.cvtColor(plane, cv2.COLOR_RGBA2RGB), np.uint8), place.name


def _cropped(random: Random, picture: Pixels, canvas: Size) -> Pixels:
    """A random part of a picture in the shape of the canvas, more or less out of focus."""
    height, width = picture.shape[:2]
    scale = max(canvas[0] / width, canvas[1] / height) * random.uniform(1.0, 1.3)
    across, down = (
        max(1, min(whole, round(side / scale)))
        for side, whole in zip(canvas, (width, height), strict=True)
    )
    left, top = random.randint(0, width - across), random.randint(0, height - down)
    window = picture[top : top + down, left : left + across]
    how = cv2.INTER_AREA if across > canvas[0] else cv2.INTER_LINEAR
    sized = cv2.resize(window, canvas, interpolation=how)
    sigma = random.choice((0.0, 0.0, 1.5, 3.0)) * min(canvas) / 640
    return np.asarray(cv2.GaussianBlur(sized, (0, 0), sigma) if sigma else sized, np.uint8)


def _matched(front: Pixels, behind: Pixels) -> Pixels:
    """The sheet in about the brightness and tint of the user's picture."""
    mean = np.array(cv2.mean(behind)[:3])
    grey = max(float(mean.mean()), 1.0)
    gain = min(1.04, max(0.72, grey / 140)) * (0.85 + 0.15 * mean / grey)
    return np.asarray(cv2.multiply(front, (*gain.tolist(), 1.0)), np.uint8)


def _shadowed(behind: Pixels, alpha: Pixels, region: Region, lift: float, sun: Light) -> Pixels:
    """The shadow of the sheet on what is behind it: close and dark, and wide and faint."""
    height, width = behind.shape[:2]
    whole = np.zeros((height, width), np.uint8)
    whole[region.slices] = alpha
    small = cv2.resize(whole, (width // _SHADOW_SCALE, height // _SHADOW_SCALE))
    gain = np.full(small.shape, NEUTRAL, np.float32)
    for reach, dark in ((0.5, 0.34), (1.8, 0.16 + 0.14 * sun.hardness)):
        by = reach * lift / _SHADOW_SCALE
        shift = np.array([[1, 0, -sun.x * by], [0, 1, -sun.y * by]])
        fallen = cv2.warpAffine(small, shift, small.shape[::-1], borderMode=cv2.BORDER_REPLICATE)
        soft = cv2.GaussianBlur(fallen, (0, 0), max(0.5, 0.8 * by))
        gain *= 1 - (dark / 255) * soft.astype(np.float32)
    large = cv2.resize(gain.astype(np.uint8), (width, height), interpolation=cv2.INTER_LINEAR)
    return textures.multiplied(behind, np.asarray(large, np.uint8))


def _support(
    random: Random, medium: Medium, behind: Pixels, region: Region, sun: Light, *, matched: bool
) -> None:
    """Draw the table or the post that carries the medium, in place."""
    height, width = behind.shape[:2]
    if medium.support == "post":
        wide = max(4, round(random.uniform(0.03, 0.05) * min(width, height)))
        left = region.left + region.width // 2 - wide // 2 + random.randint(-wide, wide)
        left = min(max(left, 0), width - wide)
        around = np.sin(np.linspace(0.25, 2.7, wide, dtype=np.float32) - 0.3 * sun.x)
        tone = random.uniform(95, 165)
        shade = np.clip(around * tone + 25, 0, 255).astype(np.uint8)
        top = region.top + region.height // 4
        behind[top:, left : left + wide] = shade[None, :, None]
        return
    if matched:
        return
    edge = round(region.top + region.height * _CARRIED)
    if edge >= height - 4:
        return
    make = random.choice((lambda variant: surfaces.wood(variant, 3), surfaces.stone))
    texture = make(random.randrange(textures.VARIANTS))
    deep = textures.patch(random, texture, width, (height - edge) * 3)
    deep = deep[: 3 * (height - edge)]
    table = np.asarray(cv2.resize(deep, (width, height - edge), interpolation=cv2.INTER_AREA))
    behind[edge:] = textures.multiplied(table, _at_foot(region, width, height, edge))


def _at_foot(region: Region, width: int, height: int, edge: int) -> Pixels:
    """The gain on a table below row ``edge``: lighter when near, dark where something stands."""
    small = (max(1, width // _SHADOW_SCALE), max(1, (height - edge) // _SHADOW_SCALE))
    near = np.linspace(0.82, 1.06, small[1], dtype=np.float32)[:, None]
    shade = np.ones(small[::-1], np.float32)
    base = (region.left + region.width // 2, region.top + region.height - 2 - edge)
    axes = (round(region.width * 0.49), max(3, round(region.height * 0.025)))
    centre, half = (tuple(value // _SHADOW_SCALE for value in pair) for pair in (base, axes))
    cv2.ellipse(shade, centre, (half[0], half[1] + 1), 0, 0, 360, (0.4,), cv2.FILLED)
    soft = cv2.GaussianBlur(shade, (0, 0), max(1.0, 0.9 * half[1]))
    gain = (NEUTRAL * near * soft).astype(np.uint8)
    return np.asarray(cv2.resize(gain, (width, height - edge)), np.uint8)


def _in_front(random: Random, picture: Pixels) -> Pixels | None:
    """Sometimes something far out of focus reaches into a corner; its (H, W) mask."""
    height, width = picture.shape[:2]
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
        picture[:] = textures.blended(blob, picture, np.asarray(large, np.uint8))
        return np.asarray(large, np.uint8)
    return None
