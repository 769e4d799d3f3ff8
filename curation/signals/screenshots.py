"""Screenshots of applications: bars of a user interface above or below what they show.

A bar of an interface is a band of a colour from rim to rim, as those of a film still are, but with
small marks in it: a clock, a title, buttons. The first line of a page is no such bar: much of what
follows it is of its colour.
"""

from typing import Any

import cv2
import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from curation.picture.decoding import SMALL_SIDE
from curation.signals import grounds
from curation.signals.borders import BLUR
from curation.signals.regions import REGIONS, UNIT, Region, rectangle, region
from curation.signals.row import Row
from curation.signals.signal import Column, Measure, signal

TOLERANCE = 12  # levels: bars of interfaces are painted, but may be compressed
MARKED = 0.45  # of a line of pixels: marks between the plain ones
PADDED = 0.03  # of the first and the last lines: there are no marks at the rims of a bar
FILLED = 0.85  # of the first line beside it in other colours
HIGHEST = 0.25  # of the height


@signal(
    tier="model",
    version=2,
    columns={
        "screenshot": Column(pa.float32(), "share 0 to 1", "area of bars of a user interface"),
        "screenshot_regions": Column(REGIONS, UNIT, "bars of a user interface: top, bottom"),
    },
)
def screenshots() -> Measure:
    """Bars of user interfaces per image."""
    return lambda rows: [_measured(row) for row in rows]


def _measured(row: Row) -> dict[str, Any]:
    picture = row.picture(SMALL_SIDE)
    rgb = picture.small
    height, width = rgb.shape[:2]
    top, bottom = marked_bar(rgb), marked_bar(rgb[::-1])
    regions: list[Region] = []
    if top:
        regions.append(region(picture.header, rgb.shape, rectangle(0, 0, width, top), "top"))
    if bottom:
        quad = rectangle(0, height - bottom, width, height)
        regions.append(region(picture.header, rgb.shape, quad, "bottom"))
    return {"screenshot": (top + bottom) / height, "screenshot_regions": regions}


def marked_bar(rgb: NDArray[np.uint8]) -> int:
    """Height of the bar with marks at the top of an (H, W, 3) image; 0 for a clean bar or none."""
    most = int(HIGHEST * len(rgb)) + BLUR
    if most <= 2 * BLUR:
        return 0
    colour = np.median(rgb[0], axis=0).astype(np.uint8)
    away = cv2.absdiff(rgb[: most + 1], np.full_like(rgb[: most + 1], colour)).max(axis=2)
    other = (away > TOLERANCE).mean(axis=1)
    ends = np.flatnonzero(other > MARKED)
    if not len(ends) or ends[0] < 2 * BLUR or ends[0] + BLUR > most:
        return 0
    height = int(ends[0])
    padded = max(other[0], other[height - BLUR]) <= PADDED
    marked = other[:height].max() > PADDED
    filled = other[height : height + BLUR + 1].max() >= FILLED
    page = grounds.share_of(rgb[height:], colour, TOLERANCE) > grounds.PAGE
    return height if padded and marked and filled and not page else 0
