"""Sharpness as edge width, so that dark, low-contrast and flat images are not called blurred.

Across an edge, the steepest step between neighbouring pixels is compared with the whole change
of luma over seven pixels: a sharp edge does it in one step (ratio 1), an edge blurred with
deviation s spreads it (about 0.4 / s). The ratio does not change when the image is made darker or
its contrast lower, unlike the variance of the Laplacian. Own measure, in the spirit of the edge
widths of Marziliano et al., "A no-reference perceptual blur metric", ICIP 2002, section 2.
"""

from collections.abc import Callable

import cv2
import numpy as np
import pyarrow as pa

from curation.picture import histogram
from curation.picture.decoding import Picture
from curation.picture.histogram import Plane
from curation.signals.signal import Column, signal

REACH = 7  # pixels looked at across an edge
LINE = 32  # pixels of a line along which edges are looked for
SAMPLED = 15_000  # pixels looked at in each direction: a sample of the image is enough
STRONG = 0.25  # an edge counts with at least this share of the strongest local contrast
FAINT = 4  # luma levels: below this contrast, quantisation is all there is
SHARPEST = 0.9  # quantile over edges: a blurred background behind a sharp subject is no defect
EVIDENCE = 20  # a direction with fewer edge pixels says nothing
UNIT = 200  # the stored value of ratio 1; what is higher stands for pixels to be left out
# Different values in turn: counting one and the same value again and again takes four times longer.
NO_EDGE = np.tile(np.arange(UNIT + 1, 256, dtype=np.uint8), 2000)


@signal(
    tier="pixel",
    version=2,
    columns={
        "clarity": Column(
            pa.float32(),
            "0 to 1",
            "sharpness of the image's sharper edges in their most blurred direction",
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
    ends = np.cumsum([lines.size for lines in directions])
    histograms = np.stack([histogram.counts(part) for part in np.split(ratio, ends[:-1])])[
        :, : UNIT + 1
    ]
    telling = histograms[histograms.sum(axis=1) >= EVIDENCE]
    return {"clarity": min(histogram.quantile(telling, SHARPEST).tolist(), default=0) / UNIT}


def _ratio(lines: Plane) -> Plane:
    """Steepest step over whole contrast of the run that starts at each pixel: (N,) uint8.

    The last pixels of the last line, at which no run starts, are left out.
    """
    flat = lines.ravel()
    steps = cv2.absdiff(flat[:-1], flat[1:])
    steepest = _widest(steps, (1, 2, 2), cv2.max)  # over runs of 2, 4, 6 steps
    high = _widest(flat, (1, 2, 3), cv2.max)  # over runs of 2, 4, 7 pixels
    low = _widest(flat, (1, 2, 3), cv2.min)
    contrast = _within_lines(cv2.subtract(high, low), lines.shape)
    bound = max(1, int(np.ceil(STRONG * int(contrast.max()))))
    faint = cv2.compare(contrast, bound, cv2.CMP_LT)
    ratio = cv2.divide(steepest, cv2.max(contrast, FAINT), scale=UNIT)
    left_out = cv2.bitwise_and(faint, np.resize(NO_EDGE, faint.shape))
    return np.asarray(cv2.max(ratio, left_out), np.uint8).ravel()


def _widest(flat: Plane, places: tuple[int, ...], choose: Callable[..., Plane]) -> Plane:
    """The extreme of every run, found by joining ever longer runs; shorter than given."""
    for by in places:
        flat = choose(flat[:-by], flat[by:])
    return flat


def _within_lines(flat: Plane, shape: tuple[int, ...]) -> Plane:
    """The same with 0 for the runs that would leave their line."""
    padded = np.empty(shape, np.uint8)
    padded.ravel()[: flat.size] = flat.ravel()
    padded[:, 1 - REACH :] = 0
    return padded.ravel()[: flat.size]


def _lines(grey: Plane) -> list[Plane]:
    """Lines of pixels across, down and along both diagonals: each (n, length) uint8.

    Empty where the image is too small for a run of ``REACH`` pixels.
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
    """Pixels ``start + steps @ index`` of the flattened image, copied as (n, length).

    Raises ``ValueError`` for lines that leave the image.
    """
    contiguous = np.ascontiguousarray(grey)
    return np.ndarray(shape, np.uint8, contiguous.data, start, steps).reshape(-1, shape[2])
