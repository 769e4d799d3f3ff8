"""Faces that are hidden: a mosaic, or a blurred patch, over a head.

A face under blocks or blur is no longer found as one, but halved and halved again it looks like any
small face: places that may be heads are sought at three sizes, with little certainty, and what is
there is looked at closely. Under a mosaic the image is flat but for steps in an even grid; under a
blur it is smooth in a compact shape, at which details break off (``blurred_patches``). A logistic
rule for each puts that together with how like a head the place is at each of the three sizes: lines
of letters are even, and balls are smooth, but no heads (``data/hidden_faces.json``, fitted by
``python -m benchmarks.hidden_faces.fit``).
"""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import cv2
import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from curation.networks import faces as networks
from curation.networks.faces import Box
from curation.signals import blurred_patches, defects, mosaics
from curation.signals.regions import REGIONS, UNIT, Region, rectangle, region
from curation.signals.row import Row
from curation.signals.signal import Column, Measure, Settings, signal

SIDE = 512  # pixels of the short side
LEAST, SUREST = 0.03, 0.999  # how sure BlazeFace is of a head: less is not looked at
HALVINGS = 3  # sizes at which heads are sought
PLACES = 24  # of an image, the likeliest ...
FIRST = 8  # ... of which so many may be under a mosaic
ROOM = 0.5  # of a head's size, to each side of its middle: what is looked at for blocks
SMALL = 60  # pixels of a head: its blocks may be of 3 pixels, and are looked at doubled
DENSE = 0.003  # of the pixels of a place are steps, in each direction
LEVEL = 4  # luma levels between neighbours within a block, compressed
FILE = Path(__file__).parent / "data" / "hidden_faces.json"
HEAD = ("head", "size", *(f"head_{2**size}" for size in range(HALVINGS)))
COLUMNS = {"mosaic": ("even", "flat", *HEAD), "blur": (*blurred_patches.FEATURES, *HEAD)}
Luma = NDArray[np.uint8]


class HiddenFacesSettings(Settings):
    """A head is under a mosaic, or a blur, with at least that probability, 0 to 1."""

    mosaic: float = 0.5
    blur: float = 0.995


class Place(NamedTuple):
    """A head, what may hide it, and what speaks for that: its ``COLUMNS``."""

    kind: str
    head: Box
    columns: Mapping[str, float]


class PlaceFinder:
    """Images to heads that may be hidden."""

    def __init__(self) -> None:
        """Raises ``MissingModelError``."""
        self._finder = networks.FaceFinder()

    def __call__(self, rgb: NDArray[np.uint8]) -> Iterator[Place]:
        """The places of (H, W, 3), surest heads first."""
        luma = np.asarray(cv2.cvtColor(rgb, cv2.COLOR_RGB2GRAY), np.uint8)
        heads, maps = self._finder.heads(rgb, LEAST, HALVINGS)
        for rank, head in enumerate(heads[:PLACES]):
            middle, size = head.middle, (head.width + head.height) / 2
            score = min(head.score, SUREST)
            likeness = {
                "head": float(np.log(score / (1 - score))),
                "size": float(np.log(size)),
                **{
                    f"head_{2**halving}": of.near(*middle, size / 2)
                    for halving, of in enumerate(maps)
                },
            }
            even, flat = blocks(luma, middle, size) if rank < FIRST else (0.0, 0.0)
            if even > 0:
                yield Place("mosaic", head, {"even": even, "flat": flat, **likeness})
            patch = blurred_patches.features(luma, middle, size)
            if patch is not None:
                yield Place("blur", head, patch | likeness)


@signal(
    tier="model",
    version=3,
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
    finder, rules = PlaceFinder(), defects.read(FILE.read_text(encoding="utf-8"))
    bounds = {"mosaic": settings.mosaic, "blur": settings.blur}

    def measure(rows: Sequence[Row]) -> list[dict[str, Any]]:
        return [_measured(row, finder, rules, bounds) for row in rows]

    return measure


def _measured(
    row: Row,
    finder: PlaceFinder,
    rules: Mapping[str, defects.Rule],
    bounds: Mapping[str, float],
) -> dict[str, Any]:
    """A head that is under both, by the rules, is under what is surer."""
    picture = row.picture(SIDE)
    surest: dict[Box, Region] = {}
    for place in finder(picture.rgb):
        sure, head = rules[place.kind].probability(place.columns), place.head
        if sure >= bounds[place.kind] and (head not in surest or surest[head]["score"] < sure):
            quad = rectangle(head.left, head.top, head.right, head.bottom)
            shape = picture.rgb.shape
            surest[head] = region(picture.header, shape, quad, place.kind, None, sure)
    return {"hidden_faces": len(surest), "hidden_face_regions": list(surest.values())}


def blocks(luma: Luma, middle: tuple[float, float], size: float) -> tuple[float, float]:
    """How much of the steps at a place of (H, W) lie in a grid, and how level it is between them.

    Both 0 to 1, and 0 where there are few steps, or ink on a ground.
    """
    x, y = middle
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


def _between(luma: Luma, upright: NDArray[np.bool_], level: NDArray[np.bool_]) -> float:
    """The share of pixels that are level, of those not beside a line with many steps."""
    shares = []
    for of, steps in ((luma, upright), (luma.T, level.T)):
        lines = np.convolve(steps.sum(axis=0) > 0, [1, 1, 1], "same")[:-1] == 0
        change = cv2.absdiff(of[:, 1:], of[:, :-1])[:, lines]
        shares.append(float((change <= LEVEL).mean()) if change.size else 0.0)
    return min(shares)
