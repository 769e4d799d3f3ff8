"""The ink of a line of text: the smallest rectangle around what is written within a detected box.

A detector's boxes leave room around a line, a fifth of its height or all of it, so that neither
the height of characters nor the area of text can be taken from them.
"""

import cv2
import numpy as np
from numpy.typing import NDArray

LEVEL = 0.05  # of the longer side, by which a box may be out of level and be tried level
ROOM = 0.12  # of the shorter side, added around the box: a box may cut through its letters
CONTRAST = 24  # levels between ink and what surrounds it, below which none can be told apart
SPECK = 0.002  # of the square of the shorter side: what is smaller is no part of a letter
RIM = 0.22  # of the sides: what reaches the edge and stays within is of a neighbour
FAINT = 0.12  # of full ink: less than this is noise, or the blur of an edge
NOISE = 6.0  # times the median deviation of what is no ink: less than this is a texture
FULL = 0.7  # of the box: more ink than this is a background
NOMINAL = 0.74  # ink's share of a detected box's shorter side where no ink can be told apart


def tight(rgb: NDArray[np.uint8], corners: NDArray[np.float32]) -> NDArray[np.float32]:
    """The corners (4, 2) of the ink within a box (4, 2) of an (H, W, 3) image, in its pixels.

    Both run clockwise from the top left of the text. A box that is all but level is tried level as
    well: half a degree makes a long line several pixels higher.
    """
    box = np.asarray(corners, np.float32)
    boxes = [box]
    level = _level(box)
    if 0 < float(np.abs(level - box).max()) <= LEVEL * float(np.ptp(box, axis=0).max()):
        boxes.append(level)
    inks = [_within(rgb, each) for each in boxes]
    return min((ink for ink in inks if ink is not None), key=shorter_side, default=_nominal(box))


def shorter_side(corners: NDArray[np.float32]) -> float:
    """The shorter side of four corners (4, 2): the height of a line, also of one that runs down."""
    across, down = corners[1] - corners[0], corners[3] - corners[0]
    return float(min(np.hypot(*across), np.hypot(*down)))


def _level(box: NDArray[np.float32]) -> NDArray[np.float32]:
    """The level rectangle with the mean sides of the box."""
    left, right = box[[0, 3], 0].mean(), box[[1, 2], 0].mean()
    top, bottom = box[[0, 1], 1].mean(), box[[2, 3], 1].mean()
    return np.array([[left, top], [right, top], [right, bottom], [left, bottom]], np.float32)


def _nominal(box: NDArray[np.float32]) -> NDArray[np.float32]:
    return _grown(box, (NOMINAL - 1) / 2)


def _within(rgb: NDArray[np.uint8], corners: NDArray[np.float32]) -> NDArray[np.float32] | None:
    box = _grown(corners, ROOM)
    width = max(2, round(float(np.linalg.norm(box[1] - box[0]))))
    height = max(2, round(float(np.linalg.norm(box[3] - box[0]))))
    flat = np.array([[0, 0], [width, 0], [width, height], [0, height]], np.float32)
    to_flat = cv2.getPerspectiveTransform(box, flat)
    pixels = np.array([[1, 0, -0.5], [0, 1, -0.5], [0, 0, 1]])  # warps count from pixel centres
    shift = pixels @ to_flat @ np.linalg.inv(pixels)
    strip = cv2.warpPerspective(rgb, shift, (width, height), borderMode=cv2.BORDER_REPLICATE)
    bounds = _bounds(np.asarray(strip, np.uint8))
    if bounds is None:
        return None
    left, top, right, bottom = bounds
    ink = np.array([[[left, top], [right, top], [right, bottom], [left, bottom]]], np.float32)
    return np.asarray(cv2.perspectiveTransform(ink, np.linalg.inv(to_flat))[0], np.float32)


def _grown(box: NDArray[np.float32], share: float) -> NDArray[np.float32]:
    """The box with ``share`` of its shorter side more (or less) on every side."""
    across, down = box[1] - box[0], box[3] - box[0]
    wide, high = float(np.linalg.norm(across)), float(np.linalg.norm(down))
    room = share * min(wide, high)
    x, y = across / max(wide, 1e-6) * room, down / max(high, 1e-6) * room
    return np.asarray([box[0] - x - y, box[1] + x - y, box[2] + x + y, box[3] - x + y], np.float32)


def _bounds(strip: NDArray[np.uint8]) -> tuple[float, float, float, float] | None:
    """Left, top, right and bottom of the ink of a strip (h, w, 3); None where it has none."""
    height, width = strip.shape[:2]
    rim = np.concatenate([strip[0], strip[-1], strip[:, 0], strip[:, -1]])
    away = cv2.absdiff(strip, np.full_like(strip, np.median(rim, axis=0))).max(axis=2)
    _, mask = cv2.threshold(away, 0, 1, cv2.THRESH_BINARY + cv2.THRESH_OTSU)
    ink, rest = away[mask > 0], away[mask == 0]
    if not ink.size or not rest.size or ink.size > FULL * away.size:
        return None
    if float(ink.mean()) - float(rest.mean()) < CONTRAST:
        return None
    ground, full = float(np.median(rest)), float(np.quantile(ink, 0.5))
    cover = np.clip((away - ground) / max(full - ground, 1.0), 0.0, 1.0)
    noise = NOISE * float(np.median(np.abs(rest - ground))) / max(full - ground, 1.0)
    seen = ((cover > max(FAINT, noise)) & (away > CONTRAST / 2)).astype(np.uint8)
    _, labels, stats, _ = cv2.connectedComponentsWithStats(seen, connectivity=8)
    kept = np.flatnonzero(_is_ink(stats[1:], width, height)) + 1
    if not len(kept):
        return None
    cover = np.where(np.isin(labels, kept), cover, 0.0)
    left, right = _ends(cover.max(axis=0))
    top, bottom = _ends(cover.max(axis=1))
    return left, top, right, bottom


def _ends(cover: NDArray[np.float64]) -> tuple[float, float]:
    """Where ink begins and ends, to a part of a pixel, by how much of each pixel (N,) it covers."""
    inked = np.flatnonzero(cover)
    first, last = int(inked[0]), int(inked[-1])
    return first + 1 - float(cover[first]), last + float(cover[last])


def _is_ink(stats: NDArray[np.int32], width: int, height: int) -> NDArray[np.bool_]:
    """Which connected parts (N, 5: left, top, width, height, area) are of the line itself: (N,)."""
    left, top, wide, high, area = stats.T
    right, bottom = left + wide, top + high
    x, y = RIM * min(width, height), RIM * min(width, height)
    beside = (
        ((top == 0) & (bottom <= y))
        | ((bottom == height) & (top >= height - y))
        | ((left == 0) & (right <= x))
        | ((right == width) & (left >= width - x))
    )
    through = (wide == width) | ((high == height) & (wide < width / 8))  # rules and frames
    return np.asarray((area >= max(2, SPECK * min(width, height) ** 2)) & ~beside & ~through)
