"""Rules drop, and only rules; a null in a ruled column is quarantine."""

from typing import NamedTuple

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from making.pipelines import pipeline_of

from curation.configuration.loading import Bound, Pipeline, Stage
from curation.judging import rules
from curation.judging.rules import DROPPED, KEPT, QUARANTINED

TIERS = {"side": "file", "sharp": "pixel", "unsafe": "model", "near_better": "group"}


def pipeline(keep: str = "s2") -> Pipeline:
    first = Stage(
        name="s1",
        resolution=256,
        bounds={
            "near_better": Bound(max=0),
            "unsafe": Bound(max=0.5),
            "side": Bound(min=256, max=4096),
        },
    )
    second = Stage(name="s2", resolution=256, bounds={"sharp": Bound(min=0.3)})
    return pipeline_of(first, second, keep=keep, quality=("side",))


class Told(NamedTuple):
    verdict: np.ndarray
    depth: np.ndarray
    check: np.ndarray
    value: np.ndarray


def judge(keep: str = "s2", **columns: list[float | None]) -> Told:
    plan = pipeline(keep)
    arrays = {name: np.array(values, np.float64) for name, values in columns.items()}
    count = len(next(iter(arrays.values())))
    arrays = {name: np.zeros(count) for name in TIERS} | {"side": np.full(count, 300.0)} | arrays
    readable = arrays.pop("readable", np.ones(count)).astype(bool)

    def seen(check: rules.Check) -> rules.Seen:
        return rules.numbers(check, arrays[check.column])

    ordered = rules.checks(plan, TIERS)
    judged = rules.judgement(
        rules.stops(seen, readable, enumerate(ordered)), readable, ordered, plan
    )
    held = rules.held_against(seen, judged, ordered)
    return Told(judged.verdict, judged.depth, judged.check, held.value)


def test_checks_run_by_stage_then_tier_then_as_written() -> None:
    names = [check.rule for check in rules.checks(pipeline(), TIERS)]
    assert names == ["side.min", "side.max", "unsafe.max", "near_better.max", "sharp.min"]


def test_bounds_are_inclusive_and_the_first_failing_check_decides() -> None:
    told = judge(side=[256, 255, 4096, 4097, 100], sharp=[0.3, 1, 0.29, 1, 0])
    assert told.verdict.tolist() == [KEPT, DROPPED, DROPPED, DROPPED, DROPPED]
    assert told.depth.tolist() == [2, 0, 1, 0, 0]
    assert told.check.tolist() == [-1, 0, 4, 1, 0]
    assert told.value[1:].tolist() == [255, 0.29, 4097, 100]


def test_null_is_quarantine_unless_an_earlier_check_dropped_the_row() -> None:
    told = judge(side=[300, 100, 300], sharp=[np.nan, 1, 1], unsafe=[0, np.nan, np.nan])
    assert told.verdict.tolist() == [QUARANTINED, DROPPED, QUARANTINED]


def test_unreadable_rows_are_quarantined_whatever_their_columns_say() -> None:
    told = judge(readable=[0, 1], sharp=[1, 1])
    assert told.verdict.tolist() == [QUARANTINED, KEPT]


def test_keep_names_the_stage_a_row_must_pass() -> None:
    told = judge(keep="s1", side=[300, 300, 9], sharp=[1, 0, 1])
    assert told.verdict.tolist() == [KEPT, KEPT, DROPPED]
    assert told.depth.tolist() == [2, 1, 0]
    assert told.check.tolist() == [-1, 4, 0]


MAYBE = st.one_of(st.none(), st.floats(-10, 5000))


@given(st.lists(st.tuples(MAYBE, MAYBE, MAYBE, st.booleans()), min_size=1, max_size=40))
def test_every_row_has_exactly_one_verdict_with_its_reason(rows: list[tuple]) -> None:
    side, sharp, unsafe, readable = (list(column) for column in zip(*rows, strict=True))
    told = judge(side=side, sharp=sharp, unsafe=unsafe, readable=readable)
    for row, (a, b, c, decoded) in enumerate(rows):
        met = [("side", a), ("unsafe", c), ("sharp", b)]
        in_bounds = {
            "side": lambda v: 256 <= v <= 4096,
            "unsafe": lambda v: v <= 0.5,
            "sharp": lambda v: v >= 0.3,
        }
        first = next(
            (entry for entry in met if entry[1] is None or not in_bounds[entry[0]](entry[1])), None
        )
        expected = KEPT
        if not decoded or (first and first[1] is None):
            expected = QUARANTINED
        elif first:
            expected = DROPPED
        assert told.verdict[row] == expected
        if expected == DROPPED:
            assert told.value[row] == first[1]
