"""Fitting rules: Newton's method, Wilson's intervals, Spearman's ranks, ladders that repeat."""

import numpy as np
import pytest
from making.signal_pictures import photo
from scipy import stats

from benchmarks import filters
from benchmarks.defects import ladders, logistic
from benchmarks.defects.ladders import LADDERS
from benchmarks.defects.logistic import Recipe
from curation.configuration.models import Bound


def test_spearman_is_what_scipy_says() -> None:
    generator = np.random.default_rng(0)
    first = generator.integers(0, 6, 40).astype(float)
    second = first + generator.normal(0, 2, 40)
    assert filters.spearman(first, second) == pytest.approx(stats.spearmanr(first, second)[0])
    assert filters.spearman(first, np.ones(40)) == 0


def test_a_rule_finds_the_weights_it_was_made_with() -> None:
    generator = np.random.default_rng(1)
    table = {name: generator.normal(size=20_000) for name in "ab"}
    score = 0.5 + 2 * table["a"] - table["b"] + 0.7 * table["a"] * table["b"]
    damaged = generator.random(20_000) < 1 / (1 + np.exp(-score))
    rule = logistic.rule(table, [Recipe("a"), Recipe("b")], [("a", "b")], damaged, np.ones(20_000))
    assert [term.weight for term in rule.terms] == pytest.approx([2, -1], abs=0.15)
    assert rule.products[0].weight == pytest.approx(0.7, abs=0.15)
    row = {name: float(values[0]) for name, values in table.items()}
    stated = 1 / (1 + np.exp(-logistic.scores(rule, table)[0]))
    assert rule.probability(row) == pytest.approx(stated)


def test_calibration_undoes_scores_that_are_too_sure() -> None:
    generator = np.random.default_rng(2)
    score = generator.normal(0, 2, 20_000)
    damaged = generator.random(20_000) < 1 / (1 + np.exp(-score))
    rule = logistic.rule({"a": score}, [Recipe("a")], [], damaged, np.ones(20_000))
    assert logistic.calibrated(rule, 3 * score, damaged, np.ones(20_000)).slope == pytest.approx(
        1 / 3, abs=0.02
    )


@pytest.mark.parametrize("name", LADDERS)
def test_a_copy_is_the_same_every_time_and_worse_than_the_photograph(name: str) -> None:
    ladder, rgb = LADDERS[name], photo("coffee")
    assert ladder.bar is None or ladder.bar in ladder.strengths
    first, second = (ladders.copy("coffee", rgb, ladder, ladder.strengths[-1]) for _ in range(2))
    assert first == second
    assert first != ladders.copy("another", rgb, ladder, ladder.strengths[0])


def test_a_small_photograph_gives_no_copies() -> None:
    assert ladders.fitted(np.zeros((200, 400, 3), np.uint8)) is None
    assert ladders.fitted(np.zeros((600, 900, 3), np.uint8)) is not None


def test_bounds_of_filters_are_inclusive_and_nulls_pass() -> None:
    assert not filters.breaks(Bound(max=0.5), 0.5)
    assert filters.breaks(Bound(max=0.5), 0.51)
    assert filters.breaks(Bound(min=0.5), 0.49)
    assert not filters.breaks(Bound(min=0.5), None)


def test_every_filter_is_about_a_ladder_that_exists() -> None:
    for of in filters.FILTERS:
        assert set(of.ladders) <= LADDERS.keys()
        assert (of.follows or {}).keys() <= set(of.ladders)
