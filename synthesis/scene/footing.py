"""What ties a medium to its surroundings: its shadow, the table or the post that carries it."""

from random import Random

import cv2
import numpy as np

from synthesis.raster import Pixels
from synthesis.scene import surfaces, textures
from synthesis.scene.geometry import Region
from synthesis.scene.light import Light
from synthesis.scene.textures import NEUTRAL

_SHADOW_SCALE = 4  # shadows are soft: drawn at a quarter of the size
_NECK, _FOOT = 0.07, 0.17  # a monitor's: its height, and half its width, as shares
_CARRIED = 0.86  # a table begins at so much of the height of what stands on it


def shadowed(behind: Pixels, alpha: Pixels, region: Region, lift: float, sun: Light) -> Pixels:
    """The shadow of the sheet on what is behind it: close and dark, and wide and faint."""
    height, width = behind.shape[:2]
    return textures.multiplied(behind, shadow(alpha, region, (height, width), lift, sun))


def shadow(
    alpha: Pixels, region: Region, shape: tuple[int, int], lift: float, sun: Light
) -> Pixels:
    """The gain of the shadow that a sheet with that ``alpha`` in the region casts, (H, W)."""
    height, width = shape
    cast = np.zeros((height, width), np.uint8)
    cast[region.slices] = alpha
    small = cv2.resize(cast, (width // _SHADOW_SCALE, height // _SHADOW_SCALE))
    gain = np.full(small.shape, NEUTRAL, np.float32)
    for reach, dark in ((0.5, 0.34), (1.8, 0.16 + 0.14 * sun.hardness)):
        by = reach * lift / _SHADOW_SCALE
        shift = np.array([[1, 0, -sun.x * by], [0, 1, -sun.y * by]])
        fallen = cv2.warpAffine(small, shift, small.shape[::-1], borderMode=cv2.BORDER_REPLICATE)
        soft = cv2.GaussianBlur(fallen, (0, 0), max(0.5, 0.8 * by))
        gain *= 1 - (dark / 255) * soft.astype(np.float32)
    large = cv2.resize(gain.astype(np.uint8), (width, height), interpolation=cv2.INTER_LINEAR)
    return np.asarray(large, np.uint8)


def post(random: Random, behind: Pixels, region: Region, sun: Light) -> None:
    """Draw the post of metal that carries what is in the region, in place."""
    height, width = behind.shape[:2]
    wide = max(4, round(random.uniform(0.03, 0.05) * min(width, height)))
    left = region.left + region.width // 2 - wide // 2 + random.randint(-wide, wide)
    left = min(max(left, 0), width - wide)
    around = np.sin(np.linspace(0.25, 2.7, wide, dtype=np.float32) - 0.3 * sun.x)
    tone = random.uniform(95, 165)
    shade = np.clip(around * tone + 25, 0, 255).astype(np.uint8)
    top = region.top + region.height // 4
    behind[top:, left : left + wide] = shade[None, :, None]


def table(random: Random, behind: Pixels, region: Region) -> None:
    """Draw the table on which what is in the region stands, in place."""
    height, width = behind.shape[:2]
    edge = round(region.top + region.height * _CARRIED)
    if edge >= height - 4:
        return
    make = random.choice((lambda variant: surfaces.wood(variant, 3), surfaces.stone))
    texture = make(random.randrange(textures.VARIANTS))
    deep = textures.patch(random, texture, width, (height - edge) * 3)
    table = np.asarray(cv2.resize(deep, (width, height - edge), interpolation=cv2.INTER_AREA))
    behind[edge:] = textures.multiplied(table, _at_foot(region, width, height, edge))


def stand(random: Random, behind: Pixels, region: Region) -> None:
    """Draw the foot of a monitor that is in the region, on a table, in place."""
    height, width = behind.shape[:2]
    rise = round(_NECK * region.height)
    low = min(region.top + region.height + rise, height - 2)
    middle, wide = region.left + region.width // 2, round(_FOOT * region.width)
    around = Region(middle - wide, region.top, 2 * wide, region.height + rise)
    table(random, behind, around)
    tone = random.choice((46, 52, 150, 176))
    axes = (wide, max(2, round(0.14 * wide)))
    for up, level in ((0, 0.62), (max(1, axes[1] // 5), 1.0)):
        rgb = (tone * level, tone * level, tone * level * 1.03)
        cv2.ellipse(behind, (middle, low - up), axes, 0, 0, 360, rgb, cv2.FILLED, cv2.LINE_AA)
    half = max(2, round(0.3 * wide))
    top, left = region.top + region.height // 2, max(0, middle - half)
    round_neck = np.sin(np.linspace(0.5, 2.7, 2 * half, dtype=np.float32)) * tone * 0.92
    shade = np.clip(round_neck, 0, 255).astype(np.uint8)[: width - left]
    behind[top:low, left : left + len(shade)] = shade[None, :, None]


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
