"""Blocks of a JPEG that was stored too coarsely, even if it was stored again since.

Where a coarse JPEG's blocks meet, luma steps. The mean step at each row and column therefore
repeats every 8 pixels (4 or 2 where decoding reduced the image). ``blocky`` looks for any period.
"""

import cv2
import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from curation.picture.decoding import Picture
from curation.picture.histogram import Plane
from curation.signals.signal import Column, signal

Profile = NDArray[np.float32]  # (n,) mean step between neighbouring rows or columns
PERIOD = 8  # pixels of a block
CAP = 10  # luma levels: steps of content count no more than those of blocks
LEAST = 0.3  # luma levels: keeps quotients of flat images finite
SHORTEST = 32  # pixels of a profile that says anything


@signal(
    tier="pixel",
    version=2,
    columns={
        "grid": Column(
            pa.float32(), "ratio, 0 up", "step at the borders of 8 x 8 blocks beside that elsewhere"
        )
    },
)
def grid(picture: Picture) -> dict[str, float]:
    """How much stronger steps of luma are at the borders of blocks, mean of both directions."""
    both = profiles(picture)
    if min(map(len, both)) < SHORTEST:
        return {"grid": 0.0}
    period = max(2, PERIOD // picture.reduction)
    return {"grid": sum(_at_period(of, period) for of in both) / 2}


def profiles(picture: Picture) -> list[Profile]:
    """Mean steps across and down of the finest detail that was decoded."""
    return [_profile(picture.fine, down) for down in (0, 1)]


def _profile(fine: Plane, down: int) -> Profile:
    """Mean step between neighbours at each place across, or down, in the middle half."""
    half = fine.shape[1 - down] // 4
    inner = slice(half, fine.shape[1 - down] - half)
    fine = fine[:, inner] if down else fine[inner]
    first, second = (fine[1:], fine[:-1]) if down else (fine[:, 1:], fine[:, :-1])
    if not first.size:
        return np.zeros(0, np.float32)
    steps = cv2.min(cv2.absdiff(first, second), CAP)
    sums = cv2.reduce(steps, down, cv2.REDUCE_SUM, dtype=cv2.CV_32S)
    return np.asarray(sums.ravel() / fine.shape[1 - down], np.float32)


def _at_period(profile: Profile, period: int) -> float:
    periods = profile[: len(profile) // period * period].reshape(-1, period)
    second, first = np.sort(periods.mean(axis=0))[-2:].tolist()
    return float((first - second) / (second + LEAST))
