"""Languages of captions: by script, by lid.176, and what says nothing."""

from collections import Counter

import pytest

from benchmarks import captions as benchmark
from curation.networks import weights
from curation.networks.weights import MissingModelError
from curation.signals import captions
from curation.signals.caption_language import language as LANGUAGE


def language(text: str) -> str:
    try:
        captions.check(LANGUAGE, LANGUAGE.settings())
    except MissingModelError as error:
        pytest.skip(str(error))
    return str(captions.ready(LANGUAGE)(text)["language"])


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("东京", "zh"),
        ("東京タワー", "ja"),
        ("서울의 밤", "ko"),
        ("T恤 白色", "zh"),
        ("สุนัข", "th"),
        ("σκύλος", "el"),
        ("2024-05-01 (3/4)", "und"),
        ("https://example.com/a/b", "und"),
        ("", "und"),
        ("a photo\nof a dog on a street", "en"),
    ],
)
def test_scripts_and_short_texts(text: str, said: str) -> None:
    assert language(text) == said


def test_captions_of_the_benchmark() -> None:
    right, every = Counter[str](), Counter[str]()
    for row in benchmark.rows("languages.tsv"):
        every[row["length"]] += 1
        right[row["length"]] += language(row["text"]) == row["language"]
    assert right["long"] / every["long"] >= 0.95
    assert right["short"] / every["short"] >= 0.8


def test_a_missing_model_says_what_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(weights, "find_spec", lambda _: None)
    with pytest.raises(MissingModelError, match=r"needs .*inkstone.*; or do without it by"):
        captions.check(LANGUAGE, LANGUAGE.settings())
