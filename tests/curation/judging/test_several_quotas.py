"""Several quotas at once: thresholds are found stage by stage, as rows get there."""

import math
from fractions import Fraction
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from making.pipelines import pipeline_of
from making.ranked_rows import BUDGET, STAGES, let_pass, ranked
from oracles.quotas import Budget, Ranked, passing_all

from curation.configuration.loading import Bound, Pipeline, Quota, Stage
from curation.judging import quotas
from curation.judging.histogram import Histogram
from curation.judging.quotas import Limited
from curation.judging.rules import Check
from curation.judging.thresholds import Thresholds, of_step, steps

KINDS = st.sampled_from(["a", "b", "c", None])
LEVELS = st.integers(200, 240)
ROW = st.tuples(st.integers(1, STAGES), *(st.tuples(KINDS, LEVELS) for _ in range(3)))
ROWS = st.lists(ROW, max_size=50)
QUOTAS = st.lists(st.tuples(BUDGET, st.sampled_from(["s1", "s2", "s3"])), min_size=2, max_size=3)


def pipeline(budgets: list[tuple[dict[str, Any], str]], keep: str = "s1") -> Pipeline:
    stages = [
        Stage(name=f"s{n + 1}", resolution=1, bounds={"size": Bound(min=1)}) for n in range(STAGES)
    ]
    named = tuple(
        Quota(name=f"q{n}", by="kind", since=since, **budget)
        for n, (budget, since) in enumerate(budgets)
    )
    return pipeline_of(*stages, keep=keep, quotas=named)


def views(rows: list[Any], number: int) -> list[list[Ranked]]:
    """The rows as each of so many quotas sees them."""
    return [[(*row[1 + of], row[0]) for row in rows] for of in range(number)]


def depths(
    limited: list[Limited], passed: np.ndarray, known: Thresholds, judged: Pipeline
) -> np.ndarray:
    """How many stages the rows pass by these thresholds."""
    depth = passed.copy()
    for stage in range(STAGES):
        for of in limited:
            check = Check(stage, of.quota.name, of.quota.side, math.nan, quota=True)
            here = of.seen(check, known.get(of.quota.name, {})).passed
            depth = np.where(here, depth, np.minimum(depth, stage))
    return depth


def judge(rows: list[Any], judged: Pipeline, hidden: bool) -> list[set[int]]:
    """By stage the rows that pass it; what is ``hidden`` no model looked at, for a quota stops it.

    Two units, of which the second's rows no quota limits.
    """
    by_quota = views(rows, len(judged.quotas))
    limited = [ranked(of, view) for of, view in zip(judged.quotas, by_quota, strict=True)]
    passed = np.array([row[0] for row in rows], np.int16)
    known: Thresholds = {}
    for step in steps(judged):
        depth = depths(limited, passed, known, judged)
        if hidden:  # of a row that an earlier stage stops nothing is known of later ones
            passed = np.where(depth < step.stages[0], depth, passed).astype(np.int16)
        total = Histogram()
        part = quotas.counted(limited[step.number], depth > 0, depth.astype(np.int16))
        part.units = ["unit"]
        total.add(part)
        known = of_step(total, step, known, judged)
    depth = depths(limited, passed, known, judged)
    return [set(np.flatnonzero(depth > stage).tolist()) for stage in range(STAGES)]


@settings(deadline=None, max_examples=200)
@given(ROWS, QUOTAS, st.booleans())
def test_each_quota_counts_what_passes_everything_before_it(
    rows: list[Any], budgets: list[tuple[dict[str, Any], str]], hidden: bool
) -> None:
    """As by the definition, whether or not models looked at what other quotas stop."""
    judged = pipeline(budgets)
    wanted = [
        Budget(
            judged.number_of(of.since),
            of.shares or None,
            None if of.fraction is None else Fraction(str(of.fraction)),
            of.count,
            of.least or 0,
        )
        for of in judged.quotas
    ]
    by_quota = views(rows, len(budgets))
    assert judge(rows, judged, hidden) == passing_all(by_quota, wanted, STAGES)


def test_steps_go_by_stages_and_join_where_no_other_quota_comes_between() -> None:
    share, count = {"share": {"a": 0.5}}, {"count": 2}
    joined = pipeline([(share, "s1"), (count, "s3")])
    assert steps(joined) == ((0, (0, 1, 2)), (1, (2,)))
    two = pipeline([(share, "s1"), (share, "s2"), (count, "s1")])
    assert steps(two) == ((0, (0,)), (2, (0,)), (0, (1,)), (1, (1,)), (0, (2,)), (1, (2,)))


@pytest.mark.parametrize("order", [1, -1])
def test_rows_that_no_quota_limits_count_in_every_quota(order: int) -> None:
    """They lie in units that are judged at once, and are of no category of any quota."""
    judged = pipeline([({"share": {"a": 0.5}}, "s1"), ({"share": {"x": 0.25}}, "s1")])
    first: list[Ranked] = [("a", 10 + n, 1) for n in range(9)] + [(None, 0, 1)] * 3
    second: list[Ranked] = [(None, 0, 1)] * 9 + [("x", 10 + n, 1) for n in range(3)]
    free: list[Ranked] = [(None, 0, 1)] * 6
    known: Thresholds = {}
    for step, rows in zip(steps(judged), (first, second), strict=False):
        quota, total = judged.quotas[step.number], Histogram()
        parts = [ranked(judged.quotas[0], free), ranked(quota, rows)][::order]
        for of in parts:
            total.add(quotas.counted(of, np.ones(len(of.level), bool), np.ones(len(of.level), int)))
        total.units = ["unit"]
        known = of_step(total, step, known, judged)
    assert len(let_pass(judged.quotas[0], first, known["q0"])[0]) == 3 + 9
    assert len(let_pass(judged.quotas[1], second, known["q1"])[0]) == 9 + 3
