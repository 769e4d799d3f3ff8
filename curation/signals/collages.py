"""Collages: panels of several images, told by straight seams from one rim to the other.

Panels either meet, so that most lines of pixels step at the very same place and not beside it; or
they are parted by a band of a single colour that both fill at once. What is on either side varies
along the seam: a horizon, the frame of a table or the edge of a box is plain on one side at least.
A page, a slide or a drawing on a ground has boxes, not panels.
"""

from typing import Any

import cv2
import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from curation.signals import borders, grounds
from curation.signals.regions import REGIONS, UNIT, Region, rectangle, region
from curation.signals.row import Row
from curation.signals.signal import Column, Measure, signal

STEP = 18  # luma levels between pixels two apart
SIDE = 512  # pixels of the short side: an edge in an image is not straight to a pixel there
APART = 4  # pixels beside a seam where there must be fewer steps
RIM = 0.12  # of the side, at both ends: no panel is narrower
MIXED = 0.1  # of the lines step up, and as many down: beside an object all step alike
VARIED = 24.0  # luma levels: standard deviation along a seam of what is an image beside it
TOLERANCE = 20  # levels: a band between panels is of a single colour, so far
CLEAN = 0.97  # of its length
WIDEST = 0.06  # of the side: of a band
SEAM = 0.4  # regions name seams with this score


@signal(
    tier="model",
    version=2,
    columns={
        "collage": Column(
            pa.float32(), "0 to 1", "how sharp the sharpest seam from rim to rim is, panels beside"
        ),
        "collage_regions": Column(REGIONS, UNIT, "seams between panels"),
    },
    short_side=SIDE,
)
def collages() -> Measure:
    """The sharpest full-length seam per image."""
    return lambda rows: [_measured(row) for row in rows]


def _measured(row: Row) -> dict[str, Any]:
    picture = row.picture(SIDE)
    rgb = _reduced(picture.rgb)
    left, top, right, bottom = borders.within(rgb)
    inner = rgb[top:bottom, left:right]
    regions: list[Region] = []
    best = 0.0
    is_page = grounds.page_share(inner) > grounds.PAGE
    for axis, pixels in () if is_page else ((1, inner), (0, inner.swapaxes(0, 1))):
        share, at = seam(np.ascontiguousarray(pixels))
        best = max(best, share)
        if share >= SEAM:
            ends = (left + at, top, left + at + 1, bottom)
            if axis == 0:
                ends = (left, top + at, right, top + at + 1)
            regions.append(region(picture.header, rgb.shape, rectangle(*ends), "seam", None, share))
    return {"collage": best, "collage_regions": regions}


def _reduced(rgb: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """The image (H, W, 3) with a short side of at most ``SIDE``."""
    scale = SIDE / min(rgb.shape[:2])
    if scale >= 1:
        return rgb
    size = (max(1, round(rgb.shape[1] * scale)), max(1, round(rgb.shape[0] * scale)))
    return np.asarray(cv2.resize(rgb, size, interpolation=cv2.INTER_AREA), np.uint8)


def seam(rgb: NDArray[np.uint8]) -> tuple[float, int]:
    """How sharp the sharpest upright seam of an (H, W, 3) image is, 0 to 1, and its column."""
    height, width = rgb.shape[:2]
    first = max(round(RIM * width), APART + 1)
    if width < 2 * first + 2 or height < 8:
        return 0.0, 0
    luma = cv2.cvtColor(rgb, cv2.COLOR_RGB2GRAY)
    varied = np.minimum(luma.std(axis=0) / VARIED, 1.0)
    score = np.maximum(_meeting(luma, varied), _parted(rgb, varied))
    score[:first] = score[width - first :] = 0
    place = int(np.argmax(score))
    return float(score[place]), place


def _meeting(luma: NDArray[np.uint8], varied: NDArray[np.float64]) -> NDArray[np.float64]:
    """Of each column (W,) the share of lines that step there only, some of them up and some down.

    Times how varied the sides are.
    """
    score = np.zeros(luma.shape[1])
    up = (cv2.subtract(luma[:, 2:], luma[:, :-2]) > STEP).mean(axis=0)  # columns 1 to W - 2
    down = (cv2.subtract(luma[:, :-2], luma[:, 2:]) > STEP).mean(axis=0)
    at_place, mixed = up + down, np.minimum(np.minimum(up, down) / MIXED, 1.0)
    beside = np.maximum(at_place[: -2 * APART], at_place[2 * APART :])
    both = np.minimum(varied[1 : -2 * APART - 1], varied[2 * APART + 1 : -1])
    sharp = np.maximum(at_place[APART:-APART] - beside, 0)
    score[APART + 1 : -APART - 1] = sharp * mixed[APART:-APART] * both
    return score


def _parted(rgb: NDArray[np.uint8], varied: NDArray[np.float64]) -> NDArray[np.float64]:
    """Of each column (W,) within a band: how far the sides fill its length, times ``varied``."""
    width = rgb.shape[1]
    score = np.zeros(width)
    colour = np.median(rgb, axis=0).astype(np.uint8)
    plain = (cv2.absdiff(rgb, np.broadcast_to(colour, rgb.shape)).max(axis=2) <= TOLERANCE).mean(
        axis=0
    ) >= CLEAN
    edges = np.flatnonzero(np.diff(np.concatenate([[False], plain, [False]]).astype(np.int8)))
    for start, end in edges.reshape(-1, 2).tolist():
        left, right = start - APART, end + APART - 1
        if left < 0 or right >= width or end - start > max(2.0, WIDEST * width):
            continue
        sides = rgb[:, [left + 2, right - 2]].astype(np.int16) - colour[start].astype(np.int16)
        filled = (np.abs(sides).max(axis=2) > TOLERANCE).mean(axis=0).min()
        score[(start + end) // 2] = filled * min(varied[left], varied[right])
    return score
