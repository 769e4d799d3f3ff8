"""Intervals hold what they promise: over hundreds of samples of stored columns, 19 of 20 do."""

import math

import numpy as np
import pytest
from numpy.typing import NDArray

from curation.inspect import intervals
from curation.inspect.intervals import Design
from curation.sources import sampling
from curation.sources.sample import Part, Unit
from curation.sources.sampling import Drawn, Stratum

SEEDS = 200
RATES = (0.5, 0.2, 0.05, 0.01, 0.002)  # of the rows, what a rule stops
# of 200 samples 190 are to hold the truth; so many fewer are chance, at three standard errors
LEAST = SEEDS * 0.95 - 3 * math.sqrt(SEEDS * 0.95 * 0.05)

Columns = dict[str, NDArray[np.bool_]]


def covered(units: list[Unit], columns: Columns, container: NDArray[np.int64]) -> dict[str, int]:
    """In how many samples each rule's true share lies within its interval."""
    counts = dict.fromkeys(columns, 0)
    for seed in range(SEEDS):
        drawn = sampling.draw(units, 400, seed, 512)
        rows = rows_of(drawn)
        design = Design(drawn.strata, np.zeros(len(rows), np.int64), container[rows])
        estimates = intervals.shares({name: of[rows] for name, of in columns.items()}, design)
        for name, flags in columns.items():
            counts[name] += estimates[name].low <= flags.mean() <= estimates[name].high
    return counts


def rows_of(drawn: Drawn) -> NDArray[np.int64]:
    names = [uri for unit in drawn.units for uri in unit.only or [part.path for part in unit.parts]]
    return np.array(names, np.int64)


def test_the_true_share_of_every_rule_lies_within_its_interval_in_19_of_20_samples() -> None:
    random = np.random.default_rng(12)
    count = 3000
    columns = {str(rate): random.random(count) < rate for rate in RATES}
    parts = tuple(Part(str(row), 1, str(row)) for row in range(count))
    counts = covered([Unit("0" * 16, "files", parts)], columns, np.zeros(count, np.int64))
    assert min(counts.values()) >= LEAST, counts
    assert np.mean(list(counts.values())) >= 0.94 * SEEDS, counts


def clustered(monkeypatch: pytest.MonkeyPatch) -> tuple[list[Unit], Columns, NDArray[np.int64]]:
    """Tars of unequal size whose rows are alike (intraclass correlation 0.25)."""
    random = np.random.default_rng(12)
    sizes = random.poisson(30 * random.gamma(8, 1 / 8, 200)) + 1
    owner = np.repeat(np.arange(len(sizes)), sizes)
    columns = {
        str(rate): random.random(len(owner)) < random.beta(3 * rate, 3 * (1 - rate), 200)[owner]
        for rate in RATES[:4]
    }
    units = [
        Unit(f"{number:016x}", "webdataset", (Part(f"{number}.tar", int(size), f"{number}.tar"),))
        for number, size in enumerate(sizes)
    ]
    rows = {unit.id: np.flatnonzero(owner == n).tolist() for n, unit in enumerate(units)}
    monkeypatch.setattr(sampling, "_locations", lambda unit: list(map(str, rows[unit.id])))
    return units, columns, owner


def test_so_it_does_where_rows_of_one_container_are_alike(monkeypatch: pytest.MonkeyPatch) -> None:
    units, columns, owner = clustered(monkeypatch)
    counts = covered(units, columns, owner)
    assert min(counts.values()) >= LEAST, counts
    assert np.mean(list(counts.values())) >= 0.94 * SEEDS, counts


def test_taking_rows_of_containers_for_independent_would_be_too_sure(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    units, columns, owner = clustered(monkeypatch)
    monkeypatch.setattr(intervals, "_variance", lambda flags, of, stratum, alone: alone)
    assert min(covered(units, columns, owner).values()) < LEAST


def design(rows: int, of: int) -> Design:
    stratum = Stratum("files", of, True, 0, 0, of, rows)
    return Design((stratum,), np.zeros(rows, np.int64), np.zeros(rows, np.int64))


def test_wilsons_interval_with_continuity_correction_as_published() -> None:
    flags = np.arange(263) < 81  # Newcombe 1998, table I: 81 of 263
    (of,) = intervals.shares({"": flags}, design(263, 10**12)).values()
    assert (of.low, of.high) == pytest.approx((0.2535, 0.3682), abs=3e-4)
    (none,) = intervals.shares({"": np.zeros(20, np.bool_)}, design(20, 10**12)).values()
    assert (none.low, none.high) == pytest.approx((0.0, 0.2005), abs=3e-4)


def test_a_sample_of_everything_is_sure() -> None:
    (of,) = intervals.shares({"": np.arange(10) < 3}, design(10, 10)).values()
    assert (of.value, of.low, of.high) == (0.3, 0.3, 0.3)


@pytest.mark.parametrize(("freedom", "point"), [(3, 3.1824), (10, 2.2281), (63, 1.9983)])
def test_students_point(freedom: int, point: float) -> None:
    assert intervals.student(freedom) == pytest.approx(point, rel=2e-3)


def test_events() -> None:
    assert intervals.events(0) == pytest.approx((0, 3.689), rel=0.01)
    assert intervals.events(10) == pytest.approx((4.795, 18.39), rel=0.01)


def test_a_total_and_its_interval() -> None:
    random = np.random.default_rng(1)
    sizes = random.gamma(2, 50_000, 4000)
    held = 0
    for _ in range(SEEDS):
        of = intervals.total(random.choice(sizes, 300, replace=False), design(300, 4000))
        held += of.low <= sizes.sum() <= of.high
    assert held >= LEAST
