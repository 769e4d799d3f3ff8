"""Bars and frames around an image: bands of a single colour with a full edge of something beside.

White or black around an object, the margin of a page, a night sky are no bars: what is beside them
begins here and there, and much of it is of their colour. Beside the bar of a film still, or the
frame of a scan, it begins at once, and is of others.
"""

from typing import Any, NamedTuple

import cv2
import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from curation.picture.decoding import SMALL_SIDE
from curation.signals import grounds
from curation.signals.regions import REGIONS, UNIT, Region, rectangle, region
from curation.signals.row import Row
from curation.signals.signal import Column, Measure, signal

TOLERANCE = 20  # levels: a compressed bar is not of a single colour
CLEAN = 0.97  # of a line of pixels in the bar's colour
FILLED = 0.6  # of the first line beside it in other colours
BLUR = 2  # lines of both that reducing and compressing leave between
LEAST = 0.012  # of the side: thinner ones are the dark rims of scans and cameras
MOST = 0.45  # of the side


class Inner(NamedTuple):
    """What is left of an image within its bars, in pixels: ``rgb[top:bottom, left:right]``."""

    left: int
    top: int
    right: int
    bottom: int


@signal(
    tier="model",
    version=2,
    columns={
        "borders": Column(pa.float32(), "share 0 to 1", "area of bars and frames at the rims"),
        "borders_regions": Column(REGIONS, UNIT, "bars at the rims: left, top, right, bottom"),
    },
)
def borders() -> Measure:
    """Bars per image."""
    return lambda rows: [_measured(row) for row in rows]


def _measured(row: Row) -> dict[str, Any]:
    picture = row.picture(SMALL_SIDE)
    height, width = picture.small.shape[:2]
    left, top, right, bottom = inner = _without_margins(picture.small, within(picture.small))
    quads = {
        "left": rectangle(0, 0, left, height),
        "top": rectangle(left, 0, right, top),
        "right": rectangle(right, 0, width, height),
        "bottom": rectangle(left, bottom, right, height),
    }
    there = {"left": left > 0, "top": top > 0, "right": right < width, "bottom": bottom < height}
    regions: list[Region] = [
        region(picture.header, picture.small.shape, quad, kind)
        for kind, quad in quads.items()
        if there[kind]
    ]
    area = (inner.right - inner.left) * (inner.bottom - inner.top)
    return {"borders": 1 - area / (height * width), "borders_regions": regions}


def _without_margins(rgb: NDArray[np.uint8], inner: Inner) -> Inner:
    """The same without bars in a colour that is that of much within: margins of a page."""
    height, width = rgb.shape[:2]
    held = rgb[inner.top : inner.bottom, inner.left : inner.right]

    def is_bar(rim: NDArray[np.uint8]) -> bool:
        colour = np.median(rim, axis=0).astype(np.uint8)
        return grounds.share_of(held, colour, TOLERANCE) <= grounds.PAGE

    return Inner(
        inner.left if is_bar(rgb[:, 0]) else 0,
        inner.top if is_bar(rgb[0]) else 0,
        inner.right if is_bar(rgb[:, -1]) else width,
        inner.bottom if is_bar(rgb[-1]) else height,
    )


def within(rgb: NDArray[np.uint8], clean: float = CLEAN) -> Inner:
    """Where an (H, W, 3) image lies within its bars, of whose lines ``clean`` have their colour."""
    height, width = rgb.shape[:2]
    top, bottom = bar(rgb, clean), bar(rgb[::-1], clean)
    across = rgb[top : height - bottom].swapaxes(0, 1)
    left, right = bar(across, clean), bar(across[::-1], clean)
    if not (top or bottom) and (left or right):  # a bar above may end at one beside
        down = rgb[:, left : width - right]
        top, bottom = bar(down, clean), bar(down[::-1], clean)
    return Inner(left, top, width - right, height - bottom)


def bar(lines: NDArray[np.uint8], clean: float = CLEAN) -> int:
    """Length of the bar at the start of (N, M, 3) lines; 0 where what follows is no full edge."""
    count = len(lines)
    most = int(MOST * count)
    if most < 1:
        return 0
    colour = np.median(lines[0], axis=0).astype(np.uint8)
    away = cv2.absdiff(lines[: most + BLUR + 1], np.full_like(lines[: most + BLUR + 1], colour))
    other = (away.max(axis=2) > TOLERANCE).mean(axis=1)
    ends = np.flatnonzero(other > 1 - clean)
    if not len(ends) or ends[0] > most or ends[0] < max(1.0, LEAST * count):
        return 0
    first = int(ends[0])
    filled = other[first : first + BLUR + 1].max() >= FILLED
    return first if filled else 0
