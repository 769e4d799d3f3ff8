"""Quotas in ``pipelines.yaml``: what they accept, and that mistakes name line and remedy."""

import json
from pathlib import Path

import pyarrow as pa
import pytest
from making.pipelines import TWO_STAGES, pipeline_text
from pydantic import ValidationError

from curation.configuration.loading import (
    ConfigurationError,
    Pipeline,
    Quota,
    check_columns,
    load,
    resolved,
)

FIRST = 9  # the line of what is at the top of the pipeline, after 'signals'
NUMBERS = ("pixels", "clarity", "luma", "short_side", "exact_better", "near_better")
KNOWN = dict.fromkeys(NUMBERS, pa.float32())


def written(folder: Path, *top: str) -> str:
    path = folder / "pipelines.yaml"
    path.write_text(pipeline_text(TWO_STAGES, top=top))
    return str(path)


def test_categories_may_have_quotas(tmp_path: Path) -> None:
    quota = "quotas: {q: {by: synthetic, share: {true: 0.05}, since: s2}}"
    pipeline = load(written(tmp_path, quota))
    assert pipeline.quotas == (Quota(name="q", by="synthetic", share={"true": 0.05}, since="s2"),)
    entry = {"by": "synthetic", "share": {"true": 0.05}, "since": "s2"}
    assert resolved(pipeline)["quotas"] == {"q": entry}
    again = tmp_path / "again.yaml"
    again.write_text(json.dumps({"pipelines": {"curate": resolved(pipeline)}}))
    assert resolved(load(str(again))) == resolved(pipeline)
    with pytest.raises(ValidationError, match="unknown stage 's9'"):
        Pipeline(**{**dict(pipeline), "quotas": (Quota(name="q", by="a", count=1, since="s9"),)})


@pytest.mark.parametrize(
    ("quota", "says"),
    [
        ("q: {by: kind, count: 1, since: s1}", "unknown column 'kind'"),
        ("q: {by: clarity, count: 1, since: s1}", "'clarity' holds float, expected categories"),
        ("q: {by: synthetic, order: luna, count: 1, since: s1}", "did you mean 'luma'"),
        ("q: {by: style, order: synthetic, count: 1, since: s1}", "expected a column of numbers"),
        ("luma: {by: synthetic, count: 1, since: s1}", "quota 'luma' has the name of a column"),
    ],
)
def test_quotas_name_columns_that_fit(quota: str, says: str, tmp_path: Path) -> None:
    pipeline = load(written(tmp_path, f"quotas: {{{quota}}}"))
    with pytest.raises(ConfigurationError, match=says) as caught:
        check_columns(pipeline, {**KNOWN, "style": pa.string()})
    assert caught.value.line == FIRST


WRONG = {
    "the key that quotas replace": ("synthetic: {share: 0.1, from: s1}", 0,
        "write quotas: {synthetic: {by: synthetic, share: {true: 0.1}, since: s1}}"),
    "no budget": ("q: {by: luma, since: s1}", 1, "expected exactly one of 'share', 'fraction' and"),
    "two budgets": ("q: {by: luma, since: s1, count: 1, fraction: 0.1}", 1, "expected exactly one"),
    "no column": ("q: {share: {a: 0.1}, since: s1}", 1, "expected the key 'by'"),
    "no stage": ("q: {by: luma, count: 1}", 1, "expected the key 'since'"),
    "unknown key": ("q: {by: luma, share: {a: 0.1}, sinze: s1}", 1, "did you mean 'since'"),
    "too much together": ("q: {by: luma, since: s1, share: {a: 0.5, b: 0.6}}", 1,
        "'quotas.q.share': the shares are more than 1 together"),
    "too much": ("q: {by: luma, share: {a: 1.5}, since: s1}", 1, "less than or equal to 1"),
    "no number": ("q: {by: luma, share: {a: half}, since: s1}", 1, "expected a number"),
    "below 0": ("q: {by: luma, count: -1, since: s1}", 1, "greater than or equal to 0"),
    "no such stage": ("q: {by: luma, count: 1, since: s_2}", 1, "did you mean 's2'"),
    "no name": ("'q 1': {by: luma, count: 1, since: s1}", 1, "the name 'q 1'"),
}  # fmt: skip


@pytest.mark.parametrize("case", WRONG)
def test_a_mistake_in_a_quota_names_its_line_and_the_remedy(case: str, tmp_path: Path) -> None:
    entry, line, says = WRONG[case]
    top = ["quotas:", f"  {entry}"] if line else [entry]
    with pytest.raises(ConfigurationError) as caught:
        load(written(tmp_path, *top))
    assert caught.value.line == FIRST + line
    assert says in caught.value.message
