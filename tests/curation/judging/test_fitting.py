"""The largest mix by several columns at once, of rows that are there, none of them twice."""

import math
from fractions import Fraction
from itertools import product
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from making.pipelines import pipeline_of
from pydantic import ValidationError

from curation.configuration.loading import Bound, Quota, Stage, resolved
from curation.judging import quotas, thresholds
from curation.judging.fitting import largest_mix
from curation.judging.histogram import Histogram
from curation.judging.quota_counts import QuotaCounts
from curation.judging.rules import Check
from curation.judging.thresholds import steps
from curation.report.quotas import problems

DOMAIN = {"nature": 0.55, "design": 0.27, "people": 0.13, "synthetic": 0.05}
LANGUAGE = {"en": 0.5, "zh": 0.5}
CATEGORY = {"general": 0.6, "portrait": 0.1, "text": 0.3}
PARTS = [[Fraction(str(part)) for part in of.values()] for of in (DOMAIN, LANGUAGE, CATEGORY)]


def of_columns(parts: list[list[Fraction]]) -> list[np.ndarray]:
    return list(np.array(list(product(*(range(len(of)) for of in parts)))).T)


@settings(deadline=None, max_examples=30)
@given(st.lists(st.integers(0, 400), min_size=24, max_size=24), st.integers(1, 3))
def test_no_cell_gives_more_than_it_has_and_each_share_holds(rows: list[int], columns: int) -> None:
    parts = PARTS[:columns]
    places = of_columns(parts)
    there = np.array(rows[: len(places[0])])
    counts = largest_mix(there, places, parts)
    total = int(counts.sum())
    assert (counts <= there).all() and (counts >= 0).all()
    for place, shares in zip(places, parts, strict=True):
        own = np.bincount(place, counts, minlength=len(shares))
        for number, part in zip(own.tolist(), shares, strict=True):
            assert abs(number - part * total) <= len(there)  # what rounding leaves
    if columns == 1:  # the whole is limited by the scarcest
        most = min(n / float(part) for n, part in zip(there.tolist(), parts[0], strict=True))
        assert most - 2 - len(there) < total <= most + 1e-6


def test_a_mix_that_is_there_is_met_to_the_row() -> None:
    """60,000 rows at 55/27/13/5 of which half are Chinese, among many more."""
    shares = [float(np.prod([float(of) for of in cell])) for cell in product(*PARTS[:2])]
    exact = np.array([round(60_000 * share) for share in shares])
    plenty = exact * np.array([1, 4, 2, 2, 3, 5, 1, 1])
    plenty[0] = exact[0]
    counts = largest_mix(plenty, of_columns(PARTS[:2]), PARTS[:2])
    assert counts.sum() >= 60_000
    own = np.bincount(of_columns(PARTS[:2])[0], counts) / counts.sum()
    assert own == pytest.approx([0.55, 0.27, 0.13, 0.05], abs=2e-4)


def test_shares_that_contradict_the_cells_leave_nothing() -> None:
    nature_is_english = np.array([100, 0, 0, 100])
    halves = [[Fraction(9, 10), Fraction(1, 10)], [Fraction(1, 2), Fraction(1, 2)]]
    assert largest_mix(nature_is_english, of_columns(halves), halves).sum() == 0


def mixed(**more: Any) -> Quota:
    return Quota(
        name="mix", by="domain", share=DOMAIN, also={"language": LANGUAGE}, since="s1", **more
    )


def made(random: np.random.Generator, rows: int) -> pa.Table:
    domain = random.choice([*DOMAIN, "other"], rows, p=[0.4, 0.3, 0.2, 0.05, 0.05])
    language = random.choice(["en", "zh", "fr"], rows, p=[0.6, 0.35, 0.05])
    ids = [f"{number:032x}" for number in random.integers(0, 2**62, rows)]
    return pa.table(
        {"id": ids, "reason": pa.nulls(rows, pa.string()), "domain": domain, "language": language}
    )


def test_a_quota_by_two_columns_keeps_exactly_the_fitted_rows_in_any_order() -> None:
    quota = mixed()
    stage = Stage(name="s1", resolution=1, bounds={"size": Bound(min=1)})
    pipeline = pipeline_of(stage, keep="s1", quotas=(quota,))
    tables = [made(np.random.default_rng(seed), 700) for seed in range(3)]
    results = []
    for order in (tables, tables[::-1]):
        total, kept = Histogram(), set[str]()
        limited = [quotas.limited(quota, table, 1) for table in order]
        for of in limited:
            part = quotas.counted(of, np.ones(700, np.bool_), np.ones(700, np.int16))
            part.units = ["unit"]
            total.add(part)
        (step,) = steps(pipeline)
        found = thresholds.of_step(total, step, {}, pipeline)
        counts = QuotaCounts()
        for table, of in zip(order, limited, strict=True):
            passed = of.seen(Check(0, "mix", quota.side, math.nan, quota=True), found["mix"]).passed
            counts.count(of, passed, passed.astype(np.int16), found, pipeline)
            here = passed & of.rows
            kept |= set(np.array(table.column("id").to_pylist())[here].tolist())
            assert passed[~of.rows].all()  # of another domain or language: free
        results.append(kept)
    assert results[0] == results[1]
    rows = [row for table in tables for row in table.to_pylist() if row["id"] in results[0]]
    for column, shares in (("domain", DOMAIN), ("language", LANGUAGE)):
        for value, part in shares.items():
            own = sum(row[column] == value for row in rows)
            assert abs(own - part * len(rows)) <= 8  # cells
    told = problems(resolved(pipeline)["quotas"], counts.as_json(["s1"], {"s1": len(rows)}))
    assert f"quota mix: {len(rows)} rows make the mix of domain, language" in told
    assert len(rows) > 500 and any("let more others stay" in line for line in told)


def test_further_columns_are_refused_where_they_make_no_mix() -> None:
    for more, says in (
        ({"share": None, "count": 1}, "beside a 'share' alone"),
        ({"share": {"nature": 0.5}}, "sum to 1"),
        ({"also": {"language": {"en": 0.4}}}, "sum to 1"),
        ({"also": {"domain": DOMAIN}}, "has its shares in 'share'"),
    ):
        quota = {"share": DOMAIN, "also": {"language": LANGUAGE}, **more}
        with pytest.raises(ValidationError, match=says):
            Quota(name="mix", by="domain", since="s1", **quota)
