"""Weights that bring a mix to its targets: of domains, languages and categories at once.

Iterative proportional fitting (Deming and Stephan 1940): the counts of the cells of all margins
together are scaled to each margin in turn until all hold. It keeps what the margins do not say as
the data have it. A cell without rows stays empty, and no row counts more than ``most`` times as
much as it does on average: what cannot be reached is said by ``conflicts``. Named by ``groupings:
[taxonomy.mix]`` with ``settings: {mix: {targets: {domain: {nature: 0.55, ...}}}}``.
"""

from collections.abc import Mapping, Sequence
from typing import Annotated, Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray
from pydantic import Field, field_validator

from curation.groupings.grouping import PASSED
from curation.signals.signal import Column, Settings

ROUNDS = 1000
CLOSE = 1e-6  # of the shares: the margins hold
NOTED = 1e-3  # of a share: what differs by more is a conflict
_COUNT, _WEIGHT = "rows", "mix_weight"
Shares = Mapping[str, Annotated[float, Field(ge=0, le=1)]]


class Options(Settings):
    """``targets`` by column and its values: shares, which are scaled to 1. A value that is not
    named, or null, is left as often as it is. ``stages`` are those that a row must pass by its own
    rules to count.
    """

    targets: Mapping[str, Shares] = {}
    most: Annotated[float, Field(ge=1)] = 10.0
    stages: Annotated[int, Field(ge=0)] = 1

    @field_validator("targets")
    @classmethod
    def _some_share(cls, targets: Mapping[str, Shares]) -> Mapping[str, Shares]:
        for column, shares in targets.items():
            if not sum(shares.values()) > 0:
                raise ValueError(f"{column}: expected some share above 0")
        return targets


class Mix:
    """The weight of each row by the cell it is in; 1 on average over the rows that count."""

    name, version, refers = "mix", 1, None
    columns: Mapping[str, Column] = {
        _WEIGHT: Column(pa.float32(), "0 and more", "how often its cell of the mix is shown")
    }
    options = Options

    def __init__(self, options: Options = Options()) -> None:  # noqa: B008
        self.settings: Mapping[str, Any] = options.model_dump(mode="json")
        self._own = options
        self._margins = tuple(options.targets)

    @property
    def reads(self) -> Sequence[str]:
        return (*self._margins, PASSED)

    def with_options(self, options: Options) -> "Mix":
        """The grouping with these targets."""
        return Mix(options)

    def summary(self, unit: str, rows: pa.Table) -> pa.Table:
        """How many of the rows that count are in each cell."""
        passed = np.asarray(rows.column(PASSED).fill_null(-1), np.int64)
        ones = pa.array(np.ones(rows.num_rows, np.int64))
        cells = pa.table([*self._cells(rows).columns, ones], names=[*self._margins, _COUNT])
        return self._added(cells.filter(pa.array(passed >= self._own.stages)))

    def merge(self, a: pa.Table, b: pa.Table) -> pa.Table:
        """The counts of both, by cell."""
        return self._added(pa.concat_tables([a, b]))

    def conclude(self, summary: pa.Table) -> pa.Table:
        """The cells with the weight of a row in each."""
        count = np.asarray(summary.column(_COUNT), np.float64)
        places = [_places(summary.column(of), self._own.targets[of]) for of in self._margins]
        weight = fitted(count, places, self._targets(places, count), self._own.most)
        return summary.append_column(_WEIGHT, pa.array(weight, pa.float32()))

    def measure(self, unit: str, rows: pa.Table, summary: pa.Table) -> pa.Table:
        """The weight of each row of a unit; 1 of a cell in which no row counts."""
        known = {
            tuple(cell[of] for of in self._margins): cell[_WEIGHT] for cell in summary.to_pylist()
        }
        cells = zip(*(of.to_pylist() for of in self._cells(rows).columns), strict=True)
        weights = [known.get(cell, 1.0) for cell in cells] or [1.0] * rows.num_rows
        return pa.table({_WEIGHT: pa.array(weights, pa.float32())})

    def notes(self, summary: pa.Table) -> list[str]:
        """What the weights do not reach, if anything."""
        return conflicts(summary, self._own)

    def _cells(self, rows: pa.Table) -> pa.Table:
        columns = [rows.column(of).cast(pa.string()) for of in self._margins]
        return pa.table(columns, names=list(self._margins))

    def _added(self, counted: pa.Table) -> pa.Table:
        keys = list(self._margins)
        total = counted.group_by(keys).aggregate([(_COUNT, "sum")])
        order = [(of, "ascending") for of in keys]
        return total.rename_columns([*keys, _COUNT]).sort_by([*order, (_COUNT, "ascending")])

    def _targets(
        self, places: Sequence[NDArray[np.int64]], count: NDArray[np.float64]
    ) -> list[NDArray[np.float64]]:
        """Of each margin the rows that its named values are to have together with the others'."""
        wanted = []
        for of, place in zip(self._margins, places, strict=True):
            shares = np.array([*self._own.targets[of].values()], np.float64)
            named = count[place >= 0].sum()
            wanted.append(shares / shares.sum() * named)
        return wanted


def _places(column: pa.ChunkedArray, shares: Shares) -> NDArray[np.int64]:
    """Which of the named values each cell has; -1 for none of them."""
    order = {name: place for place, name in enumerate(shares)}
    return np.array([order.get(value, -1) for value in column.to_pylist()], np.int64)


def fitted(
    count: NDArray[np.float64],
    places: Sequence[NDArray[np.int64]],
    wanted: Sequence[NDArray[np.float64]],
    most: float,
) -> NDArray[np.float64]:
    """The weight of a row in each of C cells that hold ``count`` rows, at most ``most``.

    ``places`` say of each margin which of its values a cell has (C,), -1 for one without a target;
    ``wanted`` how many rows each value is to count for.
    """
    weight = np.ones(len(count))
    for _ in range(ROUNDS):
        before = weight.copy()
        for place, target in zip(places, wanted, strict=True):
            named = place >= 0
            mass = (weight * count)[named]
            here = np.bincount(place[named], mass, minlength=len(target)).astype(np.float64)
            factor = np.divide(target, here, out=np.zeros_like(here), where=here > 0)
            weight[named] *= factor[place[named]]
        weight = np.minimum(weight, most)
        if np.abs(weight - before).max(initial=0.0) < CLOSE:
            break
    return weight


def conflicts(concluded: pa.Table, options: Options) -> list[str]:
    """What the weights do not reach: a sentence a column, of each value the share wanted and the
    share there.

    And why: no row has the value, all of its rows count as much as they may, or the targets of
    another column hold it back; what is lacking, the others have.
    """
    if not len(concluded):
        return []
    said: list[str] = []
    count = np.asarray(concluded.column(_COUNT), np.float64)
    weight = np.asarray(concluded.column(_WEIGHT), np.float64)
    mass = count * weight
    for column, shares in options.targets.items():
        values = concluded.column(column).to_pylist()
        named = np.array([value in shares for value in values])
        total = mass[named].sum() or 1.0
        off: list[tuple[float, str]] = []
        for name, share in shares.items():
            wanted = share / sum(shares.values())
            cells = np.array([value == name for value in values]) & (count > 0)
            here = mass[cells].sum() / total
            if abs(here - wanted) <= NOTED:
                continue
            rows = int(count[cells].sum())
            of = f"{name} {here:.1%} in place of {wanted:.1%}"
            if here > wanted:
                off.append((here - wanted, of))
                continue
            why = "no row of it" if not rows else f"{rows} rows"
            if rows and (weight[cells] >= options.most - CLOSE).all():
                why += f", each counts {options.most:g} times, the most there may be"
            off.append((here - wanted, f"{of} ({why})"))
        if off:  # what lacks most comes first
            said.append(f"{column}: {', '.join(text for _, text in sorted(off))}")
    return said


MIX = Mix()
