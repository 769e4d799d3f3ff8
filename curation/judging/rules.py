"""Rules: bounds on columns, evaluated in stage order. Only rules drop rows.

A row is judged by the first check that decides: a null or NaN in a ruled column quarantines it, a
value beyond its bound stops it at that stage. A row that passes the stage named ``keep`` is kept
however early a deeper stage stops it; ``Judgement.check`` still says what stopped it.
"""

from collections.abc import Callable, Container, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from curation.configuration.loading import Pipeline

CAPTIONS = "captions"  # what a check rules that asks whether any is left
KEPT, DROPPED, QUARANTINED = 0, 1, 2
VERDICTS = ("kept", "dropped", "quarantined")
_TIER_ORDER = {"file": 0, "pixel": 1, "derived": 2, "model": 3, "group": 4}


@dataclass(frozen=True)
class Check:
    """One side of one bound: ``value >= bound`` (``min``), ``value <= bound`` (``max``), or what
    the value is one ``among`` (``in``).

    Of a column that scales, values are stored per side of the image and ruled in pixels: those
    times ``scale``. Of a ``quota`` the column is its name, and each row has a bound of its own.
    """

    stage: int
    column: str
    side: str
    bound: float
    scale: float = 1.0
    among: tuple[str | int | bool, ...] = ()
    quota: bool = False

    @property
    def rule(self) -> str:
        """The rule's name in ledgers and reports, such as ``clarity.min``."""
        return f"{self.column}.{self.side}"


@dataclass(frozen=True)
class Judgement:
    """Verdicts over N rows.

    ``verdict`` (N,) int8 of KEPT, DROPPED, QUARANTINED; ``depth`` (N,) int16, stages passed;
    ``check`` (N,) int16, index of the check that decided or -1; ``value`` and ``bound`` (N,)
    float64, what that check saw and held it against.
    """

    verdict: NDArray[np.int8]
    depth: NDArray[np.int16]
    check: NDArray[np.int16]
    value: NDArray[np.float64]
    bound: NDArray[np.float64]


def checks(
    pipeline: Pipeline,
    tiers: Mapping[str, str],
    waves: Mapping[str, int] | None = None,
    scaling: Container[str] = (),
) -> tuple[Check, ...]:
    """All checks in evaluation order: by stage, in it by tier (file, pixel, derived, model, group).

    Of models' columns those of earlier ``waves`` come first; else the order of the file holds.
    Groups come last because they compare survivors; rules on captions come before models.
    ``scaling`` are the columns that scale.
    """

    def place(column: str) -> tuple[int, int]:
        return _TIER_ORDER[tiers.get(column, "pixel")], (waves or {}).get(column, 0)

    found: list[Check] = []
    for number, stage in enumerate(pipeline.stages):
        ruled = [*stage.bounds, *([CAPTIONS] if stage.captions else [])]
        for column in sorted(ruled, key=place):
            if column == CAPTIONS:
                found.append(Check(number, CAPTIONS, "min", 1.0))
                continue
            rule, scale = stage.bounds[column], 1.0
            if column in scaling:
                scale = float(stage.resolution)
            if rule.among is not None:
                found.append(Check(number, column, "in", np.nan, among=rule.among))
            for side, bound in (("min", rule.min), ("max", rule.max)):
                if bound is not None:
                    found.append(Check(number, column, side, float(bound), scale))
    return tuple(found)


def with_quotas(ordered: Sequence[Check], pipeline: Pipeline) -> tuple[Check, ...]:
    """The checks and, last in each stage, those of its quotas, which have a bound per category."""
    last = [
        Check(number, quota.name, quota.side, np.nan, quota=True)
        for number in range(len(pipeline.stages))
        for quota in pipeline.quotas
        if number >= pipeline.number_of(quota.since)
    ]
    return tuple(sorted([*ordered, *last], key=lambda check: check.stage))


def passes(check: Check, value: NDArray[Any]) -> NDArray[np.bool_]:
    """Which of the values (N,) are within the bound: (N,)."""
    within = value >= check.bound if check.side == "min" else value <= check.bound
    return np.asarray(within, np.bool_)


@dataclass(frozen=True)
class Seen:
    """What a check sees of N rows: which ``passed`` and which are ``null`` (N,) bool, and the
    ``value`` (N,) float64 that it held against its ``bound``, both NaN for a category.
    """

    passed: NDArray[np.bool_]
    null: NDArray[np.bool_]
    value: NDArray[np.float64]
    bound: float | NDArray[np.float64]


def numbers(check: Check, stored: NDArray[np.float64]) -> Seen:
    """A check of numbers (N,), NaN for null."""
    value = stored if check.scale == 1 else stored * check.scale
    return Seen(passes(check, value), np.isnan(value), value, check.bound)


def categories(check: Check, column: pa.ChunkedArray) -> Seen:
    """A check of what is among a set."""
    allowed = pa.array(list(check.among)).cast(column.type)
    passed = np.asarray(pc.is_in(column, value_set=allowed), np.bool_)
    return Seen(
        passed, np.asarray(pc.is_null(column), np.bool_), np.full(len(passed), np.nan), np.nan
    )


def judge(
    seen: Callable[[Check], Seen],
    readable: NDArray[np.bool_],
    ordered: Sequence[Check],
    pipeline: Pipeline,
    least: NDArray[np.int16] | int = 0,
    assumed: Mapping[tuple[int, str], NDArray[np.bool_]] | None = None,
) -> Judgement:
    """Judge N rows. ``seen`` is what a check sees of them; ``readable`` (N,).

    ``least`` is how many stages a row must pass, beside ``keep``, to be kept: of all or (N,);
    ``assumed`` (N,) by stage and column those that pass its bounds whatever its values.
    """
    count = len(readable)
    stages = len(pipeline.stages)
    open_rows = readable.copy()
    depth = np.zeros(count, np.int16)
    decided_by = np.full(count, -1, np.int16)
    held, against = np.full(count, np.nan), np.full(count, np.nan)
    unmeasured = np.zeros(count, np.bool_)
    for stage in range(stages):
        for index, check in enumerate(ordered):
            if check.stage != stage:
                continue
            looked = seen(check)
            passed = looked.passed & ~looked.null
            if assumed and (stage, check.column) in assumed:
                passed |= assumed[stage, check.column]
            stopped = np.flatnonzero(open_rows & ~passed)
            if len(stopped):
                decided_by[stopped] = index
                held[stopped] = looked.value[stopped]
                against[stopped] = np.broadcast_to(looked.bound, count)[stopped]
                unmeasured[stopped] |= looked.null[stopped]
                open_rows &= passed
        depth[open_rows] = stage + 1
    kept = (depth > pipeline.number_of(pipeline.keep)) & (depth >= least)
    verdict = np.where(kept, KEPT, DROPPED).astype(np.int8)
    verdict[unmeasured | ~readable] = QUARANTINED
    return Judgement(verdict, depth, decided_by, held, against)
