"""Few levels or few colours where a photograph has many: posterised, or a small palette.

Posterising to k + 1 levels leaves the mass of each channel's histogram at multiples of 255 / k. A
JPEG widens these into bumps, so that gaps between single levels are gone, but a cosine of that
period over the histogram still finds them (``comb``). With the histogram cut off at 1 %, a single
grey background on such a level no longer counts (``capped_comb``). An adaptive palette has no such
lattice; there the histogram is lumpy.
"""

import cv2
import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from curation.picture.decoding import Picture
from curation.signals.signal import Column, signal

EVERY = 8  # rows: a sample is enough
INNER = slice(12, 244)  # levels that are neither paper, ink nor clipped
LATTICES = np.arange(2, 10)  # k
COSINES = np.cos(2 * np.pi * LATTICES * np.arange(256)[INNER, None] / 255)  # (232, 8)
FLOOR, CAPPED_FLOOR, CAP = 0.001, 0.01, 0.01  # shares
NARROW, WIDE = 5, 31  # levels: widths of a bump, and of what lies around it
TOP, BELOW, SPARSE = slice(253, 256), slice(236, 251), 0.01  # levels, and a share
DARK = 3  # levels from 0 that count as empty
Shares = NDArray[np.float64]


@signal(
    tier="pixel",
    version=2,
    columns={
        "comb": Column(pa.float32(), "-1 to 1", "mass of the channels at evenly spaced levels"),
        "capped_comb": Column(pa.float32(), "-1 to 1", "the same, no level counting above 1 %"),
        "lumps": Column(pa.float32(), "ratio, 1 up", "unevenness of the channels' histograms"),
        "inner": Column(pa.float32(), "share 0 to 1", "levels 12 to 243, mean of the channels"),
        "least_inner": Column(pa.float32(), "share 0 to 1", "the same, least channel"),
        "empty": Column(pa.float32(), "share 0 to 1", "levels 0 to 2, least channel"),
        "end_spike": Column(
            pa.float32(), "ratio, 0 up", "levels from 253 on beside those from 236 to 250"
        ),
    },
)
def levels(picture: Picture) -> dict[str, float]:
    """How the levels of R, G and B are spread, on every eighth row of the middle."""
    rows = picture.middle[::EVERY]
    shares = np.empty((3, 256))
    for channel in range(3):
        shares[channel] = _shares(rows, channel)
    inner = shares[:, INNER]
    mass = inner.sum(axis=1)
    capped = np.minimum(_smoothed(shares, NARROW), CAP)[:, INNER]
    return {
        "comb": _comb(inner, FLOOR),
        "capped_comb": _comb(capped, CAPPED_FLOOR),
        "lumps": _lumps(capped),
        "inner": float(mass.mean()),
        "least_inner": float(mass.min()),
        "empty": float(shares[:, :DARK].sum(axis=1).min()),
        "end_spike": float(shares[:, TOP].sum() / (shares[:, BELOW].sum() + 3 * SPARSE)),
    }


def _shares(rows: NDArray[np.uint8], channel: int) -> Shares:
    counts = cv2.calcHist([rows], [channel], None, [256], [0, 256]).ravel()
    return np.asarray(counts / counts.sum(), np.float64)


def _comb(inner: Shares, floor: float) -> float:
    """The largest over lattices of the mean over channels of mass on the lattice."""
    on = (inner @ COSINES) / (inner.sum(axis=1, keepdims=True) + floor)
    return float(on.mean(axis=0).max())


def _smoothed(shares: Shares, width: int) -> Shares:
    """Means over ``width`` levels; nothing lies beyond the ends."""
    half = width // 2
    upto = np.zeros((len(shares), shares.shape[1] + width))
    np.cumsum(shares, axis=1, out=upto[:, half + 1 : half + 1 + shares.shape[1]])
    upto[:, half + 1 + shares.shape[1] :] = upto[:, [half + shares.shape[1]]]
    return np.asarray((upto[:, width:] - upto[:, :-width]) / width, np.float64)


def _lumps(capped: Shares) -> float:
    around = _smoothed(capped, WIDE)
    return float((((capped**2).sum(axis=1) + 1e-5) / ((around**2).sum(axis=1) + 1e-5)).mean())
