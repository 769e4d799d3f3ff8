"""What a sample says of the whole input: what each rule would stop, what would be kept.

Rules on what other rows are (duplicates and other groupings) and quotas do not apply to a sample:
of two duplicates it seldom holds both, and a quota's budget is one of the whole. Of duplicates it
is told how many pairs the sample holds, and how many those stand for.
"""

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from curation.groupings.duplicates.grouping import hashes
from curation.inspect import intervals
from curation.inspect.intervals import Design, Estimate, Flags
from curation.judging import verdicts
from curation.output.layout import Layout
from curation.output.measured import LOOKED
from curation.report import outcome
from curation.report.outcome import Bound
from curation.sources import plan
from curation.sources.sampling import Stratum

COLUMNS = ("phash", "id", "size", "input_bytes")
LEDGER = ("verdict", "stage", "rule")


@dataclass(frozen=True)
class Rows:
    """The sampled rows (n): where they were drawn, and their columns of signals and ledger."""

    design: Design
    table: pa.Table

    def among(self, column: str, *values: str | None) -> Flags:
        """Which rows have one of these values: (n,)."""
        held = self.table.column(column).to_pylist()
        return np.array([value in values for value in held], np.bool_)

    def flags(self, column: str) -> Flags:
        """A column of booleans: (n,)."""
        return np.asarray(self.table.column(column), np.bool_)

    def numbers(self, column: str) -> NDArray[np.float64]:
        """A column of numbers (n,), 0 for null."""
        held = self.table.column(column).to_pylist()
        return np.array([value or 0 for value in held], np.float64)


@dataclass(frozen=True)
class Pairs:
    """Duplicates: the pairs ``seen`` in a sample, and how many of the whole they stand for."""

    seen: int
    estimate: Estimate

    def as_json(self) -> dict[str, Any]:
        """Plain data."""
        return {"seen": self.seen, "pairs": self.estimate.as_json()}


@dataclass(frozen=True)
class Forecast:
    """Shares of all rows: by stage those that pass and, by rule, those that are stopped there.

    ``models`` are the rows that reach each model; ``pairs`` duplicates, exact and near.
    """

    passed: Mapping[str, Estimate]
    stopped: Mapping[str, Mapping[str, Estimate]]
    kept: Estimate
    quarantined: Estimate
    models: Mapping[str, Estimate]
    pairs: Mapping[str, Pairs]

    def as_json(self) -> dict[str, Any]:
        """Plain data."""
        return {
            "stages": {
                stage: {"passed": of.as_json(), "stopped": _plain(self.stopped[stage])}
                for stage, of in self.passed.items()
            },
            "kept": self.kept.as_json(),
            "quarantined": self.quarantined.as_json(),
            "models": _plain(self.models),
            "duplicates": {name: of.as_json() for name, of in self.pairs.items()},
        }


def _plain(estimates: Mapping[str, Estimate]) -> dict[str, list[float]]:
    return {name: of.as_json() for name, of in estimates.items()}


def read(
    output: str, strata: Sequence[Stratum], models: Sequence[str], columns: Sequence[str] = ()
) -> Rows:
    """The sampled rows of a finished run, with these ``columns`` beside ours.

    Raises ``OutcomeError``, ``ColumnFileError``.
    """
    layout, numbers = Layout(output), {of.layout: place for place, of in enumerate(strata)}
    tables, stratum, container = [], list[int](), list[int]()
    names = (*COLUMNS, *columns, *(LOOKED + name for name in models))
    for place, unit in enumerate(outcome.read_units(output, names, LEDGER)):
        beside = zip(LEDGER, unit.ledger.select(LEDGER).columns, strict=True)
        table = unit.signals
        for name, column in beside:
            table = table.append_column(name, column)
        tables.append(table)
        source = plan.read_unit(layout.plan(unit.name))
        stratum += [numbers[source.layout]] * table.num_rows
        container += [place] * table.num_rows
    design = Design(strata, np.array(stratum, np.int64), np.array(container, np.int64))
    return Rows(design, pa.concat_tables(tables, promote_options="permissive"))


def forecast(output: str, run: Mapping[str, Any], rows: Rows, models: Sequence[str]) -> Forecast:
    """What the sampled rows say of all."""
    bounds = outcome.bounds(run)
    hits: dict[tuple[str, ...], Flags] = {
        ("kept",): rows.among("verdict", "kept"),
        ("quarantined",): rows.among("verdict", "quarantined"),
    }
    stages = [*outcome.stages(run)]
    for number, stage in enumerate(stages):
        hits["passed", stage] = passed(rows, stages, number)
        for bound in (bound for bound in bounds if bound.stage == stage):
            hits["stopped", stage, bound.rule] = stopped(rows, bound)
    for name in models:
        hits["model", name] = rows.flags(LOOKED + name)
    of = intervals.shares(hits, rows.design)
    return Forecast(
        {stage: of["passed", stage] for stage in stages},
        {
            stage: {key[2]: of[key] for key in of if key[:2] == ("stopped", stage)}
            for stage in stages
        },
        of["kept",],
        of["quarantined",],
        {name: of["model", name] for name in models},
        duplicates(output, rows),
    )


def stopped(rows: Rows, bound: Bound) -> Flags:
    """The rows that a rule stops, held back or dropped."""
    here = rows.among("verdict", "dropped") & rows.among("stage", bound.stage)
    if bound.deeper:
        here |= rows.among("verdict", "kept") & rows.among("stage", bound.before)
    return here & rows.among("rule", bound.rule)


def passed(rows: Rows, stages: Sequence[str], number: int) -> Flags:
    """The rows that pass the stage of this number."""
    later = rows.among("stage", *stages[number + 1 :])
    here = rows.among("verdict", "kept") & rows.among("stage", stages[number])
    return np.asarray(later | here, np.bool_)


def duplicates(output: str, rows: Rows) -> dict[str, Pairs]:
    """Pairs of equal bytes, and of other near-duplicates."""
    same, near = _Seen(rows.design), _Seen(rows.design)
    known, tokens = hashes(rows.table)
    ids = rows.table.column("id").take(pa.array(known)).to_pylist()
    of_id, of_hash = (_places(rows.design, known, of) for of in (ids, tokens.tolist()))
    for places in of_id.values():
        same.add_within(places)
    for places in of_hash.values():
        near.add_within(places)
    near.without(same)  # equal bytes have equal hashes
    for first, other in verdicts.read_edges(output).tolist():
        near.add_between(of_hash.get(first, Counter()), of_hash.get(other, Counter()))
    return {"exact": same.estimated(), "near": near.estimated()}


_Place = tuple[int, int]  # the numbers of a stratum, and of a container (0: drawn directly)


def _places(
    design: Design, rows: NDArray[np.int64], values: Sequence[Any]
) -> dict[Any, Counter[_Place]]:
    """How many of ``rows`` were drawn where, by their values."""
    places = dict[Any, Counter[_Place]]()
    drawn = zip(design.stratum[rows].tolist(), design.container[rows].tolist(), strict=True)
    for (stratum, container), value in zip(drawn, values, strict=True):
        place = (stratum, container if design.strata[stratum].containers else 0)
        places.setdefault(value, Counter())[place] += 1
    return places


class _Seen:
    """Pairs that were seen, by how likely both rows were to be drawn.

    Those of a value are seen together or not at all: many pairs of one tell less than as many of
    several. ``squares`` are of how many there were of each.
    """

    def __init__(self, design: Design) -> None:
        self.design, self.counts, self.squares = design, Counter[float](), 0

    def add_within(self, places: Counter[_Place]) -> None:
        """Add the pairs of rows of one value."""
        ordered = list(places.items())
        self.squares += math.comb(places.total(), 2) ** 2
        for number, (place, rows) in enumerate(ordered):
            self.counts[self._likelihood(place, place)] += rows * (rows - 1) // 2
            for other, more in ordered[number + 1 :]:
                self.counts[self._likelihood(place, other)] += rows * more

    def add_between(self, places: Counter[_Place], others: Counter[_Place]) -> None:
        """Add the pairs of a row of one value and a row of another."""
        self.squares += (places.total() * others.total()) ** 2
        for place, rows in places.items():
            for other, more in others.items():
                self.counts[self._likelihood(place, other)] += rows * more

    def without(self, same: "_Seen") -> None:
        """Take out pairs that were counted among others."""
        self.counts.subtract(same.counts)
        self.squares = max(self.counts.total(), self.squares - same.squares)

    def _likelihood(self, place: _Place, other: _Place) -> float:
        first, second = (self.design.strata[number] for number, _ in (place, other))
        if first is not second:
            return _rate(first) * _rate(second)
        if not first.containers:
            return _both(first.sampled, first.rows)
        inside = _both(first.sampled, first.pool)
        if place == other:
            return inside * first.chosen / first.containers
        return inside * _both(first.chosen, first.containers)

    def estimated(self) -> Pairs:
        """Each pair stands for as many as it was likely to be drawn one of (Horvitz, Thompson)."""
        seen = self.counts.total()
        total = sum(count / likelihood for likelihood, count in self.counts.items())
        if self.design.is_all:
            return Pairs(seen, Estimate(total, total, total))
        apart = seen**2 / self.squares if seen else 0.0  # so many single pairs would tell as much
        low, high = intervals.events(apart)
        each = total / apart if seen else _rarest(self.design)
        return Pairs(seen, Estimate(total, low * each, high * each))


def _rarest(design: Design) -> float:
    """How many pairs one stands for where none was seen."""
    rates = [_rate(of) for of in design.strata if of.sampled]
    return 1 / min(rates) ** 2


def _rate(stratum: Stratum) -> float:
    return stratum.sampled / stratum.rows


def _both(drawn: float, of: float) -> float:
    return drawn * (drawn - 1) / (of * (of - 1)) if drawn > 1 and of > 1 else 1.0
