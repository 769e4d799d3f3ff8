"""Rows of ranks for tests of quotas: made, counted, and let pass by thresholds."""

import math

import numpy as np
from hypothesis import strategies as st
from making.pipelines import pipeline_of
from oracles.quotas import Ranked

from curation.configuration.loading import Bound, Pipeline, Quota, Stage
from curation.judging import quotas, ranks
from curation.judging.histogram import Histogram
from curation.judging.quotas import Limited
from curation.judging.rules import Check
from curation.judging.thresholds import OfStages, of_step, steps

STAGES = 3


def pipeline(quota: Quota) -> Pipeline:
    """Three stages that let all pass, and a quota."""
    stages = [
        Stage(name=f"s{n + 1}", resolution=1, bounds={"size": Bound(min=1)}) for n in range(3)
    ]
    return pipeline_of(*stages, keep="s1", quotas=(quota,))


def ranked(quota: Quota, rows: list[Ranked]) -> Limited:
    """Rows whose ranks are these levels."""
    names = tuple(quota.share or sorted({name for name, _, _ in rows if name is not None}))
    category = [names.index(name) if name in names else -1 for name, _, _ in rows]
    level = np.array([rank for _, rank, _ in rows], np.int64)
    value = (
        [ranks.least_value(of) for of in level.tolist()]
        if quota.order
        else ranks.sampling_keys(level)
    )
    told = (np.array(category, np.int32), np.array(value, float), level, np.zeros(len(rows), bool))
    return Limited(quota, names, *told)


def histogram(limited: Limited, rows: list[Ranked]) -> Histogram:
    """The ranks of the rows, all kept."""
    passed = np.array([stages for _, _, stages in rows], np.int16)
    counted = quotas.counted(limited, np.ones(len(rows), bool), passed)
    counted.units = ["unit"] if limited.rows.any() else []
    return counted


def thresholds(total: Histogram, quota: Quota) -> OfStages:
    """Those of one quota by itself; empty where it limits no row."""
    of, known = pipeline(quota), {}
    for step in steps(of):
        known = of_step(total, step, known, of)
    return known.get(quota.name, {})


def let_pass(quota: Quota, rows: list[Ranked], thresholds: OfStages) -> list[set[int]]:
    """By stage the rows that pass it and all before it, as the judge would see them."""
    limited, left, result = ranked(quota, rows), set(range(len(rows))), []
    for stage in range(int(quota.since[1]) - 1, STAGES):
        seen = limited.seen(Check(stage, quota.name, quota.side, math.nan, quota=True), thresholds)
        assert not seen.null.any()
        left &= set(np.flatnonzero(seen.passed).tolist())
        result.append({row for row in left if rows[row][2] > stage})
    return result


CATEGORY = st.sampled_from(["a", "b", "c", None])
ROWS = st.lists(st.tuples(CATEGORY, st.integers(200, 240), st.integers(1, STAGES)), max_size=60)
SINCE = st.sampled_from(["s1", "s2", "s3"])
ORDER = st.sampled_from([None, "clarity"])
SHARES = st.sampled_from(
    [{"a": 0.05}, {"a": 0.0}, {"a": 0.3, "b": 0.3}, {"a": 0.2, "b": 0.3, "c": 0.5}, {"b": 1.0}]
)
BUDGET = st.one_of(
    SHARES.map(lambda shares: {"share": shares}),
    st.sampled_from([0.0, 0.2, 0.34, 1.0]).map(lambda part: {"fraction": part}),
    st.integers(1, 4).map(lambda least: {"fraction": 0.2, "least": least}),
    st.integers(0, 6).map(lambda count: {"count": count}),
)
