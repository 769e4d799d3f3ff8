"""The mix against its target: what is kept of each category, and how often weights show it."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from curation.output import column_files
from curation.report.cards import Thumbnails
from curation.report.nearest import Pick
from curation.report.outcome import Unit
from curation.report.sections.section import Known

WEIGHT = "_weight"  # how the names of columns end that the trainer multiplies
Floats = NDArray[np.float64]


@dataclass
class Weighed:
    """Of a weight, or of the first of them multiplied: sums over kept rows, and the largest."""

    name: str
    total: float = 0.0
    squares: float = 0.0
    largest: float = 0.0

    def add(self, factors: Floats) -> None:
        """Count (N,) factors of kept rows."""
        self.total += float(factors.sum())
        self.squares += float((factors**2).sum())
        self.largest = max(self.largest, float(factors.max(initial=0.0)))


@dataclass
class Target:
    """A column with the shares its values are to have, and what there is of each value (V,).

    ``weighed`` are (weights, V) sums over kept rows: of 1, of the first weight, of the first two.
    """

    column: str
    shares: Mapping[str, float]
    weights: int
    supply: NDArray[np.int64] = field(init=False)
    kept: NDArray[np.int64] = field(init=False)
    weighed: Floats = field(init=False)

    def __post_init__(self) -> None:
        count = len(self.shares)
        self.supply, self.kept = np.zeros(count, np.int64), np.zeros(count, np.int64)
        self.weighed = np.zeros((self.weights, count))

    def add(self, values: pa.ChunkedArray, kept: NDArray[np.bool_], factors: Floats) -> None:
        """Count rows (N,) by their value; ``factors`` are (weights, N)."""
        names = pa.array([*self.shares], pa.string())
        place = np.asarray(pc.fill_null(pc.index_in(values, value_set=names), -1), np.int64)
        count, named = len(self.shares), place >= 0
        self.supply += np.bincount(place[named], minlength=count)
        own = named & kept
        self.kept += np.bincount(place[own], minlength=count)
        for number, of in enumerate(factors):
            self.weighed[number] += np.bincount(place[own], of[own], minlength=count)


@dataclass
class Mix:
    """The section."""

    targets: list[Target]
    weights: list[Weighed]
    anchor: str = "mix"
    label: str = "Mix"
    title: str = "The mix against its target"
    rows: int = 0

    @property
    def columns(self) -> Sequence[str]:
        """The measured columns that it reads."""
        return [target.column for target in self.targets]

    def add(self, unit: Unit, groups: pa.Table) -> None:
        """Count a unit's rows."""
        kept = unit.is_verdict("kept")
        factors = np.ones((len(self.weights) + 1, len(kept)))
        for number, weight in enumerate(self.weights, 1):
            own = np.ones(len(kept))
            if weight.name in groups.column_names:
                own = column_files.as_float(groups.column(weight.name))
            factors[number] = factors[number - 1] * np.nan_to_num(own, nan=1.0)
            weight.add(factors[number][kept])
        self.rows += int(kept.sum())
        for target in self.targets:
            values = unit.signals.column(target.column).cast(pa.string())
            target.add(values, kept, factors)

    def picks(self) -> list[Pick]:
        """None: it shows no images."""
        return []

    def view(self, thumbnails: Thumbnails) -> Any:
        """The tables of targets, and what the weights cost."""
        if not self.rows:
            return None
        return {
            "targets": [_table(target) for target in self.targets],
            "weights": [(of.name, *_cost(of, self.rows)) for of in self.weights],
            "names": [of.name for of in self.weights],
        }


def chosen(known: Known) -> Mix | None:
    """The section, where a mix has targets or rows have weights."""
    weights = [Weighed(name) for name in known.grouped if name.endswith(WEIGHT)]
    settings = known.run.get("configuration", {}).get("settings", {}) or {}
    wanted = [
        (column, shares)
        for of in settings.values()
        if isinstance(of, Mapping) and isinstance(of.get("targets"), Mapping)
        for column, shares in of["targets"].items()
        if known.has(column) and isinstance(shares, Mapping) and sum(shares.values()) > 0
    ]
    targets = [
        Target(
            column,
            {str(name): part / sum(shares.values()) for name, part in shares.items()},
            len(weights) + 1,
        )
        for column, shares in wanted
    ]
    return Mix(targets, weights) if targets or weights else None


def _table(target: Target) -> dict[str, Any]:
    shares = np.array([*target.shares.values()])
    total, after = int(target.kept.sum()), _parts(target.weighed[-1])
    rows = [
        {
            "name": name,
            "supply": int(target.supply[place]),
            "kept": int(target.kept[place]),
            "target": 100 * share,
            "parts": [100 * float(_parts(of)[place]) for of in target.weighed],
            "lacks": max(0, math.ceil(share * total - target.kept[place] - 1e-9)),
            "reached": abs(after[place] - share) < 0.01,
        }
        for place, (name, share) in enumerate(target.shares.items())
    ]
    sets = np.divide(target.kept, shares, out=np.full(len(shares), np.inf), where=shares > 0)
    return {
        "column": target.column,
        "rows": rows,
        "total": total,
        "limit": rows[int(sets.argmin())]["name"],
        "largest": int(sets.min()) if total else 0,
        "evenness": [_evenness(_parts(of)) for of in target.weighed],
        "scale": max(1.0, *(max(row["target"], *row["parts"]) for row in rows)),
    }


def _parts(of: Floats) -> Floats:
    return of / (of.sum() or 1.0)


def _evenness(parts: Floats) -> float:
    """The entropy as a share of the largest there can be."""
    some = parts[parts > 0]
    return float(-(some * np.log(some)).sum() / math.log(len(parts))) if len(parts) > 1 else 1.0


def _cost(of: Weighed, rows: int) -> tuple[float, float, float]:
    """The mean factor, the largest, and the effective sample size as a share of the rows."""
    effective = of.total**2 / of.squares if of.squares else 0.0
    return of.total / rows, of.largest, effective / rows
