"""Where a change of a scene shows in its image: what is projected, softened by the camera."""

import math
from collections.abc import Sequence

import cv2
import numpy as np

from synthesis.edits.edit import Mask
from synthesis.edits.scenes.studio import Shot, Text
from synthesis.image_sizes import Size
from synthesis.raster import Pixels
from synthesis.scene import footing, geometry, textures
from synthesis.scene.geometry import Region, Surface
from synthesis.scene.inks import Ink

_SOFT = 3  # pixels around: the camera's blur, and a pixel between two of the sheet
_GLOW, _RELIEF, _EDGE = 24, 6, 2  # pixels of the sheet around the ink
_BLEED, _SHADOW = 3.5, 2.6  # times what the ink has of it


def of_texts(
    texts: Sequence[Text], surface: Surface, ink: Ink, sheet: tuple[int, int], canvas: Size
) -> Mask:
    """Where the texts are, with all that their ink does to the sheet (H, W) around them."""
    reach = _EDGE + _BLEED * ink.bleed + _SHADOW * ink.shadow
    reach += _GLOW * bool(ink.glow) + _RELIEF * bool(ink.relief)
    flat = np.zeros(sheet, np.uint8)
    for text in texts:
        left, top, right, bottom = text.block.box
        low = max(0, math.floor(left - reach)), max(0, math.floor(top - reach))
        high = math.ceil(right + reach), math.ceil(bottom + reach)
        cv2.rectangle(flat, low, high, (255,), cv2.FILLED)
    return softened(surface.warp(flat, Region(0, 0, *canvas)))


def of_sheet(shot: Shot, canvas: Size) -> Mask:
    """Where the sheet is, all of it that is seen."""
    return softened(alpha(shot, canvas))


def of_sheets(shots: Sequence[Shot], canvas: Size) -> Mask:
    """Where the sheets are, and their shadows on what is behind them."""
    mask = np.zeros(canvas[::-1], np.uint8)
    for shot in shots:
        seen = alpha(shot, canvas)
        lift = shot.text.medium.lift * min(canvas) / 640
        everywhere = Region(0, 0, *canvas)
        gain = footing.shadow(seen, everywhere, seen.shape[:2], lift, shot.text.sun)
        shaded = np.where(gain < textures.NEUTRAL, 255, 0).astype(np.uint8)
        mask = np.asarray(cv2.max(mask, cv2.max(seen, shaded)), np.uint8)
    return softened(mask)


def around_sheet(shot: Shot, canvas: Size) -> Mask:
    """All but where the sheet is and hides what is behind it."""
    hidden = np.where(alpha(shot, canvas) == 255, 0, 255).astype(np.uint8)
    return softened(hidden)


def alpha(shot: Shot, canvas: Size) -> Pixels:
    """(H, W) of the sheet in the image, 255 where it hides what is behind it."""
    sheet, text = shot.text.sheet, shot.text
    height, width = sheet.ground.shape[:2]
    region = text.surface.region(geometry.edge(width, height), *canvas)
    layer = np.full((height, width), 255, np.uint8) if sheet.outline is None else sheet.outline
    seen = np.zeros(canvas[::-1], np.uint8)
    seen[region.slices] = text.surface.warp(np.ascontiguousarray(layer), region)
    return seen


def softened(mask: Pixels) -> Mask:
    """255 wherever a mask is not 0, and a few pixels around."""
    around = np.ones((2 * _SOFT + 1, 2 * _SOFT + 1), np.uint8)
    return np.asarray(cv2.dilate(np.where(mask > 0, 255, 0).astype(np.uint8), around), np.uint8)
