"""Blocks of a JPEG that was stored too coarsely, even if it was resized and stored again since.

Where a coarse JPEG's blocks meet, luma steps, every 8 pixels at first and at another period after
resizing. This looks for any period in the spectrum of the mean steps, with its overtones, as the
lines of a grid have and waves on water have not; ``grid`` looks at the period that is known. A page
of monospaced text has a period, too, so no shipped rule asks for it, and only where one does is it
measured.
"""

from collections.abc import Sequence
from functools import lru_cache

import cv2
import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from curation.picture.decoding import SMALL_SIDE, Picture
from curation.signals import defects, grid, levels
from curation.signals.grid import LEAST, Profile
from curation.signals.row import Row
from curation.signals.signal import Column, Measure, signal

SMOOTH = 9  # pixels over which the content's own step is taken
SIZE = 1024  # of the transform
SLOWEST, LAST = SIZE // 20, SIZE // 2  # places in the spectrum: periods of 20 to 2 pixels
BASE = np.arange(SIZE // 15, SIZE // 4)  # places of a first harmonic: periods of 15 to 4
HARMONICS = [BASE * order for order in (1, 2, 3, 4)]
COUNT = np.minimum(4, (LAST - 1) // BASE)  # of its harmonics that are in the spectrum
CELLS = 16  # of each side of the colour cube
FEW = 16  # cells
LEAST_SHARE = 0.02  # keeps the quotient of single-coloured images finite
_RULE = defects.RULES["blocky"]
_OWN = {
    "ripple": Column(pa.float32(), "power, 0 up", "strongest period of steps, across and down"),
    "overtones": Column(
        pa.float32(), "log power, 0 up", "strongest period of steps with its overtones"
    ),
    "few_colours": Column(
        pa.float32(), "share 0 to 1", "most frequent 16 of 4096 colours after the first"
    ),
}


@signal(
    tier="model",
    version=defects.version(_RULE),
    columns={
        "blocky": Column(
            pa.float32(),
            "probability 0 to 1",
            "stored as a JPEG of quality 12 or less once, whatever happened since",
        ),
        **_OWN,
    },
    reads=tuple(term.column for term in _RULE.terms if term.column not in _OWN),
)
def blocky() -> Measure:
    """A logistic rule (``defects``) on the spectrum of steps, with some of the cheap columns."""

    def measure(rows: Sequence[Row]) -> list[dict[str, float]]:
        made = []
        for row in rows:
            own = spectrum(row.picture(SMALL_SIDE))
            made.append(own | {"blocky": _RULE.probability({**row.columns, **own})})
        return made

    return measure


def spectrum(picture: Picture) -> dict[str, float]:
    """How regular steps of luma are, at whatever period, and how few colours there are."""
    profiles = grid.profiles(picture)
    if min(map(len, profiles)) < grid.SHORTEST:
        ripple = overtones = 0.0
    else:
        ripple, overtones = _strongest([_spectrum(of) for of in profiles])
    few = _few_colours(picture.middle[:: 2 * levels.EVERY])
    return {"ripple": ripple, "overtones": overtones, "few_colours": few}


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


def _strongest(spectra: list[Profile]) -> tuple[float, float]:
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


def _few_colours(rows: NDArray[np.uint8]) -> float:
    """Share of the 16 most frequent cells after the first, of all that is not in the first."""
    counts = cv2.calcHist([rows], [0, 1, 2], None, [CELLS] * 3, [0, 256] * 3).ravel()
    most = np.sort(counts[counts > 0])[-FEW - 1 :] / counts.sum()
    return float(most[:-1].sum() / (1 - most[-1] + LEAST_SHARE))
