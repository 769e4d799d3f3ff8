"""The recaption of rows: asked in the shares of languages, parsed, checked, quarantined alone."""

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

import pytest
from making.collection import drawing, encoded
from making.told_captions import Answering, Told, said

from captioning.backends.backend import Question, Reply
from captioning.recaption import READ, RecaptionSettings, recaption
from curation.measuring.here import as_declared
from curation.signals.row import Row

IMAGE = encoded(drawing(1, 260))


def measured(answering: Answering, rows: Sequence[Row], **settings: Any) -> list[dict[str, Any]]:
    asked = settings.pop("asked", None)
    backend = Told(answering=answering, asked=asked)
    measure = recaption.function(RecaptionSettings(backend=backend, **settings))
    return as_declared(recaption, measure(rows), len(rows))


def row(name: str = "a", captions: Mapping[str, Sequence[str]] | None = None, **seen: Any) -> Row:
    return Row(name, IMAGE, captions or {}, dict.fromkeys(READ) | seen)


def line(text: str, score: float = 0.9) -> dict[str, Any]:
    return {"kind": "latin", "text": text, "score": score, "quad": [0.0] * 8}


def test_an_answer_becomes_captions_annotation_and_checks() -> None:
    of = row(captions={"caption_raw": ["the door of Notre Dame"]}, text_regions=[line("PUSH")])
    [values] = measured(lambda *_: said('A door that says "PUSH" and "OPEN".'), [of])
    [caption], [fused] = values["caption_recaption"], values["caption_fused"]
    assert caption["text"] == 'A door that says "PUSH" and "OPEN".'
    assert fused["text"].endswith(("The source names Notre Dame.", "来源中提到Notre Dame。"))
    assert caption["origin"] == "recaption" and fused["origin"] == "fused"
    assert values["annotation"].startswith('{"Caption": ')
    assert values["caption_recaption.quote_recall"] == [1.0]
    assert values["caption_recaption.quote_precision"] == [0.5]
    assert values["recaption_problem"] == "none" and values["recaption_attempts"] == 1
    assert (values["recaption_prompt_tokens"], values["recaption_new_tokens"]) == (100, 20)


@pytest.mark.parametrize(
    ("bad", "problem"),
    [
        (Reply("no idea"), "no_json"),
        (Reply("", reason="refused"), "refused"),
        (Reply('{"Caption": "a', "length"), "truncated"),
        (said("I'm sorry, but I can't describe this image."), "invalid"),
        (said("抱歉，我无法描述这张图片。"), "invalid"),
        (said("a red car, a red car, a red car, a red car, a red car"), "looping"),
    ],
)
def test_a_bad_answer_is_asked_for_again_and_then_quarantined_alone(
    bad: Reply, problem: str
) -> None:
    rows = [row("a"), row("b"), row("c")]

    def always(question: Question, attempt: int) -> Reply:
        return bad if question.id == "b" else said("A table.")

    def once(question: Question, attempt: int) -> Reply:
        return bad if question.id == "b" and not attempt else said("A table.")

    values = measured(always, rows)
    assert [of["recaption_problem"] for of in values] == ["none", problem, "none"]
    assert [len(of["caption_recaption"]) for of in values] == [1, 0, 1]
    assert values[1]["annotation"] is None and values[1]["caption_recaption.loop"] == []
    assert values[1]["recaption_attempts"] == 2
    assert values[1]["fused_by"] is None
    again = measured(once, rows)
    assert [of["recaption_problem"] for of in again] == ["none"] * 3
    assert [of["recaption_attempts"] for of in again] == [1, 2, 1]


def test_only_what_failed_is_asked_again() -> None:
    asked: list[list[str]] = []
    rows = [row(name) for name in "abcd"]
    measured(
        lambda question, _: Reply("") if question.id == "c" else said("A table."),
        rows, attempts=3, asked=asked,
    )  # fmt: skip
    assert sorted(asked[0]) == ["a", "b", "c", "d"] and asked[1:] == [["c"], ["c"]]


def test_languages_are_asked_in_their_shares_whatever_the_batch() -> None:
    languages: dict[str, str] = {}

    def answering(question: Question, _: int) -> Reply:
        languages[question.id] = question.language
        return said("A table.")

    rows = [row(str(number)) for number in range(400)]
    measured(answering, rows, languages={"en": 3, "zh": 1})
    first = dict(languages)
    measured(answering, rows[::-1][:100], languages={"en": 3, "zh": 1})
    assert languages == first
    assert 270 < Counter(first.values())["en"] < 330


@pytest.mark.parametrize(("score", "is_seen"), [(0.55, False), (0.8, True)])
def test_a_watermark_is_seen_from_where_the_offline_back_end_believes_it(
    score: float, is_seen: bool
) -> None:
    regions = [line("Getty Images", score)]
    of = row(watermark_regions=regions, text_regions=[line("Getty Images")])
    [values] = measured(lambda *_: said("A table."), [of])
    assert values["caption_recaption.abnormal_agrees"] == [float(not is_seen)]
    assert values["caption_recaption.watermarks_agree"] == [float(not is_seen)]
    offline = recaption.function(RecaptionSettings(backend="offline"))
    [values] = as_declared(recaption, offline([of]), 1)
    assert values["caption_recaption.abnormal_agrees"] == [1.0]


def test_an_image_that_has_a_recaption_is_not_asked_about_but_checked() -> None:
    asked: list[list[str]] = []
    has = {"caption_recaption": ['A door with "PUSH".', 'A door with "PULL".']}
    of = row(captions=has, text_regions=[line("PUSH")])
    [values] = measured(lambda *_: said("x"), [of], asked=asked)
    assert asked == [] and values["caption_recaption"] is None
    assert values["caption_recaption.quote_precision"] == [1.0, 0.0]
    assert values["recaption_problem"] == "none" and values["recaption_attempts"] == 0


def test_an_endpoint_that_is_gone_ends_the_run_and_quarantines_nothing() -> None:
    with pytest.raises(ConnectionError, match="is kept"):
        measured(lambda *_: Reply("", reason="unreachable"), [row()])


def test_equal_prompts_and_sizes_are_asked_together() -> None:
    asked: list[list[str]] = []
    large = encoded(drawing(2, 300))
    rows = [Row(str(n), large if n % 2 else IMAGE, {}, dict.fromkeys(READ)) for n in range(8)]
    measured(lambda *_: said("A table."), rows, languages={"en": 1}, asked=asked)
    sizes = [int(name) % 2 for name in asked[0]]
    assert sizes in ([0] * 4 + [1] * 4, [1] * 4 + [0] * 4)


def test_columns_are_kept_by_prompt_and_answers_alone() -> None:
    backend = Told(answering=None)
    first = RecaptionSettings(backend=backend).identity()
    assert first["backend"] == {"name": "told"} and len(first["prompts"]) == 2
    assert first != RecaptionSettings(backend=backend, kind="portrait").identity()


def test_settings_go_to_another_process_and_come_back() -> None:
    endpoint = {"name": "endpoint", "url": "http://localhost:8000/v1", "model": "m"}
    own = RecaptionSettings.model_validate({"backend": endpoint, "kind": "portrait"})
    assert RecaptionSettings.model_validate_json(own.model_dump_json()) == own


def test_what_is_no_setting_is_refused() -> None:
    with pytest.raises(ValueError, match="backend"):
        RecaptionSettings.model_validate({"backend": {"name": "oracle"}})
