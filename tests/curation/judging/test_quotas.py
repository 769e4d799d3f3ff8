"""Quotas: ranks, histograms of parts, and thresholds against the definition."""

import math
from collections import Counter
from fractions import Fraction
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from making.ranked_rows import (
    BUDGET,
    CATEGORY,
    ORDER,
    ROWS,
    SHARES,
    SINCE,
    STAGES,
    histogram,
    let_pass,
    pipeline,
    ranked,
    thresholds,
)
from oracles.quotas import Budget, Ranked, passing

from curation.configuration.loading import Quota, resolved
from curation.inspect import gate
from curation.judging import quotas, ranks
from curation.judging.histogram import Histogram
from curation.judging.quota_counts import QuotaCounts
from curation.judging.ranks import LEVELS, TIES
from curation.judging.rules import Check
from curation.report.quotas import problems


def check(rows: list[Ranked], quota: Quota) -> None:
    since = int(quota.since[1]) - 1
    fraction = None if quota.fraction is None else Fraction(str(quota.fraction))
    budget = Budget(since, quota.shares or None, fraction, quota.count, quota.least or 0)
    found = thresholds(histogram(ranked(quota, rows), rows), quota)
    assert let_pass(quota, rows, found) == passing(rows, budget, STAGES)


@settings(deadline=None, max_examples=150)
@given(ROWS, SHARES, SINCE, ORDER)
def test_shares_let_pass_what_the_definition_does(
    rows: list[Ranked], shares: dict[str, float], since: str, order: str | None
) -> None:
    check(rows, Quota(name="mix", by="kind", share=shares, since=since, order=order))


@settings(deadline=None, max_examples=150)
@given(ROWS, SHARES)
def test_shares_that_limit_nothing_or_lack_a_category_are_told(
    rows: list[Ranked], shares: dict[str, float]
) -> None:
    """What is told of a run follows from which rows passed, and how many of each there were."""
    quota = Quota(name="mix", by="kind", share=shares, since="s1")
    limited = ranked(quota, rows)
    found = thresholds(histogram(limited, rows), quota)
    left = let_pass(quota, rows, found)[0]
    kept = np.array([row in left for row in range(len(rows))], np.bool_)
    depth = np.array([passed for _, _, passed in rows], np.int16)
    counts = QuotaCounts()
    counts.count(limited, kept, depth, {"mix": found}, pipeline(quota))
    deepest = {f"s{n}": int((depth[kept] == n).sum()) for n in (1, 2, 3)}
    configured = resolved(pipeline(quota))["quotas"]
    told = " ".join(problems(configured, counts.as_json(["s1", "s2", "s3"], deepest)))

    there = [rows[row][0] for row in left]
    is_beyond = sum(quota.shares.values()) < 1 and any(
        there.count(name) > part * len(there) for name, part in quota.shares.items()
    )
    assert ("limits nothing" in told) == is_beyond
    absent = [name for name, part in shares.items() if part and not of_rows(rows, name)]
    assert ("no row of " + ", ".join(absent) in told) == bool(absent)
    assert ("nothing of the others is kept" not in told) or not left
    if "let more others stay" in told:
        scarce = [name for name in shares if f" {name} (" in told]
        assert scarce and all(there.count(name) == of_rows(rows, name) > 0 for name in scarce)
        assert len(left) < len(rows)


def of_rows(rows: list[Ranked], name: str) -> int:
    return sum(of == name for of, _, _ in rows)


@settings(deadline=None, max_examples=200)
@given(ROWS, BUDGET, SINCE, ORDER)
def test_the_gate_finds_every_quota_that_was_applied_kept(
    rows: list[Ranked], budget: dict[str, Any], since: str, order: str | None
) -> None:
    """The gate counts by other code: what thresholds let pass is never more than it allows."""
    quota = Quota(name="mix", by="kind", since=since, order=order, **budget)
    if sum(quota.shares.values()) == 1:  # which are met to the row where no rows share a rank
        rows = [(name, 100 * rank + place, of) for place, (name, rank, of) in enumerate(rows)]
    limited, configured = ranked(quota, rows), resolved(pipeline(quota))
    found = thresholds(histogram(limited, rows), quota)
    stages, first = ["s1", "s2", "s3"], int(since[1]) - 1
    passing_of = let_pass(quota, rows, found)
    depth = np.array([min(passed, first) for _, _, passed in rows], np.int16)
    for row in range(len(rows)):
        depth[row] += sum(row in of for of in passing_of)
    kept = depth > 0
    if quota.share is not None:  # a row that a share limits must pass ``since``
        kept &= ~limited.rows | (depth > first)
    counts = QuotaCounts()
    counts.count(limited, kept, depth, {"mix": found}, pipeline(quota))
    deepest = {name: int((depth[kept] == n).sum()) for n, name in enumerate(stages, 1)}
    counted = counts.as_json(stages, deepest)
    kinds = Counter((stages[depth[row] - 1], rows[row][0]) for row in np.flatnonzero(kept))
    checked = [*gate._quotas({"kind": kinds}, configured, counted, len(rows))]
    assert len(checked) == (1 if "fraction" in budget else STAGES - first)
    assert [of.says for of in checked if not of.passed] == []


def test_what_is_told_of_shares_names_categories_and_what_to_do() -> None:
    def entry(kept: int, of: int, threshold: float | None) -> dict[str, object]:
        return {"kept": kept, "of": of, "threshold": threshold}

    mix = {"by": "kind", "share": {"a": 0.2, "b": 0.8}, "since": "s1"}
    few = {"mix": {"s1": {"a": entry(4, 20, 1.0), "b": entry(16, 20, 0.3)}}}
    assert problems({"mix": mix}, few) == [
        "quota mix: all rows of a (4) that pass s1 are kept; more of them let more others stay"
    ]
    assert problems({"mix": mix}, {"mix": {"s1": {"b": entry(0, 0, 0.0)}}}) == [
        "quota mix: no row of a passes s1; nothing of the others is kept"
    ]
    alone = {"mix": {"s1": {"a": entry(9, 9, None)}}}
    assert problems({"mix": mix | {"share": {"a": 0.5}}}, alone) == [
        "quota mix: limits nothing, for nothing but its categories passes s1, and they sum to less "
        "than 1: of what is kept a is 100.00 %"
    ]
    rendered = {"by": "synthetic", "share": {"true": 0.05}, "since": "s2"}
    assert problems({"synthetic": rendered}, {}) == []  # of most collections nothing is synthetic


CROWDED = st.lists(st.tuples(CATEGORY, st.integers(1, 4), st.integers(1, STAGES)), max_size=60)


@settings(deadline=None, max_examples=100)
@given(CROWDED, SHARES, SINCE)
def test_no_category_has_more_than_its_share_of_what_passes(
    rows: list[Ranked], shares: dict[str, float], since: str
) -> None:
    """To the row, though rows of one rank go together and others get fewer for that."""
    quota = Quota(name="mix", by="kind", share=shares, since=since)
    found = thresholds(histogram(ranked(quota, rows), rows), quota)
    for passed in let_pass(quota, rows, found):
        there = [rows[row][0] for row in passed]
        if any(name not in shares for name in there):
            for name, part in quota.shares.items():
                assert there.count(name) <= part * len(there)


@settings(deadline=None, max_examples=60)
@given(ROWS, st.sampled_from([0.0, 0.2, 0.5, 1.0]), st.sampled_from([None, 1, 3]), SINCE, ORDER)
def test_a_fraction_of_each_category_passes(
    rows: list[Ranked], fraction: float, least: int | None, since: str, order: str | None
) -> None:
    budget = {"fraction": fraction, "least": least}
    check(rows, Quota(name="mix", by="kind", since=since, order=order, **budget))


@settings(deadline=None, max_examples=60)
@given(ROWS, st.integers(0, 9), SINCE, ORDER)
def test_so_many_of_each_category_pass(
    rows: list[Ranked], count: int, since: str, order: str | None
) -> None:
    check(rows, Quota(name="mix", by="kind", count=count, since=since, order=order))


@pytest.mark.parametrize(
    ("curated", "share", "wanted"),
    [
        (1900, 0.05, 100),
        (1899, 0.05, 99),
        (10, 0.5, 10),
        (7, 0.0, 0),
        (0, 0.3, 500),
        (9, 0.999, 500),
    ],
)
def test_so_many_pass_that_they_are_the_share(curated: int, share: float, wanted: int) -> None:
    quota = Quota(name="mix", by="synthetic", share={"true": share}, since="s1")
    rows: list[Ranked] = [("false", 0, 1)] * curated + [("true", 100 * n, 1) for n in range(1, 501)]
    limited = ranked(quota, rows)
    found = thresholds(histogram(limited, rows), quota)[0]["true"]
    assert (limited.value[curated:] <= found.bound).sum() == wanted
    assert found.bound == 1.0 or wanted < 500


def test_histograms_of_parts_add_up_in_any_order(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("curation.judging.histogram._ROOM", 100)
    random = np.random.default_rng(1)
    quota = Quota(name="mix", by="kind", share={"a": 0.2, "b": 0.1}, since="s1")
    rows: list[Ranked] = [
        ([None, "a", "b"][random.integers(3)], int(random.integers(1, 900)), int(depth))
        for depth in random.integers(1, 4, 3000)
    ]
    parts = [histogram(ranked(quota, rows[part::10]), rows[part::10]) for part in range(10)]
    whole = thresholds(histogram(ranked(quota, rows), rows), quota)
    for order in (parts, parts[::-1]):
        total = Histogram()
        for part in order:
            total.add(part)
        assert thresholds(total, quota) == whole
        assert total.added().number.sum() == 3000
    assert thresholds(Histogram(), quota) == {}


def test_parts_that_name_other_categories_add_up() -> None:
    quota = Quota(name="mix", by="kind", count=1, since="s1")
    halves: list[list[Ranked]] = [[("b", 5, 1), ("b", 9, 1)], [("a", 4, 1), ("b", 2, 1)]]
    total = Histogram()
    for half in halves:
        total.add(histogram(ranked(quota, half), half))
    found = thresholds(total, quota)[0]
    assert found["a"] == (1.0, 1, LEVELS)
    assert found["b"].of == 3 and 2 / LEVELS <= found["b"].bound < 5 / LEVELS


def test_a_sampling_key_depends_on_seed_and_id_alone() -> None:
    ids = [f"{number:032x}" for number in range(5000)]
    levels = ranks.sampling_levels(ids, 7)
    assert levels.min() >= 1 and levels.max() <= LEVELS
    assert (ranks.sampling_levels(ids[::-1], 7)[::-1] == levels).all()
    assert ranks.sampling_levels(ids[40:41], 7) == levels[40]
    assert (ranks.sampling_levels(ids, 8) != levels).mean() > 0.99
    assert np.histogram(ranks.sampling_keys(levels), 10, (0, 1))[0].min() > 400
    assert len(ranks.sampling_levels([], 7)) == 0


@settings(deadline=None)
@given(
    st.lists(st.floats(allow_nan=False, allow_infinity=False), min_size=1),
    st.integers(0, LEVELS - 1),
)
def test_a_value_is_at_a_level_or_better_if_it_reaches_what_its_key_asks_for(
    numbers: list[float], level: int
) -> None:
    values = np.array([*numbers, 0.0, -0.0, -1e-50, 16777217.0])
    keys = ranks.sampling_levels(map(str, range(len(values))), 1)
    at = ranks.column_levels(values, keys)
    assert at.min() >= 1 and at.max() <= LEVELS
    for last in (level, *at.tolist()):
        assert ((at <= last) == (values >= ranks.least_values(at, last))).all() or last == LEVELS
    for own, value in zip(at.tolist(), values.tolist(), strict=True):
        assert ranks.least_value(own) <= value
        assert ranks.least_value(own - TIES) > value
    order = np.argsort(values, kind="stable")
    assert (np.diff((at[order] - 1) // TIES) <= 0).all()


@settings(deadline=None, max_examples=60)
@given(st.integers(0, 40), st.integers(1, 40), st.sampled_from([None, "clarity"]))
def test_of_rows_that_are_all_alike_exactly_so_many_pass(
    count: int, rows: int, order: str | None
) -> None:
    """A category of equal values is neither emptied nor let pass: the smallest keys stay."""
    ids = [f"{number:032x}" for number in range(rows)]
    table = pa.table(
        {
            "id": ids,
            "reason": pa.nulls(rows, pa.string()),
            "kind": ["a"] * rows,
            "clarity": [0.5] * rows,
        }
    )
    quota = Quota(name="q", by="kind", count=count, order=order, since="s1")
    limited = quotas.limited(quota, table, 1)
    here = np.ones(rows, np.bool_), np.ones(rows, np.int16)
    counted = quotas.counted(limited, *here)
    counted.units = ["unit"]
    found = thresholds(counted, quota)
    seen = limited.seen(Check(0, "q", quota.side, math.nan, quota=True), found)
    assert seen.passed.sum() == min(count, rows)
    first = np.argsort(ranks.sampling_levels(ids, 1))[:count]
    assert set(np.flatnonzero(seen.passed)) == set(first.tolist())
    reached = seen.value >= seen.bound if order else seen.value <= seen.bound
    assert (reached == seen.passed).all()  # what the ledger says is what was done


@settings(deadline=None, max_examples=30)
@given(st.integers(0, 2**32), st.integers(1, 200))
def test_where_ranks_are_too_many_bins_are_wide_whatever_the_order(seed: int, most: int) -> None:
    """Of no category more pass than may, and at most the rows of a bin fewer."""
    random = np.random.default_rng(seed)
    quota = Quota(name="q", by="kind", count=20, since="s1")
    rows: list[Ranked] = [("a", int(of), 1) for of in random.integers(1, LEVELS, 200)]
    parts = [histogram(ranked(quota, rows[part::5]), rows[part::5]) for part in range(5)]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("curation.judging.histogram.MOST", most)
        patch.setattr("curation.judging.histogram._ROOM", 10)
        results = []
        for order in (parts, parts[::-1]):
            total = Histogram()
            for part in order:
                total.add(part)
            results.append(thresholds(total, quota))
    assert results[0] == results[1]
    bits = total.added().bits
    passing_rows = sum(rank <= results[0][0]["a"].level for _, rank, _ in rows)
    alike = Counter((rank - 1) >> bits for _, rank, _ in rows)
    assert 20 - max(alike.values()) < passing_rows <= 20


def test_who_is_limited_is_told_by_category_and_what_cannot_be_ranked_is_null() -> None:
    table = pa.table(
        {
            "id": [f"{n}" for n in range(5)],
            "reason": pa.array([None, None, None, "truncated", None], pa.string()),
            "domain": ["people", "nature", None, "people", "people"],
            "clarity": [0.5, 0.5, None, 0.5, None],
        }
    )
    by_share = Quota(name="q", by="domain", share={"people": 0.1}, since="s1")
    assert quotas.limited(by_share, table, 1).rows.tolist() == [True, False, False, False, True]
    best = Quota(name="q", by="domain", count=1, order="clarity", since="s1")
    limited = quotas.limited(best, table, 1)
    assert limited.rows.tolist() == [True, True, False, False, True]
    assert limited.null.tolist() == [False, False, False, False, True]
    unlooked = np.array([False, True, True, False, False])
    assert quotas.limited(best, table, 1, unlooked).null.tolist() == [
        False,
        True,
        True,
        False,
        True,
    ]


def test_a_unit_at_which_no_model_looked_yet_names_no_category() -> None:
    quota = Quota(name="few", by="domain", count=2, since="s1")
    kinds = {"domain": pa.nulls(3), "id": ["a", "b", "c"], "reason": pa.nulls(3)}
    unlooked = np.array([True, True, False])
    here = quotas.limited(quota, pa.table(kinds), 1, unlooked)
    assert here.names == () and here.category.tolist() == [-1, -1, -1]
    other = quotas.limited(quota, pa.table({**kinds, "domain": ["x", None, "y"]}), 1)
    kept, passed = np.ones(3, np.bool_), np.ones(3, np.int16)
    total = Histogram()
    for of in (here, other):
        total.add(quotas.counted(of, kept, passed))
    assert total.added().names == ("x", "y")


@settings(deadline=None, max_examples=100)
@given(st.lists(st.integers(1, 60), min_size=4, max_size=4), ORDER)
def test_a_whole_mix_is_met_to_the_row_whatever_the_total(
    supply: list[int], order: str | None
) -> None:
    """55, 27, 13 and 5 %: not only multiples of 100 rows, and none less than the scarcest gives."""
    parts = {"nature": 0.55, "design": 0.27, "people": 0.13, "synthetic": 0.05}
    quota = Quota(name="mix", by="kind", share=parts, since="s1", order=order)
    rows: list[Ranked] = [
        (name, 1 + place, 1)
        for place, name in enumerate(
            name for name, number in zip(parts, supply, strict=True) for _ in range(number)
        )
    ]
    (passed, *_) = let_pass(quota, rows, thresholds(histogram(ranked(quota, rows), rows), quota))
    there = Counter(rows[row][0] for row in passed)
    shares = quota.shares
    assert len(passed) == min(
        number // shares[name] for name, number in zip(parts, supply, strict=True)
    )
    assert all(abs(there[name] - part * len(passed)) < 1 for name, part in shares.items())


def test_a_mix_by_columns_none_of_whose_values_meet_says_so() -> None:
    mix = {"by": "kind", "share": {"a": 1.0}, "also": {"words": {"en": 1.0}}, "since": "s1"}
    total, none = problems({"mix": mix}, {"mix": {}})
    assert total.endswith("0 rows make the mix of kind, words")
    assert "no row that passes s1 has one of the named values of each of the columns" in none


def test_a_whole_mix_of_ranks_that_are_too_many_lacks_a_few_rows_and_is_not_emptied() -> None:
    quota = Quota(name="mix", by="kind", share={"a": 0.55, "b": 0.27, "c": 0.18}, since="s1")
    levels = np.random.default_rng(1).integers(1, LEVELS, 600)
    rows: list[Ranked] = [("abc"[n % 3], int(of), 1) for n, of in enumerate(levels)]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("curation.judging.histogram.MOST", 1)
        counted = histogram(ranked(quota, rows), rows)
        assert counted.added().bits == 16  # the widest
        (passed, *_) = let_pass(quota, rows, thresholds(counted, quota))
    assert 360 <= len(passed) <= 363  # 200 / 0.55
