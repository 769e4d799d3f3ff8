"""Faces that are hidden: a mosaic, or a blurred patch, over a head.

A face under blocks or blur is no longer found as one, but halved and halved again it looks like any
small face: places that may be heads are sought at three sizes, with little certainty, and what is
there is looked at closely. Under a mosaic the image is flat but for steps in an even grid; under a
blur it is smooth in a compact shape, at which details break off (``blurred_patches``).
"""

from collections.abc import Iterator, Sequence
from typing import Any

import cv2
import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from curation.networks import faces as networks
from curation.networks.faces import Box
from curation.signals import blurred_patches, mosaics
from curation.signals.regions import REGIONS, UNIT, Region, rectangle, region
from curation.signals.row import Row
from curation.signals.signal import Column, Measure, Settings, signal

SIDE = 512  # pixels of the short side
HALVINGS = 3  # sizes at which heads are sought
PLACES = 24  # of an image, the likeliest ...
FIRST = 8  # ... of which so many may be under a mosaic: drawings and pages have even lines
ROOM = 0.5  # of a head's size, to each side of its middle: what is looked at for blocks
SMALL = 60  # pixels of a head: its blocks may be of 3 pixels, and are looked at doubled
DENSE = 0.003  # of the pixels of a place are steps, in each direction
LEVEL = 4  # luma levels between neighbours within a block, compressed


class HiddenFacesSettings(Settings):
    """Heads are sought with the certainty ``mosaic_head`` or ``blur_head``. Under a mosaic the
    share ``even`` of steps is in a grid, and the share ``flat`` of all else is level. A patch is
    blurred with the probability ``blurred``. All are 0 to 1.
    """

    mosaic_head: float = 0.1
    even: float = 0.8
    flat: float = 0.76
    blur_head: float = 0.03
    blurred: float = 0.94


@signal(
    tier="model",
    version=1,
    columns={
        "hidden_faces": Column(pa.int32(), "count from 0", "heads under a mosaic or a blur"),
        "hidden_face_regions": Column(REGIONS, UNIT, "hidden heads: by what, and how sure"),
    },
    settings=HiddenFacesSettings,
    short_side=SIDE,
    check=lambda _settings: networks.check(),
)
def hidden_faces(settings: HiddenFacesSettings) -> Measure:
    """Hidden faces per image. Raises ``MissingModelError``."""
    finder = networks.FaceFinder()

    def measure(rows: Sequence[Row]) -> list[dict[str, Any]]:
        return [_measured(row, finder, settings) for row in rows]

    return measure


def _measured(
    row: Row, finder: networks.FaceFinder, settings: HiddenFacesSettings
) -> dict[str, Any]:
    picture = row.picture(SIDE)
    luma = np.asarray(cv2.cvtColor(picture.rgb, cv2.COLOR_RGB2GRAY), np.uint8)
    least = min(settings.mosaic_head, settings.blur_head)
    seen: list[Region] = []
    for rank, head in enumerate(finder.heads(picture.rgb, least, HALVINGS)[:PLACES]):
        for kind, sure in _hidden_by(luma, head, rank, settings):
            quad = rectangle(head.left, head.top, head.right, head.bottom)
            seen.append(region(picture.header, luma.shape, quad, kind, None, sure))
    return {"hidden_faces": len(seen), "hidden_face_regions": seen}


def _hidden_by(
    luma: NDArray[np.uint8], head: Box, rank: int, settings: HiddenFacesSettings
) -> Iterator[tuple[str, float]]:
    """What hides a head, if anything does, and how sure that is."""
    if rank < FIRST and head.score >= settings.mosaic_head:
        even, flat = blocks(luma, head)
        if even >= settings.even and flat >= settings.flat:
            yield "mosaic", min(even, flat)
            return
    if head.score >= settings.blur_head:
        middle = (head.left + head.right) / 2, (head.top + head.bottom) / 2
        size = (head.width + head.height) / 2
        sure = blurred_patches.probability(luma, middle, size, head.score)
        if sure >= settings.blurred:
            yield "blur", sure


def blocks(luma: NDArray[np.uint8], head: Box) -> tuple[float, float]:
    """How much of the steps at a place of (H, W) lie in a grid, and how level it is between them.

    Both 0 to 1, and 0 where there are few steps, or ink on a ground.
    """
    size = (head.width + head.height) / 2
    x, y = (head.left + head.right) / 2, (head.top + head.bottom) / 2
    left, top = max(0, int(x - ROOM * size)), max(0, int(y - ROOM * size))
    place = luma[top : int(y + ROOM * size) + 1, left : int(x + ROOM * size) + 1]
    best = 0.0, 0.0
    for times in (1, 2) if size < SMALL else (1,):
        larger = place.repeat(times, 0).repeat(times, 1)
        if min(larger.shape) < mosaics.LEAST:
            continue
        upright = mosaics.steps(larger)
        level = mosaics.steps(np.ascontiguousarray(larger.T)).T
        if min(upright.mean(), level.mean()) < DENSE or mosaics.is_ink(larger, upright):
            continue
        even = mosaics.evenness(upright.sum(axis=0), level.sum(axis=1))
        best = max(best, (even, _between(larger, upright, level)))
    return best


def _between(
    luma: NDArray[np.uint8], upright: NDArray[np.bool_], level: NDArray[np.bool_]
) -> float:
    """The share of pixels that are level, of those not beside a line with many steps."""
    shares = []
    for of, steps in ((luma, upright), (luma.T, level.T)):
        lines = np.convolve(steps.sum(axis=0) > 0, [1, 1, 1], "same")[:-1] == 0
        change = cv2.absdiff(of[:, 1:], of[:, :-1])[:, lines]
        shares.append(float((change <= LEVEL).mean()) if change.size else 0.0)
    return min(shares)
