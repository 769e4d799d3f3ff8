"""Blocks of a JPEG that was stored too coarsely, even if it was resized and stored again since.

Where a coarse JPEG's blocks meet, luma steps. The mean step at each row and column therefore
repeats every 8 pixels (4 or 2 where decoding reduced the image), or at another period after
resizing. ``grid`` looks at the known period; ``ripple`` and ``overtones`` look for any in the
spectrum, with its overtones, as the lines of a grid have and waves on water have not.
"""

from functools import lru_cache

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
SMOOTH = 9  # pixels over which the content's own step is taken
SIZE = 1024  # of the transform
SHORTEST = 32  # pixels of a profile that says anything
SLOWEST, LAST = SIZE // 20, SIZE // 2  # places in the spectrum: periods of 20 to 2 pixels
BASE = np.arange(SIZE // 15, SIZE // 4)  # places of a first harmonic: periods of 15 to 4
HARMONICS = [BASE * order for order in (1, 2, 3, 4)]
COUNT = np.minimum(4, (LAST - 1) // BASE)  # of its harmonics that are in the spectrum


@signal(
    tier="pixel",
    version=1,
    columns={
        "grid": Column(
            pa.float32(), "ratio, 0 up", "step at the borders of 8 x 8 blocks beside that elsewhere"
        ),
        "ripple": Column(pa.float32(), "power, 0 up", "strongest period of steps, across and down"),
        "overtones": Column(
            pa.float32(), "log power, 0 up", "strongest period of steps with its overtones"
        ),
    },
)
def grid(picture: Picture) -> dict[str, float]:
    """How much stronger steps of luma are at regular distances, and how regular these are."""
    profiles = [_profile(picture.fine, down) for down in (0, 1)]
    if min(map(len, profiles)) < SHORTEST:
        return {"grid": 0.0, "ripple": 0.0, "overtones": 0.0}
    period = max(2, PERIOD // picture.reduction)
    ripple, overtones = _spectral([_spectrum(of) for of in profiles])
    return {
        "grid": sum(_at_period(of, period) for of in profiles) / 2,
        "ripple": ripple,
        "overtones": overtones,
    }


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
    whole = profile[: len(profile) // period * period].reshape(-1, period)
    second, first = np.sort(whole.mean(axis=0))[-2:].tolist()
    return float((first - second) / (second + LEAST))


def _spectrum(profile: Profile) -> Profile:
    """Power of the profile's relative departures from its surroundings: (SIZE / 2 + 1,)."""
    around = cv2.blur(profile[None], (SMOOTH, 1), borderType=cv2.BORDER_REPLICATE)[0]
    window, power = _window(len(profile))
    waves = np.fft.rfft((profile - around) / (around + LEAST) * window, SIZE)
    return np.asarray(np.abs(waves) ** 2 / power, np.float32)


@lru_cache(maxsize=512)
def _window(length: int) -> tuple[NDArray[np.float64], float]:
    """Hann's window and the sum of its squares."""
    window = np.hanning(length)
    return window, float((window**2).sum())


def _spectral(spectra: list[Profile]) -> tuple[float, float]:
    """The strongest period that both directions have, and the strongest with its overtones."""
    across, down = spectra
    power = across + down
    level = float(np.median(power[SLOWEST:LAST])) + 1e-6
    near = np.maximum(np.maximum(power[:-2], power[1:-1]), power[2:])
    near = np.log(np.concatenate((near[:1], near, near[-1:])) / level + 1)
    total = np.zeros(len(BASE))
    for places in HARMONICS:
        inside = places < LAST
        total[inside] += near[places[inside]]
    both = np.sqrt(across[SLOWEST:LAST] * down[SLOWEST:LAST])
    return float(both.max()), float((total / COUNT).max())
