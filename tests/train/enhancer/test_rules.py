"""Rules for answers: 1 is without a fault, and what breaks a rule has less."""

import pytest

from curation.failures.errors import UsageError
from infer.enhancing import rule
from train.enhancer.configuration import Supervised, resolve
from train.enhancer.rules.language import Language
from train.enhancer.rules.length import Length
from train.enhancer.rules.quoted import Quoted


@pytest.mark.parametrize(
    ("prompt", "answer", "score"),
    [
        ('a sign "INK"', "a rusty sign with “INK”", 1.0),
        ("a fox", "a red fox", 1.0),
        ('a sign "INK"', "a sign", 0.0),
        ("a fox", 'a fox "INK"', 0.0),
        ('"A" over "B"', '"B" under "A"', 0.9),
        ('"A" over "B"', 'only "A"', 0.9 * 2 / 3),
        ('"A" twice "A"', '"A"', 0.9 * 2 / 3),
        ('"A"', '"A" and "', 0.9),
        ("a fox", "", 0.0),
    ],
)
def test_quoted_is_f1_of_the_texts_and_1_only_where_all_is_verbatim(prompt, answer, score):
    assert Quoted().score(prompt, answer) == pytest.approx(score)
    assert (score == 1) == (not rule.faults(prompt, answer))


def test_the_language_is_kept():
    language = Language()
    assert language.score("a fox", "a red fox") == language.score('"墨水"', 'a sign "墨水"') == 1
    assert language.score("a fox", "一只狐狸") == language.score("一只狐狸", "a fox") == 0
    assert language.score("a fox", "") == 0


def test_a_detector_tells_languages_of_one_script_apart():
    pytest.importorskip("fasttext")
    english, german = "a red fox sits in the snow", "ein roter Fuchs sitzt im tiefen Schnee"
    assert Language(detects=True).score(english, german) == 0
    assert Language(detects=True).score(english, f"{english} and looks at the moon") == 1
    assert Language().score(english, german) == 1


def test_length_falls_beyond_its_bounds():
    length = Length(least=10, most=20)
    scores = [length.score("a" * 10, "b" * n) for n in (0, 10, 20, 30, 40, 50, 60)]
    assert scores == [0, 0.5, 1, 1, 0.5, 0, 0]
    assert [Length().score("a" * 10, "b" * n) for n in (0, 1, 10)] == [0, 1, 1]


def test_a_rule_that_is_none_is_refused_with_the_nearest(tmp_path):
    config = tmp_path / "sft.yaml"
    config.write_text("evaluation: {rules: [quotd]}\n")
    with pytest.raises(UsageError, match="quoted"):
        resolve(Supervised, config)
    config.write_text("reasonning: true\n")
    with pytest.raises(UsageError, match="reasoning"):
        resolve(Supervised, config)
