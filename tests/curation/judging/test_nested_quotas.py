"""Quotas of a collection that grows: which rows of yesterday may change, and in which direction."""

from collections.abc import Iterator
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st
from making.ranked_rows import (
    BUDGET,
    ORDER,
    ROWS,
    SHARES,
    SINCE,
    STAGES,
    histogram,
    let_pass,
    ranked,
    thresholds,
)
from oracles.quotas import Ranked

from curation.configuration.loading import Quota


def of_yesterday(
    rows: list[Ranked], added: list[Ranked], quota: Quota
) -> Iterator[tuple[set[int], set[int]]]:
    """By stage which of the rows pass it alone, and which of them when others were added."""
    passing_of = [
        let_pass(quota, of, thresholds(histogram(ranked(quota, of), of), quota))
        for of in (rows, [*rows, *added])
    ]
    return ((alone, grown & {*range(len(rows))}) for alone, grown in zip(*passing_of, strict=True))


@settings(deadline=None, max_examples=150)
@given(ROWS, ROWS, BUDGET, SINCE, ORDER)
def test_of_a_category_that_grows_rows_come_or_go_never_both(
    rows: list[Ranked], added: list[Ranked], budget: dict[str, Any], since: str, order: str | None
) -> None:
    """One threshold moves one way; of fractions and counts it moves only where rows were added."""
    quota = Quota(name="mix", by="kind", since=since, order=order, **budget)
    grown = {name for name, _, _ in added}
    for alone, now in of_yesterday(rows, added, quota):
        for name in ("a", "b", "c", None):
            before, after = ({row for row in of if rows[row][0] == name} for of in (alone, now))
            assert before <= after or after <= before
            assert quota.share is not None or name in grown or before == after
        assert quota.count is None or now <= alone


FRACTION = BUDGET.filter(lambda budget: "fraction" in budget)


@settings(deadline=None, max_examples=100)
@given(ROWS, ROWS, FRACTION, SINCE, st.sampled_from([-100, 100]))
def test_rows_behind_a_fraction_cost_none_its_place_and_rows_before_it_win_none(
    rows: list[Ranked], added: list[Ranked], budget: dict[str, Any], since: str, away: int
) -> None:
    quota = Quota(name="best", by="kind", since=since, **budget)
    moved = [(name, level + away, passed) for name, level, passed in added]
    for alone, now in of_yesterday(rows, moved, quota):
        assert alone <= now if away > 0 else now <= alone


@settings(deadline=None, max_examples=100)
@given(ROWS, ROWS, SHARES, SINCE, ORDER)
def test_rows_that_no_share_limits_cost_none_its_place(
    rows: list[Ranked], added: list[Ranked], shares: dict[str, float], since: str, order: str | None
) -> None:
    """Save the first of them: where nothing but the categories passes there is no mix."""
    quota = Quota(name="mix", by="kind", share=shares, since=since, order=order)
    rows = [*rows, (None, 220, STAGES)]
    free = [(None, level, of) for _, level, of in added]
    for alone, now in of_yesterday(rows, free, quota):
        assert alone <= now
