"""Which rules stop the same rows: how many of what one of them drops another would drop, too."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from curation.judging.rules import CAPTIONS
from curation.output import column_files
from curation.report.outcome import Bound, Unit

Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]
SHOWN = 16


@dataclass
class Overlap:
    """``together[a, b]`` rows are beyond the bounds a and b, ``alone[a]`` beyond a and no other.

    These are rows of the values that are measured, whichever rule came first. A model that comes
    after a rule has not looked at what that stops.
    """

    bounds: tuple[Bound, ...]
    together: NDArray[np.int64] = field(init=False)
    alone: NDArray[np.int64] = field(init=False)

    def __post_init__(self) -> None:
        count = len(self.bounds)
        self.together, self.alone = np.zeros((count, count), np.int64), np.zeros(count, np.int64)

    def add(self, beyond: Flags) -> None:
        """Count rows (N, bounds) by the bounds that they are beyond."""
        numbers = beyond.astype(np.float32)  # exact up to 16 million rows in a unit
        self.together += np.rint(numbers.T @ numbers).astype(np.int64)
        self.alone += beyond[beyond.sum(axis=1) == 1].sum(axis=0)

    @property
    def shown(self) -> list[int]:
        """The bounds that stop most rows, in the order of the rules."""
        stopped = np.diag(self.together)
        most = np.argsort(-stopped, kind="stable")[:SHOWN]
        return sorted(number for number in most.tolist() if stopped[number])


def compared(bounds: Sequence[Bound], measured: pa.Schema, grouped: Sequence[str]) -> Overlap:
    """The bounds that drop rows by a column of their own."""
    known = {*measured.names, *grouped}
    return Overlap(
        tuple(
            bound
            for bound in bounds
            if bound.column in known and not (bound.deeper or bound.quota)
            if bound.column != CAPTIONS
        )
    )


def columns(overlap: Overlap, grouped: Sequence[str]) -> list[str]:
    """The measured columns that it reads."""
    return [*dict.fromkeys(of.column for of in overlap.bounds if of.column not in grouped)]


def beyond(overlap: Overlap, unit: Unit, groups: pa.Table, values: Mapping[str, Floats]) -> Flags:
    """Which rows (N, bounds) are beyond which bounds; what is null is beyond none."""
    result = np.zeros((unit.ledger.num_rows, len(overlap.bounds)), np.bool_)
    for number, bound in enumerate(overlap.bounds):
        if bound.side == "in":
            result[:, number] = _not_among(unit.signals.column(bound.column), bound)
        elif bound.column in values:
            result[:, number] = bound.beyond(values[bound.column])
        elif bound.column in groups.column_names:
            result[:, number] = bound.beyond(column_files.as_float(groups.column(bound.column)))
    return result


def _not_among(column: pa.ChunkedArray, bound: Bound) -> Flags:
    if pa.types.is_null(column.type):
        return np.zeros(len(column), np.bool_)
    allowed = pa.array(list(bound.among)).cast(column.type)
    outside = pc.and_(pc.is_valid(column), pc.invert(pc.is_in(column, value_set=allowed)))
    return np.asarray(outside.to_numpy(zero_copy_only=False), np.bool_)
