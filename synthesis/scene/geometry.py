"""From the sheet to the image: a bend of the sheet, then a plane seen in perspective.

Pixels and points go through the same two maps, so a box is as true as the image. Points are
continuous: pixel (i, j) covers i to i + 1 and j to j + 1. Angles are in radians.
"""

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from synthesis.raster import Pixels
from synthesis.scene.bends import FLAT, Bend, Flat, Points

Matrix = NDArray[np.float64]  # (3, 3)
_STEP = 8  # pixels between the points where a bend is computed; between them it is linear


@dataclass(frozen=True)
class Region:
    """A rectangle of whole pixels of the image."""

    left: int
    top: int
    width: int
    height: int

    @property
    def slices(self) -> tuple[slice, slice]:
        """Rows and columns, to index an image with."""
        rows = slice(self.top, self.top + self.height)
        return rows, slice(self.left, self.left + self.width)


@dataclass(frozen=True)
class Surface:
    """A bent sheet seen in perspective; ``matrix`` maps the bent sheet to the image."""

    matrix: Matrix
    bend: Bend = FLAT

    def project(self, points: Points) -> Points:
        """Where points of the sheet are in the image."""
        return through(self.matrix, self.bend.forward(points))

    def region(self, outline: Points, width: int, height: int) -> Region:
        """The pixels of an image within which the outline of the sheet lies."""
        seen = self.project(outline)
        low = np.clip(np.floor(seen.min(axis=0)) - 1, 0, (width, height)).astype(int)
        high = np.clip(np.ceil(seen.max(axis=0)) + 1, 0, (width, height)).astype(int)
        return Region(int(low[0]), int(low[1]), *map(int, high - low))

    def warp(self, pixels: Pixels, region: Region, *, endless: bool = False) -> Pixels:
        """A layer of the sheet, uint8 with one or four channels, as ``region`` shows it.

        Outside of the sheet everything is 0; an ``endless`` one is mirrored there.
        """
        border = cv2.BORDER_REFLECT_101 if endless else cv2.BORDER_CONSTANT
        size = (region.width, region.height)
        if isinstance(self.bend, Flat):
            to_region = moved(-region.left - 0.5, -region.top - 0.5) @ self.matrix @ moved(0.5, 0.5)
            seen = cv2.warpPerspective(
                pixels, to_region, size, flags=cv2.INTER_LINEAR, borderMode=border
            )
        else:
            seen = cv2.remap(pixels, *self._maps(region), cv2.INTER_LINEAR, borderMode=border)
        return np.asarray(seen, np.uint8)

    def _maps(self, region: Region) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """For each pixel of the region, the x and the y of the sheet's pixel seen there.

        The grid is one cell wider on each side, where ``resize`` would not interpolate.
        """
        columns, rows = -(-region.width // _STEP) + 2, -(-region.height // _STEP) + 2
        x = region.left + (np.arange(columns) - 0.5) * _STEP
        y = region.top + (np.arange(rows) - 0.5) * _STEP
        grid = np.stack(np.meshgrid(x, y), axis=2).reshape(-1, 2)
        sheet = (
            self.bend.inverse(through(np.asarray(np.linalg.inv(self.matrix), np.float64), grid))
            - 0.5
        )
        coarse = sheet.astype(np.float32).reshape(rows, columns, 2)
        size = (columns * _STEP, rows * _STEP)
        fine = cv2.resize(coarse, size, interpolation=cv2.INTER_LINEAR)
        inner = fine[_STEP : _STEP + region.height, _STEP : _STEP + region.width]
        return np.ascontiguousarray(inner[..., 0]), np.ascontiguousarray(inner[..., 1])


def through(matrix: Matrix, points: Points) -> Points:
    """Points through a projective matrix."""
    mapped = np.column_stack([points, np.ones(len(points))]) @ matrix.T
    return np.asarray(mapped[:, :2] / mapped[:, 2:], np.float64)


def moved(x: float, y: float) -> Matrix:
    """The matrix of a shift by (x, y)."""
    return np.array([[1, 0, x], [0, 1, y], [0, 0, 1]], np.float64)


def scaled(x: float, y: float) -> Matrix:
    """The matrix of a stretch by (x, y)."""
    return np.diag([x, y, 1.0])


def turned(angle: float) -> Matrix:
    """The matrix of a turn about the origin, clockwise in an image."""
    cosine, sine = np.cos(angle), np.sin(angle)
    return np.array([[cosine, -sine, 0], [sine, cosine, 0], [0, 0, 1]], np.float64)


def tilted(yaw: float, pitch: float, roll: float, distance: float) -> Matrix:
    """A plane of about unit size around the origin, turned and seen from ``distance``.

    ``yaw`` turns about the vertical, ``pitch`` about the horizontal, ``roll`` in the image.
    """
    cy, sy, cp, sp, cr, sr = (f(a) for a in (yaw, pitch, roll) for f in (np.cos, np.sin))
    about_y = np.array([[cy, 0, sy], [0, 1, 0], [-sy, 0, cy]])
    about_x = np.array([[1, 0, 0], [0, cp, -sp], [0, sp, cp]])
    in_plane = np.array([[cr, -sr, 0], [sr, cr, 0], [0, 0, 1]])
    turned = (in_plane @ about_x @ about_y)[:, :2]  # of points (x, y, 0)
    translated = np.column_stack([turned, [0, 0, distance]])
    return np.asarray(np.diag([distance, distance, 1.0]) @ translated, np.float64)


def corners(width: float, height: float, left: float = 0.0, top: float = 0.0) -> Points:
    """The corners of a rectangle, clockwise from the top left."""
    right, bottom = left + width, top + height
    return np.array([(left, top), (right, top), (right, bottom), (left, bottom)], np.float64)


def edge(width: float, height: float, pieces: int = 12) -> Points:
    """Points all along the edge of a rectangle at the origin: what a bend may move outwards."""
    share = np.linspace(0, 1, pieces, endpoint=False)[:, None]
    ends = corners(width, height)
    return np.concatenate(
        [a + (b - a) * share for a, b in zip(ends, np.roll(ends, -1, 0), strict=True)]
    )
