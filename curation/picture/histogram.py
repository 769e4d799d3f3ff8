"""Histograms of 8-bit planes and their quantiles, far cheaper than sorting pixels."""

import cv2
import numpy as np
from numpy.typing import NDArray

Plane = NDArray[np.uint8]  # (h, w)


def counts(plane: Plane, mask: Plane | None = None) -> NDArray[np.int64]:
    """How often each of the values 0..255 occurs where ``mask`` is not 0: (256,) int64."""
    counts = cv2.calcHist([plane], [0], mask, [256], [0, 256])
    return np.asarray(counts, np.int64).ravel()


def quantile(histogram: NDArray[np.int64], share: float) -> NDArray[np.int64]:
    """The smallest value that at least ``share`` (0..1) of the counted pixels do not exceed.

    Histograms (..., values) give quantiles (...). Raises ``ValueError`` for an empty histogram.
    """
    upto = histogram.cumsum(axis=-1)
    if not upto[..., -1].all():
        raise ValueError("a quantile of no pixels")
    return np.asarray((upto >= share * upto[..., -1:]).argmax(axis=-1), np.int64)


def entropy(histogram: NDArray[np.int64]) -> float:
    """Shannon entropy in bits; 0 for an empty histogram."""
    present = histogram[histogram > 0]
    if not len(present):
        return 0.0
    shares = present / present.sum()
    return max(0.0, float(-(shares * np.log2(shares)).sum()))
