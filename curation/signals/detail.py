"""How fine the finest detail is: what is left of it at one, two and four pixels.

Blurring, shaking and enlarging empty the finest octaves of an image. How fast differences between
pixels grow with their distance says so whatever the contrast: in a sharp photograph the second
differences over two pixels are about 0.7 of those over four, in a blurred one about 0.35. Measured
at the size that was decoded, not at 256 pixels, on every eighth row.
"""

from typing import Any, NamedTuple

import cv2
import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from curation.picture.decoding import Picture
from curation.picture.histogram import Plane
from curation.signals.signal import Column, signal

LAGS = (1, 2, 4)  # pixels
EVERY = 8  # rows: a sample is enough
LEAST = 0.05  # luma levels: less than rounding leaves, so that flat images have a ratio, too


_Pixels = NDArray[np.integer[Any]]  # (h, w)


class _Means(NamedTuple):
    """Mean absolute differences over 1, 2 and 4 pixels."""

    over_one: float
    over_two: float
    over_four: float


@signal(
    tier="pixel",
    version=1,
    columns={
        "curvature": Column(pa.float32(), "luma levels, 0 up", "second differences over 1 pixel"),
        "sharpness": Column(
            pa.float32(), "ratio, 0 up", "second differences over 2 pixels to those over 4"
        ),
        "least_sharpness": Column(
            pa.float32(), "ratio, 0 up", "the same, across or down, whichever is less"
        ),
        "least_step": Column(
            pa.float32(),
            "ratio, 0 up",
            "differences over 1 pixel to those over 2, the less direction",
        ),
        "least_fine_sharpness": Column(
            pa.float32(), "ratio, 0 up", "second differences over 1 pixel to 2, the less direction"
        ),
        "finest_octave": Column(
            pa.float32(), "ratio, 0 up", "differences over 1, 2 and 4 pixels: 1 - 2 beside 2 - 4"
        ),
    },
)
def detail(picture: Picture) -> dict[str, float]:
    """Ratios of mean absolute differences of luma over 1, 2 and 4 pixels."""
    fine = picture.fine
    wide = fine.astype(np.int16)
    second = [_second(wide, down) for down in (0, 1)]
    first = [_first(fine, down) for down in (0, 1)]
    bends, steps = _Means(*np.mean(second, axis=0)), _Means(*np.mean(first, axis=0))
    return {
        "curvature": bends.over_one,
        "sharpness": _ratio(bends.over_two, bends.over_four),
        "least_sharpness": min(_ratio(of.over_two, of.over_four) for of in second),
        "least_fine_sharpness": min(_ratio(of.over_one, of.over_two) for of in second),
        "least_step": min(_ratio(of.over_one, of.over_two) for of in first),
        "finest_octave": _ratio(steps.over_one, steps.over_two)
        / _ratio(steps.over_two, steps.over_four),
    }


def _ratio(fine: float, coarse: float) -> float:
    return (fine + LEAST) / (coarse + LEAST)


def _first(plane: Plane, down: int) -> _Means:
    """Mean |Y(x) - Y(x + lag)|, across or down; 0 where the image is too small."""
    return _Means(*(_distance(*_apart(plane, lag, down), 1) for lag in LAGS))


def _second(wide: NDArray[np.int16], down: int) -> _Means:
    """Mean |Y(x) - (Y(x - lag) + Y(x + lag)) / 2|, likewise."""
    return _Means(*(_distance(*_bends(wide, lag, down), 2) for lag in LAGS))


def _apart(plane: _Pixels, lag: int, down: int) -> tuple[_Pixels, _Pixels]:
    if down:
        return plane[lag::EVERY], plane[:-lag:EVERY]
    return plane[::EVERY, lag:], plane[::EVERY, :-lag]


def _bends(wide: NDArray[np.int16], lag: int, down: int) -> tuple[_Pixels, _Pixels]:
    """Twice the pixels in the middle, and the sums of those on both sides of each."""
    before, after = _apart(wide, 2 * lag, down)
    middle = wide[lag:-lag:EVERY] if down else wide[::EVERY, lag:-lag]
    if not middle.size:
        return middle, middle
    return np.asarray(cv2.add(middle, middle)), np.asarray(cv2.add(before, after))


def _distance(first: _Pixels, second: _Pixels, scale: int) -> float:
    if not first.size:
        return 0.0
    return cv2.norm(first, second, cv2.NORM_L1) / (first.size * scale)
