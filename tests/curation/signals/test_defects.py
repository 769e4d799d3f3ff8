"""Probabilities of defects: computed as their rules say, read strictly, named by what they read."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from making.defects import DEFECTS, RGB
from making.signal_pictures import COLOUR_PHOTOS, DRAWINGS, derived_columns, drawing, photo
from pydantic import ValidationError

from curation.configuration import loading
from curation.signals import defects, discovery
from curation.signals.defects import LIMIT, Product, Rule, Term

RULES = defects.read(defects.FILE.read_text(encoding="utf-8"))
RULE = Rule(
    constant=-1.0,
    terms=(
        Term(column="a", mean=2.0, deviation=4.0, weight=0.5),
        Term(column="b", transform="log", offset=1.0, mean=0.0, deviation=1.0, weight=-1.0),
    ),
    products=(Product(first="a", second="b", weight=0.25),),
    slope=2.0,
    intercept=0.5,
)
STRONG = {  # probability -> a defect that it is about, at a strength that nobody can miss
    "blurred": ("blurred", 3),
    "motion_blurred": ("shaken", 17),
    "enlarged": ("upscaled", 5),
    "oversaturated": ("saturated", 4),
    "posterised": ("posterised", 4),
}


def _bounds() -> dict[str, float]:
    stages = loading.load(str(loading.shipped_path())).stages
    ruled = {name: of for stage in stages for name, of in stage.bounds.items()}
    return {name: float(ruled[name].max or 0) for name in RULES if name in ruled}


@given(st.floats(-20, 20), st.floats(0, 20))
def test_the_probability_is_that_of_the_rule(a: float, b: float) -> None:
    first = np.clip((a - 2) / 4, -LIMIT, LIMIT)
    second = np.clip(math.log(b + 1), -LIMIT, LIMIT)
    score = -1 + 0.5 * first - second + 0.25 * first * second
    expected = 1 / (1 + math.exp(-(2 * score + 0.5)))
    assert RULE.probability({"a": a, "b": b}) == pytest.approx(expected)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ('"constant"', '"constance"'),
        ('"mean": 2.0', '"mean": "2"'),
        ('"transform": "log"', '"transform": "cube"'),
        ('"deviation": 4.0,', ""),
    ],
)
def test_a_file_of_rules_is_read_strictly(old: str, new: str) -> None:
    text = '{"of": ' + RULE.model_dump_json(indent=1) + "}"
    assert defects.read(text) == {"of": RULE}
    assert old in text
    with pytest.raises(ValidationError):
        defects.read(text.replace(old, new, 1))


def test_every_rule_reads_cheap_columns_or_its_own_and_has_a_signal() -> None:
    signals = discovery.discover()
    cheap = {name for of in signals if of.tier in ("file", "pixel") for name in of.columns}
    owners = {entry.name: entry for entry in signals}
    for name, rule in RULES.items():
        own, terms = owners[name], {term.column for term in rule.terms}
        assert set(own.reads) <= cheap
        assert terms == set(own.reads) | terms & own.columns.keys()
        assert {side for of in rule.products for side in (of.first, of.second)} <= terms


def test_another_coefficient_is_another_version() -> None:
    rule = RULES["blurred"]
    other = rule.model_copy(update={"constant": rule.constant + 1e-3})
    assert defects.version(rule) == defects.version(RULES["blurred"]) != defects.version(other)


@pytest.mark.parametrize("name", COLOUR_PHOTOS)
def test_clean_photographs_keep_within_every_bound(name: str) -> None:
    _keeps_within(photo(name))


@pytest.mark.parametrize("name", DRAWINGS)
def test_drawings_keep_within_every_bound(name: str) -> None:
    _keeps_within(drawing(name))


def _keeps_within(rgb: RGB) -> None:
    values = derived_columns(rgb)
    broken = {name: values[name] for name, bound in _bounds().items() if values[name] > bound}
    assert not broken


@pytest.mark.parametrize("name", COLOUR_PHOTOS)
@pytest.mark.parametrize("column", STRONG)
def test_a_strong_defect_is_certain(name: str, column: str) -> None:
    defect, strength = STRONG[column]
    assert derived_columns(DEFECTS[defect](photo(name), strength))[column] > _bounds()[column]


@settings(max_examples=50, deadline=None, derandomize=True)
@given(st.sampled_from(sorted(RULES)), st.data())
def test_any_measurement_has_a_probability(name: str, data: st.DataObject) -> None:
    reads = [term.column for term in RULES[name].terms]
    values = {column: data.draw(st.floats(0, 1e6)) for column in reads}
    assert 0 <= RULES[name].probability(values) <= 1
