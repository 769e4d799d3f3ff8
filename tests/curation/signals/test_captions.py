"""The mechanism of caption signals, and how long captions are."""

import pyarrow as pa
import pytest

from curation.inspect import catalogue
from curation.signals import captions
from curation.signals.caption_length import length as LENGTH
from curation.signals.caption_length import words as WORDS
from curation.signals.captions import caption_signal
from curation.signals.signal import Column


@pytest.mark.parametrize(
    ("said", "words"),
    [
        ("", 0),
        ("a dog, runs!", 3),
        ("don't it\u2019s", 2),
        ("一只狗 in 2024", 5),
        ("ひらがな", 4),
        ("한국어 단어", 2),
        ("naïve café", 2),
    ],
)
def test_words_are_counted_in_many_scripts(said: str, words: int) -> None:
    assert captions.ready(WORDS)(said) == {"words": words}
    assert captions.ready(LENGTH)(said) == {"length": len(said)}


def test_a_row_has_a_value_for_each_caption_and_each_text_is_measured_once() -> None:
    looked: list[str] = []

    @caption_signal(version=1, columns={"vowels": Column(pa.int32(), "count", "how many a")})
    def vowels() -> captions.OfText:
        return lambda text: looked.append(text) or {"vowels": text.count("a")}  # type: ignore[func-returns-value]

    rows = [{"raw": ["aa", ""], "fused": ["aa"]}, {"raw": None}, {"raw": [], "recaption": ["b"]}]
    table = captions.measured(vowels, captions.ready(vowels), rows)
    assert table.to_pylist() == [
        {
            "caption_raw.vowels": [2, 0],
            "caption_recaption.vowels": None,
            "caption_fused.vowels": [2],
        },
        dict.fromkeys(captions.columns(vowels)),
        {"caption_raw.vowels": [], "caption_recaption.vowels": [0], "caption_fused.vowels": None},
    ]
    assert sorted(looked) == ["", "aa", "b"]


def test_every_signal_of_captions_says_a_value_of_any_text() -> None:
    odd = ("", " ", "\u0000", "a" * 20_000, "\ufffd\ufeff", "\U0001f600" * 50, "!?\n\t", "狗")
    for entry in captions.discovered().values():
        try:
            captions.check(entry, entry.settings())
        except ImportError:
            continue
        of = captions.ready(entry)
        for text in odd:
            values = of(text)
            assert values.keys() == entry.columns.keys()
            for name, column in entry.columns.items():
                assert pa.scalar(values[name], column.type).is_valid
                assert not column.categories or values[name] in column.categories


def test_the_catalogue_lists_what_is_measured_of_captions() -> None:
    rows = catalogue.catalogue(None, cost=False)
    listed = {row["column"] for row in rows if row["tier"] == "caption"}
    assert listed == set(captions.owners()) and "validity" in listed
