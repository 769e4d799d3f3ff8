"""Whether a place is a blurred patch: smooth in a compact shape, with detail that breaks off at it.

What is smooth by itself, such as a ball or the sky, ends at an edge: there the image changes across
the border, hardly along it. A patch that was blurred ends where details are cut through, which
change along the border as much as across it, and its inside is no plain ground.
"""

from typing import NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

UNIT = 64  # pixels that a head is made
REACH = 1.6  # of a head's size to each side of its middle: what is looked at
SMOOTH = 0.15  # of the detail around: there is less ...
LEAST = 0.6  # ... or than so many luma levels
SHARP = 2.0  # luma levels of detail around: less, and all is blurred
SMALLEST = 16  # pixels of a head
FEATURES = ("plain", "shape", "solid", "rim", "inside", "along", "along_further")
Floats = NDArray[np.float32]


class Place(NamedTuple):
    """A place at its size: luma (H, W), its detail, and how far from the middle, in half heads."""

    luma: Floats
    detail: Floats
    distance: Floats


def features(
    luma: NDArray[np.uint8], middle: tuple[float, float], size: float
) -> dict[str, float] | None:
    """The ``FEATURES`` of a head of that size in (H, W); None where nothing is smooth."""
    place = _place(luma, middle, size)
    if place is None:
        return None
    patch, level = _patch(place)
    area = int(patch.sum())
    if not area:
        return None
    outlines, _ = cv2.findContours(patch, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
    outline = max(outlines, key=cv2.contourArea)
    if len(outline) < 5:
        return None
    inner = place.luma[cv2.erode(patch, np.ones((7, 7), np.uint8)) > 0]
    border = cv2.dilate(patch, np.ones((7, 7), np.uint8)) > patch
    core, centre = place.distance < 0.7, place.distance < 0.4
    around = cv2.dilate(place.detail, np.ones((5, 5)))[border]
    values = (
        np.log(float(inner.std()) + 1) if inner.size > 50 else 0.0,
        float(patch[core].mean()) * _likeness(patch, outline),
        area / max(1.0, cv2.contourArea(cv2.convexHull(outline))),
        float((around > 2 * level).mean()) if around.size else 0.0,
        np.log(float(np.percentile(place.detail[centre], 90)) + 0.1),
        *_along(place.luma, patch),
    )
    return dict(zip(FEATURES, map(float, values), strict=True))


def _place(luma: NDArray[np.uint8], middle: tuple[float, float], size: float) -> Place | None:
    """What is around a head, a pixel of which is 1 / ``UNIT`` of it; None where too little is."""
    (x, y), reach = middle, REACH * size
    left, top = max(0, int(x - reach)), max(0, int(y - reach))
    cut = luma[top : int(y + reach) + 1, left : int(x + reach) + 1]
    if size < SMALLEST or min(cut.shape) < 12:
        return None
    scale = UNIT / size
    way = cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR
    seen = cv2.resize(cut, None, fx=scale, fy=scale, interpolation=way).astype(np.float32)
    detail = cv2.absdiff(cv2.GaussianBlur(seen, (0, 0), 1), cv2.GaussianBlur(seen, (0, 0), 2))
    down, across = np.mgrid[: seen.shape[0], : seen.shape[1]]
    distance = np.hypot(across - (x - left) * scale, down - (y - top) * scale) / (UNIT / 2)
    if (distance < 0.4).sum() < 150:
        return None
    return Place(seen, np.asarray(detail, np.float32), distance.astype(np.float32))


def _patch(place: Place) -> tuple[NDArray[np.uint8], float]:
    """The smooth region (H, W) that has most of the middle, and what was taken for smooth."""
    ring = place.detail[(place.distance > 0.9) & (place.distance < 2.3)]
    around = float(np.percentile(ring, 90)) if ring.size else 0.0
    if around < SHARP:
        return np.zeros(place.luma.shape, np.uint8), LEAST
    level = max(LEAST, SMOOTH * around)
    box = np.ones((5, 5), np.uint8)
    smooth = cv2.dilate((cv2.dilate(place.detail, box) < level).astype(np.uint8), box)
    _, labels = cv2.connectedComponents(smooth, connectivity=4)
    inside = labels[(place.distance < 0.7) & (smooth > 0)]
    chosen = int(np.bincount(inside).argmax()) if inside.size else -1
    return (labels == chosen).astype(np.uint8), level


def _likeness(patch: NDArray[np.uint8], outline: NDArray[np.int32]) -> float:
    """How like an ellipse or a rectangle: the larger intersection over union, 0 to 1."""
    ellipse, upright = np.zeros_like(patch), np.zeros_like(patch)
    cv2.ellipse(ellipse, cv2.fitEllipse(outline), 1, -1)
    down, across = np.nonzero(patch)
    upright[down.min() : down.max() + 1, across.min() : across.max() + 1] = 1
    return max(float((of & patch).sum() / (of | patch).sum()) for of in (ellipse, upright))


def _along(luma: Floats, patch: NDArray[np.uint8]) -> list[float]:
    """Of change along the border to change across it the logarithm: at it, and further out."""
    fine = cv2.GaussianBlur(luma, (0, 0), 0.8)
    out = cv2.distanceTransform(1 - patch, cv2.DIST_L2, 5)
    out = cv2.GaussianBlur(out - cv2.distanceTransform(patch, cv2.DIST_L2, 5), (0, 0), 2)
    (of_x, of_y), (x, y) = (
        (cv2.Sobel(of, cv2.CV_32F, 1, 0), cv2.Sobel(of, cv2.CV_32F, 0, 1)) for of in (fine, out)
    )
    length = np.hypot(x, y) + 1e-3
    across, along = ((of_x * x + of_y * y) / length) ** 2, ((of_y * x - of_x * y) / length) ** 2
    bands = [(out > near) & (out <= far) for near, far in ((0, 3), (3, 7))]
    return [
        float(np.log((along[band].sum() + 10) / (across[band].sum() + 10)))
        if band.sum() > 30
        else 0.0
        for band in bands
    ]
