"""Rules: bounds on columns, evaluated in stage order. Only rules drop rows.

A row is judged by the first check that decides: a null or NaN in a ruled column quarantines it, a
value beyond its bound stops it at that stage. A row that passes the stage named ``keep`` is kept
however early a deeper stage stops it; ``Judgement.check`` still says what stopped it.
"""

from collections.abc import Callable, Container, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Generic, NamedTuple, TypeVar

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from curation.configuration.loading import Pipeline
from curation.configuration.models import SIDES, Side
from curation.signals import captions

CAPTIONS = "captions"  # what a check rules that asks whether any is left
KEPT, DROPPED, QUARANTINED = 0, 1, 2
NOWHERE = np.iinfo(np.int16).max  # in place of the check that stops a row
VERDICTS = ("kept", "dropped", "quarantined")
Place = TypeVar("Place", int, str)  # a stage by its number, or by its name
_TIER_ORDER = {"file": 0, "pixel": 1, "derived": 2, "pair": 3, "model": 4, "group": 5}


@dataclass(frozen=True)
class Rule(Generic[Place]):
    """One side of a bound in a ``stage``: ``value >= bound`` (``min``), ``value <= bound``
    (``max``), or what the value is one ``among`` (``in``).

    Of a column that scales, values are stored per side of the image and ruled in pixels: those
    times ``scale``. Of a ``quota`` the column is its name, and each row has a bound of its own.
    """

    stage: Place
    column: str
    side: Side
    bound: float
    scale: float = 1.0
    among: tuple[str | int | bool, ...] = ()
    quota: bool = False

    @property
    def rule(self) -> str:
        """The rule's name in ledgers and reports, such as ``clarity.min``."""
        return f"{self.column}.{self.side}"


Check = Rule[int]  # at the stage of that number


@dataclass(frozen=True)
class Judgement:
    """Verdicts over N rows.

    ``verdict`` (N,) int8 of KEPT, DROPPED, QUARANTINED; ``depth`` (N,) int16, stages passed;
    ``check`` (N,) int16, index of the check that decided or -1.
    """

    verdict: NDArray[np.int8]
    depth: NDArray[np.int16]
    check: NDArray[np.int16]


@dataclass(frozen=True)
class Stops:
    """Where each of N rows is stopped first: ``check`` (N,) int16 is an index of checks, or
    ``NOWHERE`` of a row that passes all; ``null`` (N,) says which have no value there.
    """

    check: NDArray[np.int16]
    null: NDArray[np.bool_]

    def before(self, other: "Stops") -> "Stops":
        """The first stop of both, which are of different checks."""
        return self.where(self.check < other.check, other)

    def where(self, here: NDArray[np.bool_], other: "Stops") -> "Stops":
        """These stops ``here`` (N,), elsewhere the ``other`` ones."""
        return Stops(np.where(here, self.check, other.check), np.where(here, self.null, other.null))


def checks(
    pipeline: Pipeline,
    tiers: Mapping[str, str],
    waves: Mapping[str, int] | None = None,
    scaling: Container[str] = (),
    filled: Container[str] = (),
) -> tuple[Check, ...]:
    """All checks in evaluation order: by stage, in it by tier (file, pixel, derived, pair, model,
    group).

    Of models' columns those of earlier ``waves`` come first; else the order of the file holds.
    Groups come last because they compare survivors; rules on captions come before models, unless
    models measure these.
    ``scaling`` are the columns that scale. What a model ``filled`` comes after its own columns,
    which say why there is nothing.
    """

    def place(column: str) -> tuple[int, int, bool]:
        tier = "model" if column in filled else tiers.get(column, "pixel")
        return _TIER_ORDER[tier], (waves or {}).get(column, 0), column in filled

    ordered: list[Check] = []
    for number, stage in enumerate(pipeline.stages):
        ruled = [*stage.bounds, *([CAPTIONS] if stage.captions else [])]
        said = [
            captions.column(split, of)
            for split in stage.captions or {}
            for of in (stage.captions or {})[split]
        ]
        places = {column: place(column) for column in stage.bounds}
        places[CAPTIONS] = max((place(column) for column in said), default=place(CAPTIONS))
        for column in sorted(ruled, key=places.__getitem__):
            if column == CAPTIONS:
                ordered.append(Check(number, CAPTIONS, "min", 1.0))
                continue
            rule, scale = stage.bounds[column], 1.0
            if column in scaling:
                scale = float(stage.resolution)
            if rule.among is not None:
                ordered.append(Check(number, column, "in", np.nan, among=rule.among))
            for side in SIDES:
                bound = getattr(rule, side)
                if bound is not None:
                    ordered.append(Check(number, column, side, float(bound), scale))
    return tuple(ordered)


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
    """What a check sees of N rows: which ``passed`` (N,) bool, never one that is ``null`` (N,), and
    the ``value`` (N,) float64 that it held against its ``bound``, both NaN for a category. Without
    ``null`` those are null that have no value. ``image`` (N,) says which image of a pair decided:
    0 the result, 1 its first input; without it the result did.
    """

    passed: NDArray[np.bool_]
    value: NDArray[np.float64]
    bound: float | NDArray[np.float64]
    null: NDArray[np.bool_] | None = None
    image: NDArray[np.int8] | None = None

    @property
    def nulls(self) -> NDArray[np.bool_]:
        """Which rows (N,) are null."""
        return np.isnan(self.value) if self.null is None else self.null

    def null_at(self, rows: NDArray[np.int64]) -> NDArray[np.bool_]:
        """Which of these rows (M,) are null: (M,)."""
        return np.isnan(self.value[rows]) if self.null is None else self.null[rows]


def numbers(check: Check, stored: NDArray[np.float64]) -> Seen:
    """A check of numbers (N,), NaN for null."""
    value = stored if check.scale == 1 else stored * check.scale
    return Seen(passes(check, value), value, check.bound)


def categories(check: Check, column: pa.ChunkedArray) -> Seen:
    """A check of what is among a set."""
    allowed = pa.array(list(check.among))
    if pa.types.is_null(column.type):  # of a model that looked at no row yet
        column = column.cast(allowed.type)
    allowed = allowed.cast(column.type)
    passed = np.asarray(pc.is_in(column, value_set=allowed), np.bool_)
    null = np.asarray(pc.is_null(column), np.bool_)
    return Seen(passed & ~null, np.full(len(passed), np.nan), np.nan, null)


def stops(
    seen: Callable[[Check], Seen],
    readable: NDArray[np.bool_],
    checks: Iterable[tuple[int, Check]],
    assumed: Mapping[tuple[int, str], NDArray[np.bool_]] | None = None,
) -> Stops:
    """Where N ``readable`` rows are stopped first by checks, each with its index, in their order.

    ``seen`` is what a check sees of the rows; ``assumed`` are by stage and column those (N,) that
    pass its bounds if they have no value.
    """
    still, null = readable.copy(), np.zeros(len(readable), np.bool_)
    stop = np.full(len(readable), NOWHERE, np.int16)
    for index, check in checks:
        looked = seen(check)
        passed = looked.passed
        if assumed and (check.stage, check.column) in assumed:
            passed = passed | assumed[check.stage, check.column] & looked.nulls
        here = np.flatnonzero(still & ~passed)
        if len(here):
            stop[here] = index
            null[here] = looked.null_at(here)
            still[here] = False
    return Stops(stop, null)


def judgement(
    stopped: Stops,
    readable: NDArray[np.bool_],
    ordered: Sequence[Check],
    pipeline: Pipeline,
    least: NDArray[np.int16] | int = 0,
) -> Judgement:
    """Verdicts over N rows, of which those not ``readable`` (N,) are quarantined.

    ``least`` is how many stages a row must pass, beside ``keep``, to be kept: of all or (N,).
    """
    stages = np.array([*(check.stage for check in ordered), len(pipeline.stages)], np.int16)
    depth = np.where(readable, stages[np.minimum(stopped.check, len(ordered))], 0).astype(np.int16)
    decided = readable & (stopped.check < len(ordered))
    kept = (depth > pipeline.number_of(pipeline.keep)) & (depth >= least)
    verdict = np.where(kept, KEPT, DROPPED).astype(np.int8)
    verdict[(decided & stopped.null) | ~readable] = QUARANTINED
    return Judgement(verdict, depth, np.where(decided, stopped.check, -1).astype(np.int16))


class Held(NamedTuple):
    """What the checks that decided saw, and the ``bound`` they held it against: (N,), else NaN; and
    of which ``image`` (N,), 0 the result.
    """

    value: NDArray[np.float64]
    bound: NDArray[np.float64]
    image: NDArray[np.int8]


def held_against(
    seen: Callable[[Check], Seen], judged: Judgement, ordered: Sequence[Check]
) -> Held:
    """What decided about N rows."""
    rows = len(judged.check)
    value, bound = np.full(rows, np.nan), np.full(rows, np.nan)
    image = np.zeros(rows, np.int8)
    for index in np.unique(judged.check[judged.check >= 0]).tolist():
        here, looked = judged.check == index, seen(ordered[index])
        value[here] = looked.value[here]
        bound[here] = np.broadcast_to(looked.bound, rows)[here]
        if looked.image is not None:
            image[here] = looked.image[here]
    return Held(value, bound, image)
