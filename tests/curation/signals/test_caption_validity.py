"""Invalid captions: what is one, near misses, loops, and that no text takes long."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from benchmarks import captions as benchmark
from curation.signals import captions
from curation.signals.caption_validity import LONGEST, VALID, by_patterns, patterns, repetition
from curation.signals.caption_validity import validity as VALIDITY


def kind(text: str) -> str:
    return str(captions.ready(VALIDITY)(text)["validity"])


@pytest.mark.parametrize("language", ["en", "zh"])
@pytest.mark.parametrize(("half", "least"), [("development", 0.98), ("held-out", 0.93)])
def test_f1_on_the_texts_of_the_benchmark(language: str, half: str, least: float) -> None:
    told = benchmark.rows("validity.tsv")
    own = [row for row in told if (row["language"], row["half"]) == (language, half)]
    assert len(own) >= 70
    assert benchmark.f1(benchmark.outcomes(own, kind)) >= least


@pytest.mark.parametrize(
    ("invalid", "valid", "category"),
    [
        ("I'm unable to describe this.", 'A note: "I\'m unable to describe this."', "refusal"),
        ("抱歉，我无法描述这张图片。", "纸条上写着“抱歉，我无法描述这张图片。”", "refusal"),
        ("www.cafe.com", "A café with www.cafe.com on its window, two tables outside", "url"),
        ("IMG_0001.JPG", 'Poster of the film "IMG_0001.JPG"', "filename"),
        ("Click to enlarge", 'A button labelled "Click to enlarge"', "boilerplate"),
        ("图片加载中", "写着“图片加载中”的屏幕", "boilerplate"),
        ("Describe this image.", "Describe a circle, geometry lesson", "prompt"),
        ("ha ha ha ha ha ha", 'A mug with "ha ha ha ha ha ha" on it', "repetition"),
        (" \u2014 ", "\u2014 a dash on a wall", "empty"),
    ],
)  # fmt: skip
def test_what_is_quoted_or_part_of_a_sentence_is_valid(
    invalid: str, valid: str, category: str
) -> None:
    assert kind(invalid) == category
    assert kind(valid) == VALID


def test_a_text_in_quotation_marks_is_looked_at_itself() -> None:
    assert kind('"I\'m sorry, I cannot describe this image."') == "refusal"
    assert kind("\u201cLove\u201d") == VALID


@pytest.mark.parametrize(
    ("text", "share"),
    [
        ("a b a b a b a b", 1.0),
        ("New York, New York", 0.0),
        ("x one two three one two three one two three", 0.9),
        ("哈哈哈笑", 0.0),
        ("very very very very tall", 0.8),
        ("", 0.0),
    ],
)
def test_loops_are_counted(text: str, share: float) -> None:
    assert repetition(text)[0] == pytest.approx(share)


@given(st.text(max_size=300))
@settings(deadline=None, max_examples=100)
def test_any_text_has_a_category(text: str) -> None:
    values = captions.ready(VALIDITY)(text)
    assert values["validity"] in VALIDITY.columns["validity"].categories
    assert 0 <= values["repetition"] <= 1


@pytest.mark.timeout(60)
def test_no_text_takes_long() -> None:
    """All of them take a third of a second; what backtracks without end would not come back."""
    parts = ("a", "a_", "( ", "sorry ", "a.b-", "i can't image ", '"', "<img ", "无法", "http://")
    parts += ("a@", "view the ", "&amp;", "1-", "c:\\", "the caption of the ", "图片", "[", "请你")
    for part in parts:
        kind(part * LONGEST)


def test_the_patterns_are_of_the_version_that_names_stored_columns() -> None:
    assert patterns().version == VALIDITY.version


@pytest.mark.parametrize(
    ("text", "evidence"),
    [
        ("I'm sorry, I cannot describe this image.", "describe"),
        ("www.cafe.com", "www.cafe.com"),
        ("IMG_0001.JPG", "img_0001.jpg"),
        ("a red cat a red cat a red cat a red cat", "a red cat, 4 times"),
        ("\u4e00\u53ea\u72d7\u4e00\u53ea\u72d7\u4e00\u53ea\u72d7", "\u4e00\u53ea\u72d7, 3 times"),
        ("A dog on a lawn", ""),
    ],
)
def test_what_says_that_a_caption_is_none_is_said(text: str, evidence: str) -> None:
    said = str(captions.ready(VALIDITY)(text)["validity_evidence"])
    assert evidence in said
    assert bool(evidence) == bool(said)


def test_words_tell_what_no_pattern_names() -> None:
    text = "Could you kindly resend it? Nothing was attached"
    assert by_patterns(text) == VALID
    measured = captions.ready(VALIDITY)(text)
    assert measured["validity"] == "refusal"
    said = measured["validity_evidence"].split(", ")
    assert said and all(run.split(" \u2026 ")[0] in text.lower() for run in said)
