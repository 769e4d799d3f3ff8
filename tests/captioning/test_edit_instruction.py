"""Instructions of pairs: asked with all images in order, checked, and withheld alone."""

import hashlib
from collections.abc import Mapping, Sequence
from typing import Any

import pytest
from making.collection import drawing, encoded
from making.told_captions import Answering, Told, said_edit

from captioning import edit_answer
from captioning.backends.backend import Question, Reply
from captioning.edit_instruction import edit_instruction
from captioning.settings import EditInstructionSettings
from curation import shard
from curation.measuring.here import as_declared
from curation.signals.row import Row

WORDY = " ".join(hashlib.sha256(bytes([n])).hexdigest()[:9] for n in range(80))
BEFORE, AFTER = encoded(drawing(1, 260)), encoded(drawing(2, 260))


def measured(answering: Answering, rows: Sequence[Row], **more: Any) -> list[dict[str, Any]]:
    backend = Told(answering=answering, asked=more.pop("asked", None))
    settings = EditInstructionSettings.model_validate({"languages": {"en": 1}, **more})
    settings = settings.model_copy(update={"backend": backend})
    return as_declared(edit_instruction, edit_instruction.function(settings)(rows), len(rows))


def pair(
    name: str = "a",
    captions: Mapping[str, Sequence[str]] | None = None,
    before: Sequence[str] = ("PUSH",),
    after: Sequence[str] = ("PULL",),
) -> Row:
    columns = {"text_regions": lines(after), "inputs.text_regions": [lines(before)]}
    return Row(name, AFTER, captions or {}, columns, [BEFORE])


def lines(texts: Sequence[str]) -> list[dict[str, Any]]:
    return [{"kind": "latin", "text": of, "score": 0.99, "quad": [0.0] * 8} for of in texts]


def test_an_answer_becomes_an_instruction_with_its_checks() -> None:
    said = said_edit('Replace "PUSH" with "PULL".', [("PUSH", "PULL")])
    [values] = measured(lambda *_: said, [pair()])
    [caption] = values["caption_instruction"]
    assert caption["text"] == 'Replace "PUSH" with "PULL".' and caption["language"] == "en"
    assert caption["origin"] == shard.CAPTIONER and values["instruction_problem"] == "none"
    assert values["instruction_kind"] == "text" and values["edit_faithful"] == "yes"
    assert values["instruction_quote_precision"] == values["instruction_quote_recall"] == 1
    assert values["instruction_text_agrees"] == values["instruction_in_language"] == 1
    assert (values["instruction_prompt_tokens"], values["instruction_new_tokens"]) == (100, 20)


def test_inputs_come_in_their_order_and_last_the_result_each_with_its_label() -> None:
    seen: list[Question] = []

    def answering(question: Question, _: int) -> Reply:
        seen.append(question)
        return said_edit("Put both into one.", kind="composition")

    other = encoded(drawing(3, 280))
    measured(answering, [Row("a", AFTER, {}, {"text_regions": None}, [other, BEFORE])])
    [question] = seen
    assert [of.shape[0] for of in question.images] == [280, 260, 260]
    assert [label for label, _ in question.labelled()] == [
        "Input image 1:", "Input image 2:", "Result image:",
    ]  # fmt: skip
    assert question.form == edit_answer.FORM


@pytest.mark.parametrize(
    ("bad", "problem"),
    [
        (Reply("no idea"), "no_json"),
        (said_edit("I'm sorry, but I can't describe this edit."), "invalid"),
        (said_edit("抱歉，我无法描述这次编辑。"), "invalid"),
        (said_edit("a red car, a red car, a red car, a red car, a red car"), "looping"),
        (said_edit(f"Paint {WORDY}."), "too_wordy"),
        (said_edit("把天空变成红色。"), "other_language"),
        (said_edit('Replace "ENTER" with "LEAVE NOW".'), "misquoted"),
        (said_edit('Replace "PUSH" with "PULL".', [("ENTER", "LEAVE NOW")]), "misquoted"),
        (said_edit('Write "PULL".', [("PULL", "PUSH")]), "misquoted"),  # the wrong way round
    ],
)
def test_a_bad_answer_is_asked_for_again_and_then_withheld_alone(bad: Reply, problem: str) -> None:
    rows = [pair("a"), pair("b"), pair("c")]
    good = said_edit('Replace "PUSH" with "PULL".')

    def always(question: Question, _attempt: int) -> Reply:
        return bad if question.id == "b" else good

    def once(question: Question, attempt: int) -> Reply:
        return bad if question.id == "b" and not attempt else good

    values = measured(always, rows)
    assert [of["instruction_problem"] for of in values] == ["none", problem, "none"]
    assert [len(of["caption_instruction"]) for of in values] == [1, 0, 1]
    assert values[1]["instruction_attempts"] == 2 and values[1]["edit_answer"] is None
    again = measured(once, rows)
    assert [of["instruction_problem"] for of in again] == ["none"] * 3


def test_a_pair_with_an_instruction_is_not_asked_about_but_checked() -> None:
    asked: list[list[str]] = []
    has = {"caption_instruction": ['Replace "PUSH" with "PULL".', "把“PUSH”改成“EXIT”。"]}
    [values] = measured(lambda *_: said_edit("x"), [pair(captions=has)], asked=asked)
    assert asked == [] and values["caption_instruction"] is None
    assert values["instruction_problem"] == "none" and values["instruction_attempts"] == 0
    assert values["instruction_quote_precision"] == 0.5  # the worse of both
    assert values["edit_faithful"] == "unasked"


def test_an_image_that_is_no_edit_has_nothing() -> None:
    asked: list[list[str]] = []
    [values] = measured(lambda *_: said_edit("x"), [Row("a", AFTER, {}, {})], asked=asked)
    assert asked == [] and set(values.values()) == {None}


def test_text_that_changed_and_is_not_quoted_is_seen() -> None:
    [values] = measured(lambda *_: said_edit("Make the sky red.", kind="attribute"), [pair()])
    assert values["instruction_quote_recall"] == 0 and values["instruction_problem"] == "none"


def test_without_a_reader_nothing_is_held_against_quotations() -> None:
    row = Row("a", AFTER, {}, {"text_regions": None}, [BEFORE])
    [values] = measured(lambda *_: said_edit('Write "LEAVE".', [("", "LEAVE")]), [row])
    assert values["instruction_problem"] == "none"


def test_columns_are_kept_by_prompts_and_answers_alone() -> None:
    first = EditInstructionSettings()
    assert len(first.identity()["prompts"]) == 2
    url = {"name": "endpoint", "url": "http://localhost:8000/v1", "model": "m"}
    other = EditInstructionSettings.model_validate({"backend": url})
    moved = EditInstructionSettings.model_validate({"backend": url | {"url": "http://b/v1"}})
    assert first.identity() != other.identity() == moved.identity()
    assert EditInstructionSettings.model_validate_json(other.model_dump_json()) == other
