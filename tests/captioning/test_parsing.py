"""Answers of captioners: what models do to JSON, each mended or refused, and said."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from captioning.parsing import Answer, InvalidAnswerError, clean, parse
from curation.shard.annotation import KEYS, Annotation

GOOD: dict[str, Any] = {
    "Caption": 'A shop sign that reads "咖啡 COFFEE" above a door.',
    "Image Type": "photograph",
    "Image Style": "realistic",
    "Watermark List": [],
    "Abnormal Element": "no",
}
TEXT = json.dumps(GOOD, ensure_ascii=False)
SAID = Answer(Annotation.model_validate(GOOD))


def changed(**values: Any) -> str:
    return json.dumps(GOOD | {key.replace("_", " "): of for key, of in values.items()})


def test_a_plain_answer_is_taken_as_it_is() -> None:
    assert parse(TEXT) == SAID
    assert parse(f"\n {TEXT} \n") == SAID
    assert tuple(GOOD) == KEYS


@pytest.mark.parametrize(
    ("answer", "mended"),
    [
        (TEXT[:-1] + ",}", ("json",)),  # the comma of the report's own sample
        (f"```json\n{TEXT}\n```", ("text_around",)),
        (f"```json\n{TEXT}", ("text_around",)),
        (f"Here you are:\n{TEXT}", ("text_around",)),
        ("\ufeff" + TEXT, ("text_around",)),
        (f"<think>{{is it a shop}}</think>{TEXT}", ("reasoning",)),
        (f"{TEXT}\n{TEXT}", ()),
        (TEXT.replace('\\"', '"'), ("json",)),
        (TEXT.replace('"Caption"', "“Caption”"), ("json",)),
    ],
)
def test_the_same_annotation_is_read_of_what_can_be_mended(
    answer: str, mended: tuple[str, ...]
) -> None:
    assert parse(answer).annotation == SAID.annotation
    assert set(mended) <= set(parse(answer).mended)


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        ("", "empty"),
        (" \n", "empty"),
        ("I'm sorry, but I can't help with that.", "no_json"),
        ("[1, 2]", "no_json"),
        ("{}", "missing_key"),
        (TEXT[: TEXT.index("Watermark")], "truncated"),
        (TEXT[:40], "truncated"),
        (TEXT[:-1] + ', "Mood": "calm"}', "unknown_key"),
        (TEXT[:-1] + ', "Caption": "Another."}', "contradictory"),
        (TEXT[:-1] + ', "caption": "Another."}', "contradictory"),
        (TEXT.replace(": ", "："), "no_json"),
        (changed(Caption=""), "empty"),
        (changed(Caption=["a", "b"]), "wrong_type"),
        (changed(Caption=None), "wrong_type"),
        (changed(Abnormal_Element="perhaps"), "wrong_type"),
        (changed(Abnormal_Element=float("nan")), "wrong_type"),
        (changed(Watermark_List=[1]), "wrong_type"),
        (changed(Watermark_List={"a": "b"}), "wrong_type"),
        ("{" * 300_000, "too_long"),
    ],
)
def test_what_would_change_the_meaning_is_refused_with_its_reason(answer: str, reason: str) -> None:
    with pytest.raises(InvalidAnswerError) as caught:
        parse(answer)
    assert caught.value.reason == reason


def test_an_answer_that_was_cut_off_is_refused_however_complete_it_looks() -> None:
    with pytest.raises(InvalidAnswerError, match="truncated"):
        parse(TEXT, finish="length")


@pytest.mark.parametrize(
    ("values", "field", "value"),
    [
        ({"Watermark_List": "Getty Images"}, "watermark_list", ["Getty Images"]),
        ({"Watermark_List": None}, "watermark_list", []),
        ({"Watermark_List": "None"}, "watermark_list", []),
        ({"Watermark_List": [" a ", ""]}, "watermark_list", ["a"]),
        ({"Abnormal_Element": True}, "abnormal_element", "yes"),
        ({"Abnormal_Element": "No"}, "abnormal_element", "no"),
        ({"Abnormal_Element": "是"}, "abnormal_element", "yes"),
        ({"Caption": "two\nlines\tand more"}, "caption", "two lines and more"),
        ({"Caption": "lone \ud83d half"}, "caption", "lone \ufffd half"),
        ({"Caption": "a <|im_end|> sign"}, "caption", "a sign"),
        ({"Caption": "bidi \u202e and \u200b none"}, "caption", "bidi and none"),
    ],
)
def test_values_of_another_form_become_those_of_the_schema(
    values: dict[str, Any], field: str, value: object
) -> None:
    answer = parse(changed(**values))
    assert getattr(answer.annotation, field) == value
    assert answer.mended or values.get("Watermark_List") == [" a ", ""]


def test_keys_in_chinese_or_another_case_are_ours() -> None:
    names = ["图像描述", "图像类型", "图像风格", "水印列表", "异常元素"]
    answer = parse(json.dumps(dict(zip(names, GOOD.values(), strict=True))))
    assert answer == Answer(SAID.annotation, ("keys",))
    lower = {key.lower().replace(" ", "_"): value for key, value in GOOD.items()}
    assert parse(json.dumps(lower)).annotation == SAID.annotation


@given(st.text(max_size=300))
def test_any_answer_is_read_or_refused(answer: str) -> None:
    try:
        annotation = parse(answer).annotation
    except InvalidAnswerError as error:
        assert error.reason.isidentifier()
    else:
        annotation.as_json().encode()


@given(st.integers(0, len(TEXT)), st.text(max_size=5))
def test_any_damage_is_read_or_refused_and_can_be_written(place: int, put: str) -> None:
    try:
        parsed = parse(TEXT[:place] + put + TEXT[place + 1 :])
    except InvalidAnswerError:
        return
    parsed.annotation.as_json().encode()
    assert clean(parsed.annotation.caption) == parsed.annotation.caption
