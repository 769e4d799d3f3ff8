"""The rules that a row met, or would have met, with what it was held against."""

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pyarrow as pa

from curation.configuration.loading import Quota
from curation.inspect.explanation import Check, Outcome
from curation.judging import quotas
from curation.judging.pairs import SIZE
from curation.judging.rules import CAPTIONS
from curation.report import outcome
from curation.report.described import evidence
from curation.report.outcome import Bound
from curation.signals import captions as signals
from curation.signals.captions import SPLITS
from curation.strict_yaml import KEY


def checks(
    run: Mapping[str, Any], judged: Mapping[str, Any], values: Mapping[str, Any], row: pa.Table
) -> Iterator[Check]:
    """All rules in their order; of those after the one that decided, what they would have said.

    ``judged`` is the row of the ledger, ``values`` are those of all its columns, and ``row`` has
    the measured ones. Rules that do not limit the row are left out: quotas of other categories,
    those on captions where it never had one, and on pairs where it is none.
    """
    known = evidence(run)
    kept = judged["verdict"] == "kept"
    reached = readable = judged["stage"] is not None
    for bound, stored in _with_values(run, judged, values, row):
        is_number = isinstance(stored, int | float) and bound.side != "in"
        value = float(stored) * bound.scale if is_number else stored
        result: Outcome = "passed" if reached else "not reached"
        stage = bound.before if kept else bound.stage
        here = judged["stage"] == stage and (bound.deeper or not kept)
        if reached and here and judged["rule"] == bound.rule:
            result = "not measured" if _is_null(value) else "failed"
            reached = False
        elif reached and _is_null(value):
            result = "not measured"  # another rule of the stage stopped it first
        elif readable and not reached and not _is_null(value):
            result = "would fail" if _is_beyond(bound, stored) else "would pass"
        scale = None if bound.scale == 1 else int(bound.scale)
        said = (bound.stage, bound.rule, value, bound.limit, result)
        of_captions = bound.column == CAPTIONS
        because = _of_captions(run, bound.stage) if of_captions else known.get(bound.column, ())
        yield Check(*said, evidence=because, scale=scale)


def _is_beyond(bound: Bound, stored: Any) -> bool:
    """Whether a value that is there fails a bound."""
    if bound.side == "in":
        return stored not in bound.among
    return bool(bound.beyond(np.array([stored], np.float64))[0])


def _with_values(
    run: Mapping[str, Any], judged: Mapping[str, Any], values: Mapping[str, Any], row: pa.Table
) -> Iterator[tuple[Bound, Any]]:
    """The bounds that limit a row, and what each saw."""
    limits = _limits(run, row)
    left = _captions_left(run, values)
    for bound in _with_thresholds(outcome.bounds(run), limits):
        if bound.quota:
            yield bound, limits[bound.column][0]
        elif bound.column in run.get("of_pairs", ()) and not values.get(SIZE):
            continue
        elif bound.column != CAPTIONS:
            known = values.get(bound.column)
            decided = judged["rule"] == bound.rule
            of_input = decided and (judged["reason"] or "").startswith("input ")
            if of_input and judged["value"] is not None:
                known = judged["value"] / bound.scale
            yield bound, judged["value"] if known is None and decided else known
        elif left is not None:
            passes = left.get(bound.stage, 0)
            hidden = not passes and judged["rule"] != bound.rule and _unmeasured(run, bound, values)
            yield bound, None if hidden else float(passes)


def _unmeasured(run: Mapping[str, Any], bound: Bound, values: Mapping[str, Any]) -> bool:
    """Whether a model did not look at what rules on captions ask for up to a bound's stage."""
    stages = [*outcome.stages(run)]
    until = stages[: stages.index(bound.stage) + 1]
    names = {name for stage in until for name in _of_captions(run, stage)}
    return any(values.get(name) is None for name in names)


def _of_captions(run: Mapping[str, Any], stage: str) -> tuple[str, ...]:
    """The columns of what a stage's rules on captions name, and what was measured with them."""
    ruled = run["configuration"]["stages"].get(stage, {}).get("captions") or {}
    owners = signals.owners()
    columns = [
        signals.column(split, column)
        for split, names in ruled.items()
        for name in names
        for column in (owners[name].columns if name in owners else (name,))
    ]
    return tuple(dict.fromkeys(columns))


def _captions_left(run: Mapping[str, Any], values: Mapping[str, Any]) -> dict[str, int] | None:
    """By stage whether a caption passes it, 1 or 0; None for a row that never had any.

    What a model wrote of a split without rules is none of them: it is written of rows that stay.
    """
    of_run = outcome.stages(run)
    stages, ruled = [*of_run], {s for of in of_run.values() for s in of.get("captions") or {}}
    counted = [s for s in SPLITS if s in ruled or values.get(signals.counted(s))]
    columns = (values.get(signals.stage_column(split)) or () for split in counted)
    passed = [stage for column in columns for stage in column]
    if not passed:
        return None
    deepest = max((stages.index(stage) for stage in passed if stage), default=-1)
    return {stage: int(number <= deepest) for number, stage in enumerate(stages)}


def _limits(run: Mapping[str, Any], row: pa.Table) -> dict[str, tuple[float, dict[str, float]]]:
    """By quota that limits the row: what ranks it, and the threshold of each stage that has one."""
    limits: dict[str, tuple[float, dict[str, float]]] = {}
    for name, entry in run["configuration"].get("quotas", {}).items():
        limited = quotas.limited(Quota.model_validate({**entry, KEY: name}), row, run["seed"])
        if limited.rows[0]:
            category = limited.names[int(limited.category[0])]
            stages = run["counts"].get("quotas", {}).get(name, {})
            known = {stage: of.get(category, {}).get("threshold") for stage, of in stages.items()}
            thresholds = {stage: bound for stage, bound in known.items() if bound is not None}
            limits[name] = float(limited.value[0]), thresholds
    return limits


def _with_thresholds(
    bounds: Sequence[Bound], limits: Mapping[str, tuple[float, Mapping[str, float]]]
) -> Iterator[Bound]:
    """The bounds, of quotas those that limit the row."""
    for bound in bounds:
        if not bound.quota:
            yield bound
        elif bound.column in limits and bound.stage in limits[bound.column][1]:
            yield replace(bound, bound=limits[bound.column][1][bound.stage])


def ranking(run: Mapping[str, Any], ruled: str) -> str | None:
    """What ranks the rows of a quota; None for other rules."""
    quota = run["configuration"].get("quotas", {}).get(ruled)
    return None if quota is None else quota.get("order") or "sampling key"


def _is_null(value: Any) -> bool:
    return value is None or (isinstance(value, float) and math.isnan(value))
