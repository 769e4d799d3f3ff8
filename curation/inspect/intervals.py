"""How sure a sample is: shares of all rows with 95 % intervals.

The interval is Wilson's with Newcombe's continuity correction (Statistics in Medicine 17, 1998,
857-872, method 4) for as many rows as would say as much if they were drawn one by one from an
endless collection. Fewer than were drawn say so where rows of one container are alike: the variance
is then that between containers (Cochran, Sampling Techniques, 3rd edition 1977, 11.8, by ultimate
clusters), and Student's t stands for the normal deviate. More do where the sample is a good part
of all there is.
"""

import math
from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass
from statistics import NormalDist
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from curation.sources.sampling import Stratum

LEVEL = 0.95
FEW = 10  # hits or misses: too few to tell by them how alike the rows of a container are

Flags = NDArray[np.bool_]
Key = TypeVar("Key", bound=Hashable)


@dataclass(frozen=True)
class Estimate:
    """A ``value`` of the whole input, and the ends of its 95 % interval."""

    value: float
    low: float
    high: float

    def times(self, factor: float) -> "Estimate":
        """The same in another unit."""
        return Estimate(self.value * factor, self.low * factor, self.high * factor)

    def as_json(self) -> list[float]:
        """Value, low and high."""
        return [self.value, self.low, self.high]


def added(parts: Sequence[Estimate]) -> Estimate:
    """The sum; its ends are those of the parts, as if all erred to the same side."""
    totals = ([getattr(of, end) for of in parts] for end in ("value", "low", "high"))
    return Estimate(*(sum(numbers) for numbers in totals))


@dataclass(frozen=True)
class Design:
    """Where each of n sampled rows was drawn: ``stratum`` and ``container``, both (n,) by number.

    Containers of other strata have other numbers.
    """

    strata: Sequence[Stratum]
    stratum: NDArray[np.int64]
    container: NDArray[np.int64]

    @property
    def weights(self) -> NDArray[np.float64]:
        """What part of all rows each stratum holds: (S,)."""
        rows = np.array([of.rows for of in self.strata], np.float64)
        return np.asarray(rows / rows.sum(), np.float64)

    @property
    def is_all(self) -> bool:
        """Whether the sample is the whole input."""
        return all(of.sampled >= of.rows for of in self.strata)

    @property
    def deviate(self) -> float:
        """How many standard errors the interval reaches to either side."""
        freedom = [of.chosen - 1 for of in self.strata if 0 < of.chosen < of.containers]
        return student(min(freedom)) if freedom else NormalDist().inv_cdf((1 + LEVEL) / 2)


def shares(hits: Mapping[Key, Flags], design: Design) -> dict[Key, Estimate]:
    """What part of all rows is hit, by name; ``hits`` are flags (n,) of the sampled rows."""
    looks = {name: _look(flags, design) for name, flags in hits.items()}
    effects = [
        effect for _, _, hit, effect in looks.values() if hit >= FEW and not math.isnan(effect)
    ]
    usual = max([1.0, *effects])
    return {
        name: Estimate(share, *_interval(share, _sure(rows, hit, effect, usual), design))
        for name, (share, rows, hit, effect) in looks.items()
    }


def _sure(rows: float, hit: int, effect: float, usual: float) -> float:
    """As many independent rows as a share was estimated from."""
    if math.isnan(effect):
        return rows / usual
    return rows / max(1.0, effect, usual if hit < FEW else 1.0)


def _look(flags: Flags, design: Design) -> tuple[float, float, int, float]:
    """The share, independent rows were none alike, hits or misses if fewer, and the effect.

    The effect is by how much more the share varies than that of rows drawn one by one; NaN where
    nothing varies.
    """
    share = variance = simple = 0.0
    for number, (weight, stratum) in enumerate(zip(design.weights, design.strata, strict=True)):
        own = design.stratum == number
        rows = int(own.sum())
        if not rows:
            continue
        part = float(flags[own].mean())
        share += weight * part
        alone = part * (1 - part) / max(1, rows - 1)
        simple += weight**2 * alone * max(0.0, 1 - rows / stratum.rows)
        variance += weight**2 * _variance(flags[own], design.container[own], stratum, alone)
    hit = int(min(flags.sum(), len(flags) - flags.sum()))
    if not simple:
        return share, _rows(design), hit, math.nan
    return share, share * (1 - share) / simple, hit, variance / simple


def _rows(design: Design) -> float:
    """Independent rows, where all or none of them are hit."""
    left = sum(
        weight**2 * max(0.0, 1 - of.sampled / of.rows) / of.sampled
        for weight, of in zip(design.weights, design.strata, strict=True)
        if of.sampled
    )
    return 1 / left if left else math.inf


def _variance(
    flags: NDArray[Any], container: NDArray[np.int64], stratum: Stratum, alone: float
) -> float:
    """The variance of a stratum's share; ``alone`` is that of rows drawn one by one."""
    rows = len(flags)
    within = alone * max(0.0, 1 - rows / stratum.pool)
    if stratum.chosen == stratum.containers:  # of all of them, or of none, rows were drawn directly
        return within
    drawn = stratum.chosen / stratum.containers
    _, place = np.unique(container, return_inverse=True)
    residuals = np.bincount(place, flags - flags.mean())  # those of empty containers are 0
    between = float(residuals @ residuals) * stratum.chosen / max(1, stratum.chosen - 1) / rows**2
    return (1 - drawn) * between + drawn * within


def _interval(share: float, rows: float, design: Design) -> tuple[float, float]:
    """Wilson's interval with continuity correction."""
    if design.is_all or math.isinf(rows):
        return share, share
    z, q = design.deviate, 1 - share
    middle, scale = 2 * rows * share + z**2, 2 * (rows + z**2)
    low = z**2 - 2 - 1 / rows + 4 * share * (rows * q + 1)
    high = z**2 + 2 - 1 / rows + 4 * share * (rows * q - 1)
    below = (middle - 1 - z * math.sqrt(max(0.0, low))) / scale
    above = (middle + 1 + z * math.sqrt(max(0.0, high))) / scale
    return (max(0.0, below) if share > 0 else 0.0), (min(1.0, above) if share < 1 else 1.0)


def student(freedom: float) -> float:
    """The two-sided 95 % point of Student's t.

    By Abramowitz and Stegun 26.7.5, within 0.3 % from 3 degrees of freedom on.
    """
    z = NormalDist().inv_cdf((1 + LEVEL) / 2)
    terms = (
        z,
        (z**3 + z) / 4,
        (5 * z**5 + 16 * z**3 + 3 * z) / 96,
        (3 * z**7 + 19 * z**5 + 17 * z**3 - 15 * z) / 384,
        (79 * z**9 + 776 * z**7 + 1482 * z**5 - 1920 * z**3 - 945 * z) / 92160,
    )
    return float(sum(term / freedom**power for power, term in enumerate(terms)))


def events(count: float) -> tuple[float, float]:
    """The 95 % interval of the mean of a Poisson distribution of which ``count`` were seen.

    By Byar's approximation (Breslow and Day, Statistical Methods in Cancer Research II, 1987, 2.4).
    """
    z = NormalDist().inv_cdf((1 + LEVEL) / 2)
    low = count * (1 - 1 / (9 * count) - z / (3 * math.sqrt(count))) ** 3 if count else 0.0
    more = count + 1
    return low, more * (1 - 1 / (9 * more) + z / (3 * math.sqrt(more))) ** 3


def total(values: NDArray[np.float64], design: Design) -> Estimate:
    """The sum over the whole input of what sampled rows (n,) have, such as bytes."""
    estimate = squares = 0.0
    for number, stratum in enumerate(design.strata):
        own = values[design.stratum == number]
        if not len(own):
            continue
        spread = float(own.var(ddof=1)) / len(own) if len(own) > 1 else 0.0
        container = design.container[design.stratum == number]
        squares += stratum.rows**2 * _variance(own, container, stratum, spread)
        estimate += stratum.rows * float(own.mean())
    reach = 0.0 if design.is_all else design.deviate * math.sqrt(squares)
    return Estimate(estimate, max(0.0, estimate - reach), estimate + reach)
