"""Weights of rows: against the tail of tokens, and towards a mix; whatever the order of units."""

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from curation.groupings.grouping import PASSED, Grouping, concluded, notes
from curation.signals.regions import REGIONS
from taxonomy import mix, token_frequency
from taxonomy.mix import MIX
from taxonomy.token_frequency import TOKEN_FREQUENCY
from taxonomy.tokens import tokens

DOMAINS, LANGUAGES = ("nature", "design", "people"), ("en", "zh")


def measured(grouping: Grouping, units: Sequence[pa.Table]) -> list[list[float]]:
    """The weights of each unit's rows, with the units merged in two orders."""
    summaries = [grouping.summary(str(n), unit) for n, unit in enumerate(units)]
    whole = []
    for order in (summaries, summaries[::-1]):
        merged = order[0]
        for other in order[1:]:
            merged = grouping.merge(merged, other)
        whole.append(concluded(grouping, merged))
    assert whole[0].equals(whole[1])
    tables = [grouping.measure(str(n), unit, whole[0]) for n, unit in enumerate(units)]
    return [table.column(0).to_pylist() for table in tables]


def texts(lines: Sequence[str | None], passed: int = 1) -> pa.Table:
    regions = [
        None if line is None else [{"kind": "", "text": line, "score": 0.9, "quad": []}]
        for line in lines
    ]
    stages = pa.array([passed] * len(lines), pa.int16())
    return pa.table({"text_regions": pa.array(regions, REGIONS), PASSED: stages})


@pytest.mark.parametrize(
    ("text", "own"),
    [
        ("你好，Hello world 42!", {"你", "好", "hello", "world"}),
        ("ＡＢＣ abc", {"abc"}),
        ("12:30 — №", {"no"}),
        ("", set()),
    ],
)
def test_tokens_are_characters_of_chinese_and_words(text: str, own: set[str]) -> None:
    assert tokens([text]) == own


def test_rows_with_rare_tokens_count_more_up_to_a_cap() -> None:
    options = token_frequency.Options(threshold=0.25, most=3)
    common = [texts(["the sign"] * 40), texts(["the 龘"]), texts([None, "42"])]
    own = measured(TOKEN_FREQUENCY.with_options(options), common)
    assert set(own[0]) == {1.0}
    assert own[1] == [pytest.approx(3.0)]  # sqrt(0.25 / (1 / 41)) = 3.2, capped
    assert own[2] == [1.0, 1.0]
    uncapped = TOKEN_FREQUENCY.with_options(token_frequency.Options(threshold=0.25, most=99))
    assert measured(uncapped, common)[1] == [pytest.approx(math.sqrt(0.25 * 41))]


def test_rows_that_fall_and_lines_hardly_read_do_not_count() -> None:
    options = token_frequency.Options(threshold=0.5)
    grouping = TOKEN_FREQUENCY.with_options(options)
    few, fallen = texts(["rare"] + ["often"] * 9), texts(["rare"] * 50, passed=0)
    assert measured(grouping, [few, fallen])[0][0] == measured(grouping, [few])[0][0] > 1
    strict = TOKEN_FREQUENCY.with_options(token_frequency.Options(score=0.95))
    assert set(measured(strict, [few])[0]) == {1.0}


def cells(rows: Sequence[tuple[Any, Any]], passed: int = 1) -> pa.Table:
    return pa.table(
        {
            "domain": pa.array([of for of, _ in rows], pa.string()),
            "language": pa.array([of for _, of in rows], pa.string()),
            PASSED: pa.array([passed] * len(rows), pa.int16()),
        }
    )


def options(**more: Any) -> mix.Options:
    domain = {"nature": 0.6, "design": 0.3, "people": 0.1}
    return mix.Options(targets={"domain": domain, "language": {"en": 0.5, "zh": 0.5}}, **more)


def shares(units: Sequence[pa.Table], weights: Sequence[Sequence[float]], of: str) -> Any:
    mass: dict[str, float] = {}
    for unit, own in zip(units, weights, strict=True):
        for value, weight in zip(unit.column(of).to_pylist(), own, strict=True):
            mass[value] = mass.get(value, 0.0) + weight
    total = sum(mass.values())
    return {name: value / total for name, value in mass.items()}


def planted(seed: int = 0, rows: int = 600) -> list[pa.Table]:
    random = np.random.default_rng(seed)
    domain = random.choice(DOMAINS, rows, p=[0.2, 0.5, 0.3])
    language = np.where(random.random(rows) < np.where(domain == "nature", 0.8, 0.3), "en", "zh")
    pairs = [*zip(domain.tolist(), language.tolist(), strict=True)]
    return [cells(pairs[:250]), cells(pairs[250:])]


def test_both_margins_hold_at_once() -> None:
    units = planted()
    weights = measured(MIX.with_options(options()), units)
    assert shares(units, weights, "domain") == pytest.approx(
        {"nature": 0.6, "design": 0.3, "people": 0.1}, abs=1e-4
    )
    assert shares(units, weights, "language") == pytest.approx({"en": 0.5, "zh": 0.5}, abs=1e-4)
    assert np.mean([of for own in weights for of in own]) == pytest.approx(1, abs=1e-4)


@given(st.integers(0, 200))
def test_one_margin_is_scaled_by_share_over_share(seed: int) -> None:
    units = planted(seed, 300)
    own = mix.Options(targets={"domain": {"nature": 1, "design": 1, "people": 1}})
    weights = measured(MIX.with_options(own), units)
    names = [value for unit in units for value in unit.column("domain").to_pylist()]
    flat = [of for each in weights for of in each]
    for name in DOMAINS:
        expected = len(names) / 3 / names.count(name)
        assert {round(w, 4) for w, n in zip(flat, names, strict=True) if n == name} == {
            round(expected, 4)
        }


def test_what_contradicts_the_data_is_said_and_nothing_is_repeated_without_end() -> None:
    units = [cells([("nature", "en")] * 90 + [("design", "zh")] * 10)]  # nature is English alone
    own = options(most=4)
    summary = MIX.with_options(own).summary("a", units[0])
    made = concluded(MIX.with_options(own), summary)
    assert max(made.column("mix_weight").to_pylist()) <= 4
    said = mix.conflicts(made, own)
    domain, *_ = said
    assert (
        domain.startswith("domain: ") and "people 0.0% in place of 10.0% (no row of it)" in domain
    )
    assert "(10 rows, each counts 4 times, the most there may be)" in " ".join(said)
    assert len(said) == len({line.split(":")[0] for line in said})  # one a column
    assert notes(MIX.with_options(own), made) == [f"mix: {line}" for line in said]
    assert mix.conflicts(concluded(MIX.with_options(options()), MIX.with_options(options()).summary(
        "a", pa.concat_tables(planted()))), options()) == []  # fmt: skip


def test_rows_without_a_value_and_fallen_rows_are_left_alone() -> None:
    units = [
        cells([("nature", "en"), (None, None), ("people", "zh")] * 5),
        cells([("design", "en")] * 9, passed=0),
    ]
    weights = measured(MIX.with_options(options()), units)
    assert weights[0][1] == 1.0 and weights[1] == [1.0] * 9


def test_before_any_row_has_a_value_all_count_alike() -> None:
    for rows in ([(None, None)] * 3, []):
        assert measured(MIX.with_options(options()), [cells(rows)]) == [[1.0] * len(rows)]


def test_without_targets_all_count_alike() -> None:
    assert measured(MIX, [cells([("nature", "en")] * 3)]) == [[1.0] * 3]


def test_a_target_without_any_share_is_refused() -> None:
    with pytest.raises(ValueError, match="some share above 0"):
        mix.Options(targets={"domain": {"nature": 0.0}})
