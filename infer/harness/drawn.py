"""What an edit drew beside what it was to draw: areas by intersection over union, and colours.

Images are RGB bytes (H, W, 3), masks (H, W); colours differ by CIELAB's distance (CIE 1976).
"""

import cv2
import numpy as np
from numpy.typing import NDArray

from curation.picture.likeness import Bytes, Mask

WHITE = 127  # of 255: above, a pixel of a mask or an edge map is white
SAME_COLOUR = 15.0  # the most that a colour may be off
_OF_FRAMES = 30.0  # of a frame's colour: what lies further is none
_CORE = 0.5  # of the greatest change: what changed less is the blur of an edge
_GREATEST = 0.95  # quantile of changes
_AROUND = np.ones((3, 3), np.uint8)


def overlap(made: Mask, truth: Mask, within: int = 0) -> float:
    """Intersection over union, 0 to 1; pixels of either that have one of the other ``within`` so
    many pixels are taken to meet. Two empty masks are the same.
    """
    near = np.ones((2 * within + 1,) * 2, np.uint8)
    around_made, around = (cv2.dilate(each.astype(np.uint8), near) > 0 for each in (made, truth))
    met = int((truth & around_made).sum())
    apart = int((truth & ~around_made).sum()) + int((made & ~around).sum())
    return met / (met + apart) if met + apart else 1.0


def white(image: Bytes) -> Mask:
    """Where a mask or an edge map is white."""
    return np.asarray(image.mean(2) > WHITE)


def framed(image: Bytes, truth: Bytes, before: Bytes) -> tuple[Mask, Mask]:
    """What the frames in an image, and those in the true one, enclose: where it is not as it was
    ``before`` but of the colour that was added to the true one.
    """
    image_lab, truth_lab, before_lab = (_lab(each) for each in (image, truth, before))
    core = _core(_distance(truth_lab, before_lab))
    colour = np.median(truth_lab[core], 0) if core.any() else np.zeros(3, np.float32)
    return _enclosed(image_lab, before_lab, colour), _enclosed(truth_lab, before_lab, colour)


def _enclosed(image: NDArray[np.float32], before: NDArray[np.float32], colour: object) -> Mask:
    own = _distance(image, np.asarray(colour, np.float32))
    is_drawn = (own < _OF_FRAMES) & (own < _distance(image, before))
    closed = cv2.morphologyEx(is_drawn.astype(np.uint8), cv2.MORPH_CLOSE, _AROUND)
    outlines, _ = cv2.findContours(closed, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
    filled = np.zeros_like(closed)
    cv2.drawContours(filled, outlines, -1, 1, cv2.FILLED)
    return np.asarray(filled > 0)


def colours(image: Bytes, truth: Bytes, before: Bytes, mask: Mask) -> tuple[float, float] | None:
    """How far the colours of what changed under the mask are from the true ones, and how far those
    were before: medians over its pixels, each beside the nearest within a pixel.

    None where nothing changed.
    """
    image_lab, truth_lab, before_lab = (_lab(each) for each in (image, truth, before))
    core = _core(np.where(mask, _distance(truth_lab, before_lab), 0))
    if not core.any():
        return None
    rows, columns = np.nonzero(core)
    height, width = mask.shape
    nearest = [
        _distance(
            image_lab[(rows + down).clip(0, height - 1), (columns + across).clip(0, width - 1)],
            truth_lab[core],
        )
        for down in (-1, 0, 1)
        for across in (-1, 0, 1)
    ]
    off = float(np.median(np.min(nearest, 0)))
    return off, float(np.median(_distance(truth_lab[core], before_lab[core])))


def is_coloured(off: float, before: float) -> bool:
    """Whether a colour is the true one, and not as near to what it was."""
    return off <= min(SAME_COLOUR, before / 2)


def _core(change: NDArray[np.float32]) -> Mask:
    changed = change > 0
    if not changed.any():
        return np.asarray(changed)
    return np.asarray(change >= max(_CORE * float(np.quantile(change[changed], _GREATEST)), 1e-3))


def _lab(image: Bytes) -> NDArray[np.float32]:
    return np.asarray(cv2.cvtColor(image.astype(np.float32) / 255, cv2.COLOR_RGB2Lab))


def _distance(first: NDArray[np.float32], second: NDArray[np.float32]) -> NDArray[np.float32]:
    return np.asarray(np.linalg.norm(first - second, axis=-1), np.float32)
