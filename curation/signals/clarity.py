"""Sharpness as edge width, so that dark, low-contrast and flat pictures are not called blurred.

Across an edge, the steepest step between neighbouring pixels is compared with the whole change
of luma over seven pixels: a sharp edge does it in one step (ratio 1), an edge blurred with
deviation s spreads it (about 0.4 / s). The ratio does not change when the picture is made darker or
its contrast lower, unlike the variance of the Laplacian. Own measure, in the spirit of the edge
widths of Marziliano et al., "A no-reference perceptual blur metric", ICIP 2002, section 2.
"""

from collections.abc import Callable

import cv2
import numpy as np
import pyarrow as pa

from curation import histogram
from curation.histogram import Plane
from curation.picture import Picture
from curation.signal import Column, signal

REACH = 7  # pixels looked at across an edge
LINE = 32  # pixels of a line along which edges are looked for
SAMPLED = 17_500  # pixels looked at in each direction: a sample of the picture is enough
STRONG = 0.25  # an edge counts with at least this share of the strongest local contrast
FAINT = 4  # luma levels: below this contrast, quantisation is all there is
SHARPEST = 0.9  # quantile over edges: a blurred background behind a sharp subject is no defect
EVIDENCE = 20  # a direction with fewer edge pixels says nothing
UNIT, NO_EDGE = 200, 255  # the stored value of ratio 1, and of pixels to be left out


@signal(
    tier="pixel",
    version=1,
    columns={
        "clarity": Column(
            pa.float32(),
            "0 to 1",
            "sharpness of the picture's sharper edges in their most blurred direction",
        )
    },
)
def clarity(picture: Picture) -> dict[str, float]:
    """Edge sharpness at 256 pixels, the least of four directions (so motion blur shows).

    1: edges are one pixel wide; below about 0.5: blurred to the eye; 0: no edges at all.
    """
    directions = _lines(picture.grey)
    if not directions:
        return {"clarity": 0.0}
    ratio = _ratio(np.concatenate(directions))
    ends = np.cumsum([len(lines) for lines in directions])
    sharpness = []
    for part in np.split(ratio, ends[:-1]):
        found = histogram.counts(part)[:NO_EDGE]
        if found.sum() >= EVIDENCE:
            sharpness.append(histogram.quantile(found, SHARPEST))
    return {"clarity": min(sharpness, default=0) / UNIT}


def _ratio(lines: Plane) -> Plane:
    """Steepest step over whole contrast of the run that starts at each pixel: (n, LINE) uint8."""
    flat = lines.ravel()
    steps = cv2.absdiff(flat[:-1], flat[1:])
    steepest = _widest(steps, (1, 2, 2), cv2.max)  # over runs of 2, 4, 6 steps
    high = _widest(flat, (1, 2, 3), cv2.max)  # over runs of 2, 4, 7 pixels
    low = _widest(flat, (1, 2, 3), cv2.min)
    contrast = _within_lines(cv2.subtract(high, low), lines.shape, fill=0)
    bound = max(1, int(np.ceil(STRONG * int(contrast.max()))))
    faint = cv2.compare(contrast, bound, cv2.CMP_LT)
    steepest = _within_lines(steepest, lines.shape, fill=0)
    ratio = cv2.divide(steepest, cv2.max(contrast, FAINT), scale=UNIT)
    return np.asarray(cv2.max(ratio, faint), np.uint8)


def _widest(flat: Plane, places: tuple[int, ...], choose: Callable[..., Plane]) -> Plane:
    """The extreme of every run, found by joining ever longer runs; shorter than given."""
    for by in places:
        flat = choose(flat[:-by], flat[by:])
    return flat


def _within_lines(flat: Plane, shape: tuple[int, ...], fill: int) -> Plane:
    """Back to (n, length), with ``fill`` for the runs that would leave their line."""
    padded = np.full(shape, fill, np.uint8)
    padded.ravel()[: flat.size] = flat.ravel()
    padded[:, 1 - REACH :] = fill
    return padded


def _lines(grey: Plane) -> list[Plane]:
    """Lines of pixels across, down and along both diagonals: each (n, length) uint8.

    Empty where the picture is too small for a run of ``REACH`` pixels.
    """
    height, width = grey.shape
    length = min(LINE, height, width)
    if length < REACH:
        return []
    spacing = max(1, round(grey.size / SAMPLED))
    rows, columns = height // length, width // length  # of whole lines, end to end
    aslant = (width - length) // spacing + 1
    down = length * width
    return [
        _strided(grey, 0, (-(-height // spacing), columns, length), (spacing * width, length, 1)),
        _strided(grey, 0, (rows, -(-width // spacing), length), (down, spacing, width)),
        _strided(grey, 0, (rows, aslant, length), (down, spacing, width + 1)),
        _strided(grey, length - 1, (rows, aslant, length), (down, spacing, width - 1)),
    ]


def _strided(
    grey: Plane, start: int, shape: tuple[int, int, int], steps: tuple[int, int, int]
) -> Plane:
    """Pixels ``start + steps @ index`` of the flattened picture, copied as (n, length)."""
    if start + sum((size - 1) * step for size, step in zip(shape, steps, strict=True)) >= grey.size:
        raise IndexError("lines leave the picture")
    flat = np.ascontiguousarray(grey).ravel()[start:]
    view = np.lib.stride_tricks.as_strided(flat, shape, steps, writeable=False)
    return view.reshape(-1, shape[2])
