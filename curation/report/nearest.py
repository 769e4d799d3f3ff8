"""The images nearest to each bound, on either side: where a threshold can be judged by eye."""

from dataclasses import dataclass, field

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from curation.report.outcome import Bound, Unit, equals, strings

EACH_SIDE = 6
SIGNAL_COLUMNS = ("id", "uri", "key")


@dataclass(frozen=True, order=True)
class Pick:
    """A row worth showing; ordered by ``distance`` (to the bound), then id.

    Ids are content hashes: of many rows at one distance, it is a fair choice that is shown.
    """

    distance: float
    id: str
    uri: str
    key: str
    unit: str
    value: float


@dataclass
class Nearest:
    """The rows nearest to ``bound``: kept within it, and stopped by it."""

    bound: Bound
    kept: list[Pick] = field(default_factory=list)
    stopped: list[Pick] = field(default_factory=list)
    stopped_count: int = 0

    def add(self, unit: Unit, values: NDArray[np.float64]) -> None:
        """Look through a unit; ``values`` (N,) are its values of the bound's column."""
        stopped = stopped_by(unit, self.bound)
        kept = unit.is_verdict("kept") & ~self.bound.beyond(values) & ~np.isnan(values)
        self.stopped_count += int(stopped.sum())
        self.kept = _merge(self.kept, unit, values, kept, self.bound.value)
        self.stopped = _merge(self.stopped, unit, values, stopped, self.bound.value)


def stopped_by(unit: Unit, bound: Bound) -> NDArray[np.bool_]:
    """(N,) bool: rows that got as far as this rule, were measured, and failed it."""
    ledger = unit.ledger
    if bound.deeper and bound.before is not None:
        here = equals(ledger.column("stage"), bound.before) & unit.is_verdict("kept")
    else:
        here = equals(ledger.column("stage"), bound.stage) & unit.is_verdict("dropped")
    return here & equals(ledger.column("rule"), bound.rule)


def _merge(
    best: list[Pick],
    unit: Unit,
    values: NDArray[np.float64],
    chosen: NDArray[np.bool_],
    bound: float,
) -> list[Pick]:
    rows = np.flatnonzero(chosen & np.isfinite(values))
    distances = np.abs(values[rows] - bound)
    if len(rows) > EACH_SIDE:
        limit = np.partition(distances, EACH_SIDE - 1)[EACH_SIDE - 1]
        rows, distances = rows[distances <= limit], distances[distances <= limit]
    ids = unit.signals.column("id").take(pa.array(rows))
    order = [("distance", "ascending"), ("id", "ascending")]
    candidates = pa.table({"distance": distances, "id": ids})
    nearest = pc.sort_indices(candidates, sort_keys=order).to_numpy()[:EACH_SIDE]
    candidate_picks = picks(unit, rows[nearest], values, distances[nearest])
    return sorted([*best, *candidate_picks])[:EACH_SIDE]


def picks(
    unit: Unit,
    rows: NDArray[np.int64],
    values: NDArray[np.float64],
    distances: NDArray[np.float64],
) -> list[Pick]:
    """The given rows (K,) with their values, taken from (N,), and their distances (K,)."""
    if not len(rows):
        return []
    ids, uris, keys = (strings(unit.signals.column(name), rows) for name in SIGNAL_COLUMNS)
    return [
        Pick(float(distance), identity or "", uri or "", key or "", unit.name, float(values[row]))
        for row, distance, identity, uri, key in zip(rows, distances, ids, uris, keys, strict=True)
    ]
