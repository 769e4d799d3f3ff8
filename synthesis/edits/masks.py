"""Where the two images of an edit may differ, and whether they differ anywhere else."""

import math
from collections.abc import Sequence

import cv2
import numpy as np
from numpy.typing import NDArray

from synthesis.edits.edit import Mask
from synthesis.fonts.face import Extents
from synthesis.raster import Pixels
from synthesis.unrenderable import UnrenderableError

MARGIN = 2  # pixels around what is named: antialiased edges
_AROUND = np.ones((2 * MARGIN + 1, 2 * MARGIN + 1), np.uint8)


def of_areas(areas: Sequence[Extents], shape: tuple[int, int]) -> Mask:
    """The areas (left, top, right, bottom in pixels) with a margin, on a canvas (H, W)."""
    mask = np.zeros(shape, np.uint8)
    for left, top, right, bottom in areas:
        rows = slice(max(0, math.floor(top) - MARGIN), max(0, math.ceil(bottom) + MARGIN))
        columns = slice(max(0, math.floor(left) - MARGIN), max(0, math.ceil(right) + MARGIN))
        mask[rows, columns] = 255
    return mask


def of_ground(source: Pixels, target: Pixels) -> Mask:
    """Where the ground shows, once it has another colour: what differs, with a margin."""
    differs = differing(source, target).astype(np.uint8) * 255
    return np.asarray(cv2.dilate(differs, _AROUND), np.uint8)


def differing(source: Pixels, target: Pixels) -> NDArray[np.bool_]:
    """(H, W) where two canvases of one size differ."""
    return np.not_equal(source.view(np.uint32)[..., 0], target.view(np.uint32)[..., 0])


def check(source: Pixels, target: Pixels, mask: Mask) -> None:
    """Raise ``UnrenderableError`` where a pixel beside the mask differs, or none differs at all."""
    differs = differing(source, target)
    if not differs.any():
        raise UnrenderableError("no_change", "both images are alike")
    if (differs & (mask == 0)).any():
        raise UnrenderableError("spill", "an edit changed pixels beside what it names")
