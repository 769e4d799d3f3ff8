"""Quotas in words: of many categories those of most rows, and what changed."""

from typing import Any

from curation.report import quotas
from curation.report.quotas import CATEGORIES_SHOWN


def counted(**kept: int) -> dict[str, Any]:
    categories = {name: {"kept": of, "of": of + 1, "threshold": None} for name, of in kept.items()}
    return {"best": {"s7": categories}}


MANY = {f"c{number:02}": number for number in range(40)}


def test_of_many_categories_those_of_most_rows_are_named() -> None:
    [line] = quotas.lines(counted(**MANY))
    assert line.startswith("quota best from s7 on: 39 of 40 c39 (97.50 %), 38 of 39 c38")
    rest = 40 - CATEGORIES_SHOWN
    assert line.endswith(
        f"{sum(range(rest))} of {sum(range(rest)) + rest} in 30 more categories, see run.json"
    )
    [few] = quotas.lines(counted(b=1, a=2))
    assert few == "quota best from s7 on: 1 of 2 b (50.00 %), 2 of 3 a (66.67 %)"


def test_of_many_categories_only_those_that_change_are_named() -> None:
    after = MANY | {"c05": 1, "c07": 8, "new": 3}
    [line] = quotas.changes(counted(**MANY), counted(**after))
    changed = "c05 5 -> 1, new 0 -> 3, c07 7 -> 8"
    assert line == f"quota best from s7 on: 780 -> 780 kept in 41 categories, {changed}"
    [few] = quotas.changes(counted(a=1), counted(a=2))
    assert few == "quota best from s7 on: 1 of 2 a (50.00 %) -> 2 of 3 a (66.67 %)"
    [gone] = quotas.changes(counted(a=1), {})
    assert gone.endswith("-> no limit")


def test_a_later_stage_is_said_where_it_has_other_rows() -> None:
    both = {
        "a": {"kept": 2, "of": 4, "threshold": 0.5},
        "b": {"kept": 0, "of": 0, "threshold": 1.0},
    }
    fewer = {"a": {"kept": 1, "of": 1, "threshold": 0.5}}
    none = {"a": {"kept": 0, "of": 0, "threshold": 0.5}}
    counted = {"best": {"s1": both, "s2": both, "s3": fewer, "s4": none}, "idle": {"s4": none}}
    assert quotas.lines(counted) == [
        "quota best from s1 on: 2 of 4 a (50.00 %)",
        "quota best from s3 on: 1 of 1 a (100.00 %)",
    ]
