"""Histograms of the ruled signals: axes chosen from a sample, then exact counts unit by unit."""

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from curation.report.outcome import Bound

Floats = NDArray[np.float64]
Counts = NDArray[np.int64]
BINS = 60
LEAST_SPAN = 1e-300  # a narrower range has no room for bins in float64
MOST_INTEGERS = 24  # up to so many different whole numbers each gets a bar of its own
SAMPLE_PER_UNIT = 2000
TAIL = 0.5  # per cent at either end that the axis may leave to its outermost bars


@dataclass(frozen=True)
class Axis:
    """``edges`` (bins + 1,) ascending; ``logarithmic`` bins are equal in ratio, not width."""

    edges: Floats
    logarithmic: bool = False
    whole_numbers: bool = False

    def place(self, value: float) -> float:
        """Where a value lies on the axis, 0 (left end) to 1."""
        low, high = float(self.edges[0]), float(self.edges[-1])
        if self.logarithmic:
            value, low, high = (float(np.log(max(v, 1e-300))) for v in (value, low, high))
        return min(1.0, max(0.0, (value - low) / (high - low)))


@dataclass
class Histogram:
    """Counts (bins,) of the rows kept, beyond one of the bounds, and the rest.

    ``beyond`` leaves out the bounds of deeper stages, which drop nothing; ``rest`` passed these
    bounds and fell to something else. ``beyond_each[n]`` counts what lies
    beyond ``bounds[n]``; ``alone`` are rows beyond one of them that no other rule would stop.
    ``below`` and ``above`` are values outside the axis, counted in its outermost bars; ``missing``
    are rows without a value.
    """

    column: str
    bounds: tuple[Bound, ...]
    axis: Axis
    kept: Counts = field(init=False)
    rest: Counts = field(init=False)
    beyond: Counts = field(init=False)
    alone: Counts = field(init=False)
    beyond_each: list[int] = field(init=False)
    measured: int = 0
    missing: int = 0
    below: int = 0
    above: int = 0

    def __post_init__(self) -> None:
        bins = len(self.axis.edges) - 1
        self.kept, self.rest, self.beyond, self.alone = (np.zeros(bins, np.int64) for _ in range(4))
        self.beyond_each = [0] * len(self.bounds)

    def add(self, values: Floats, kept: NDArray[np.bool_], alone: NDArray[np.bool_]) -> None:
        """Count (N,) values, NaN where not measured; ``kept`` (N,) are the rows kept in the end,
        ``alone`` (N,) those that these bounds stopped and no other would.

        Leave out rows without an image: rules do not apply to them.
        """
        known = ~np.isnan(values)
        values, kept, alone = values[known], kept[known], alone[known]
        self.measured += len(values)
        self.missing += int((~known).sum())
        low, high = self.axis.edges[0], self.axis.edges[-1]
        self.below += int((values < low).sum())
        self.above += int((values > high).sum())
        beyond = np.zeros(len(values), np.bool_)
        for number, bound in enumerate(self.bounds):
            failed = bound.beyond(values)
            self.beyond_each[number] += int(failed.sum())
            if not bound.deeper:
                beyond |= failed
        inside = np.clip(values, low, high)
        self.kept += np.histogram(inside[kept & ~beyond], self.axis.edges)[0]
        self.rest += np.histogram(inside[~kept & ~beyond], self.axis.edges)[0]
        self.beyond += np.histogram(inside[beyond], self.axis.edges)[0]
        self.alone += np.histogram(inside[beyond & alone], self.axis.edges)[0]


def sample(values: Floats) -> Floats:
    """At most ``SAMPLE_PER_UNIT`` of the finite values, evenly over the rows."""
    finite = values[np.isfinite(values)]
    return finite[:: max(1, -(-len(finite) // SAMPLE_PER_UNIT))]


def choose_axis(values: Floats, bounds: Sequence[Bound], whole_numbers: bool) -> Axis:
    """An axis for a sample of values that shows every bound with some room around it.

    The outermost bounds lie on edges, so that no bar has a foot on either side of them.
    """
    limits = np.array([bound.value for bound in bounds], np.float64)
    if not len(values):
        values = limits
    ends = np.concatenate([np.percentile(values, (TAIL, 100 - TAIL)), limits])
    low, high = float(ends.min()), float(ends.max())
    if whole_numbers and high - low < MOST_INTEGERS:
        high = max(high, low + 1)
        return Axis(np.arange(np.floor(low) - 0.5, np.ceil(high) + 1.0), whole_numbers=True)
    # a value on a "max" passes, so the edge lies just above it
    exact = np.array(sorted(_edge(bound) for bound in bounds), np.float64)
    positive = low > 0 and float(values.min()) > 0 and high > 1
    if positive and 30 <= high / low < 1e12 and high > 6 * np.median(values):
        margin = 0.04 * np.log(high / low)
        logs = _aligned(np.log(low) - margin, np.log(high) + margin, np.log(exact))
        return Axis(_snapped(np.exp(logs), exact), logarithmic=True)
    span = next(width for width in (high - low, abs(high), 1.0) if width > LEAST_SPAN)
    left, right = low - 0.04 * span, high + 0.04 * span
    if low >= 0 and low not in exact and low not in limits:
        left = max(left, 0.0)
    return Axis(_snapped(_aligned(left, right, exact), exact))


def _edge(bound: Bound) -> float:
    return bound.value if bound.side == "min" else float(np.nextafter(bound.value, np.inf))


def _aligned(left: float, right: float, limits: Floats) -> Floats:
    """About ``BINS`` equal bins over the range, with the first and last limit on edges."""
    width = (right - left) / BINS
    if not len(limits):
        return np.linspace(left, right, BINS + 1)
    first, last = float(limits[0]), float(limits[-1])
    if last - first > width:
        width = (last - first) / round((last - first) / width)
    before = max(1, int(np.ceil((first - left) / width - 1e-9)))
    after = max(1, int(np.ceil((right - first) / width - 1e-9)))
    return np.asarray(first + width * np.arange(-before, after + 1), np.float64)


def _snapped(edges: Floats, limits: Floats) -> Floats:
    """The edges, those that should be a limit being exactly it."""
    taken = -1
    for limit in (limits[0], limits[-1]) if len(limits) else ():
        nearest = int(np.abs(edges - limit).argmin())
        if nearest != taken:  # two limits within a bin: the first has its edge
            edges[nearest], taken = limit, nearest
    return edges
