"""Rules: bounds on columns, evaluated in stage order. Only rules drop rows.

A row is judged by the first check that decides: a null or NaN in a ruled column quarantines it, a
value beyond its bound stops it at that stage. A row that passes the stage named ``keep`` is kept
however early a deeper stage stops it; ``Judgement.check`` still says what stopped it.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from curation.configuration.loading import Pipeline

KEPT, DROPPED, QUARANTINED = 0, 1, 2
VERDICTS = ("kept", "dropped", "quarantined")
GROUP_COLUMNS = ("exact_better", "near_better")
DRAW_COLUMN = "synthetic_draw"  # of drawn pictures, see ``curation.judging.mixing``
_TIER_ORDER = {"file": 0, "pixel": 1, "model": 2, "group": 3}


@dataclass(frozen=True)
class Check:
    """One side of one bound: ``value >= bound`` (``min``) or ``value <= bound`` (``max``)."""

    stage: int
    column: str
    side: str
    bound: float

    @property
    def rule(self) -> str:
        """The rule's name in ledgers and reports, such as ``clarity.min``."""
        return f"{self.column}.{self.side}"


@dataclass(frozen=True)
class Judgement:
    """Verdicts over N rows.

    ``verdict`` (N,) int8 of KEPT, DROPPED, QUARANTINED; ``depth`` (N,) int16, stages passed;
    ``check`` (N,) int16, index of the check that decided or -1; ``value`` (N,) float64, what that
    check saw.
    """

    verdict: NDArray[np.int8]
    depth: NDArray[np.int16]
    check: NDArray[np.int16]
    value: NDArray[np.float64]


def checks(
    pipeline: Pipeline, tiers: Mapping[str, str], waves: Mapping[str, int] | None = None
) -> tuple[Check, ...]:
    """All checks in evaluation order: by stage, in it by tier (file, pixel, model, group).

    Of models' columns those of earlier ``waves`` come first; else the order of the file holds.
    Groups come last because they compare survivors.
    """

    def place(column: str) -> tuple[int, int]:
        return _TIER_ORDER[tiers[column]], (waves or {}).get(column, 0)

    found: list[Check] = []
    for number, stage in enumerate(pipeline.stages):
        ordered = sorted(stage.bounds, key=place)
        for column in ordered:
            for side in ("min", "max"):
                bound = getattr(stage.bounds[column], side)
                if bound is not None:
                    found.append(Check(number, column, side, float(bound)))
    return tuple(found)


def with_cut_offs(ordered: Sequence[Check], cut_offs: Mapping[int, float]) -> tuple[Check, ...]:
    """The checks and, last in its stage, each cut-off of draws, given by number of stage."""
    last = [Check(stage, DRAW_COLUMN, "max", bound) for stage, bound in cut_offs.items()]
    return tuple(sorted([*ordered, *last], key=lambda check: check.stage))


def passes(check: Check, value: NDArray[Any]) -> NDArray[np.bool_]:
    """Which of the values (N,) are within the bound: (N,)."""
    within = value >= check.bound if check.side == "min" else value <= check.bound
    return np.asarray(within, np.bool_)


def judge(
    values: Callable[[str], NDArray[np.float64]],
    readable: NDArray[np.bool_],
    ordered: Sequence[Check],
    pipeline: Pipeline,
    drawn: NDArray[np.bool_] | None = None,
    assumed: Mapping[tuple[int, str], NDArray[np.bool_]] | None = None,
) -> Judgement:
    """Judge N rows. ``values(column)`` is (N,) float64 with NaN for null; ``readable`` (N,).

    ``drawn`` (N,) are those that must also pass the stage from which on drawn pictures count;
    ``assumed`` (N,) by stage and column those that pass its bounds whatever its values.
    """
    count = len(readable)
    stages = len(pipeline.stages)
    open_rows = readable.copy()
    depth = np.zeros(count, np.int16)
    decided_by = np.full(count, -1, np.int16)
    seen = np.full(count, np.nan)
    unmeasured = np.zeros(count, np.bool_)
    for stage in range(stages):
        for index, check in enumerate(ordered):
            if check.stage != stage:
                continue
            value = values(check.column)
            passed = passes(check, value)
            if assumed and (stage, check.column) in assumed:
                passed |= assumed[stage, check.column]
            stopped = np.flatnonzero(open_rows & ~passed)
            if len(stopped):
                decided_by[stopped] = index
                seen[stopped] = value[stopped]
                unmeasured[stopped] |= np.isnan(value[stopped])
                open_rows &= passed
        depth[open_rows] = stage + 1
    keep = pipeline.number_of(pipeline.keep)
    kept = depth > keep
    if drawn is not None and pipeline.synthetic is not None:
        kept &= ~drawn | (depth > pipeline.number_of(pipeline.synthetic.stage))
    verdict = np.where(kept, KEPT, DROPPED).astype(np.int8)
    verdict[unmeasured | ~readable] = QUARANTINED
    return Judgement(verdict, depth, decided_by, seen)
