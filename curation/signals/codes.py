"""QR codes and barcodes, by ``zxing-cpp`` (Apache-2.0): codes that hinder viewing, with boxes.

A code whose check sum fails is seen as well, though not read: nobody can scan it, and it is in the
image all the same. Of formats whose patterns fences and fur have, only what can be read counts.
"""

from collections.abc import Iterator, Sequence
from typing import Any

import cv2
import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from curation.networks import weights
from curation.signals.regions import REGIONS, UNIT, Region, region
from curation.signals.row import Row
from curation.signals.signal import Column, Measure, signal

SIDE = 2048  # pixels of the short side: codes are read at full size, gigantic scans apart
ENLARGED = 480  # pixels: an image with a shorter side is searched once more, at twice the size
BELIEVED = ("QR Code", "EAN-13", "EAN-8", "UPC-A", "UPC-E")  # unread: patterns nothing else has
LONGER = 1.6  # times its other side may a QR code be, seen at an angle
MOST_TEXT = 200  # characters of what a code says that are kept


def _check(_settings: object) -> None:
    weights.need("pip install 'inkstone[codes]'", "zxingcpp")


@signal(
    tier="model",
    version=1,
    columns={
        "codes": Column(pa.int32(), "count from 0", "QR codes, barcodes and other machine codes"),
        "codes_area": Column(pa.float32(), "share 0 to 1", "area of machine codes"),
        "codes_regions": Column(REGIONS, UNIT, "machine codes: their formats and what they say"),
    },
    short_side=SIDE,
    check=_check,
)
def codes() -> Measure:
    """Machine codes per image. Raises ``MissingModelError``."""
    _check(None)

    def measure(rows: Sequence[Row]) -> list[dict[str, Any]]:
        return [_measured(row) for row in rows]

    return measure


def _measured(row: Row) -> dict[str, Any]:
    picture = row.picture(SIDE)
    regions: list[Region] = []
    for corners, kind, text, score in _codes(picture.rgb):
        regions.append(region(picture.header, picture.rgb.shape, corners, kind, text, score))
    area = sum(
        cv2.contourArea(np.reshape(each["quad"], (4, 2)).astype(np.float32)) for each in regions
    )
    share = min(1.0, area / (picture.header.width * picture.header.height))
    return {"codes": len(regions), "codes_area": share, "codes_regions": regions}


def _codes(rgb: NDArray[np.uint8]) -> Iterator[tuple[NDArray[np.float32], str, str, float]]:
    """Corners (4, 2), format, text and score (1 read, 0.5 seen) of each code."""
    read, scale = _read(rgb), 1
    if not read and min(rgb.shape[:2]) < ENLARGED:
        scale = 2
        read = _read(np.asarray(cv2.resize(rgb, None, fx=2, fy=2, interpolation=cv2.INTER_CUBIC)))
    before: list[NDArray[np.float32]] = []
    for code in sorted(read, key=lambda code: not code.valid):
        corners = np.asarray(_corners(code) / scale, np.float32)
        middle = [float(value) for value in corners.mean(axis=0)]
        apart = all(cv2.pointPolygonTest(of, middle, False) < 0 for of in before)
        if code.valid or (apart and _is_plausible(str(code.format), corners)):
            before.append(corners)
            yield corners, str(code.format), str(code.text)[:MOST_TEXT], 1.0 if code.valid else 0.5


def _is_plausible(kind: str, corners: NDArray[np.float32]) -> bool:
    """Whether corners (4, 2) are those of such a code: a QR code is about as high as wide."""
    wide, high = (float(np.hypot(*(corners[way] - corners[0]))) for way in (1, 3))
    return kind != "QR Code" or max(wide, high) <= LONGER * min(wide, high)


def _corners(code: Any) -> NDArray[np.float32]:
    at = code.position
    points = (at.top_left, at.top_right, at.bottom_right, at.bottom_left)
    return np.array([(point.x, point.y) for point in points], np.float32)


def _read(rgb: NDArray[np.uint8]) -> list[Any]:
    import zxingcpp

    codes_read = zxingcpp.read_barcodes(np.ascontiguousarray(rgb), return_errors=True)
    return [code for code in codes_read if code.valid or str(code.format) in BELIEVED]
