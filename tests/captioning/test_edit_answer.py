"""Answers about edits: what is read, what is mended, and what is none."""

import json
from typing import Any

import jsonschema
import pytest

from captioning import edit_answer, prompting
from captioning.constrained import reserve
from captioning.edit_answer import KEYS, json_schema, parse
from captioning.parsing import InvalidAnswerError
from curation.shard import EDIT_KINDS

GOOD = {
    "Instruction": 'Replace "PUSH" with "PULL".',
    "Edit Kind": "text",
    "Changed Text": [{"Before": "PUSH", "After": "PULL"}],
    "Kept": "the door",
    "Faithful": "yes",
}


def answer(**changed: Any) -> str:
    return json.dumps(GOOD | {key.replace("_", " "): of for key, of in changed.items()})


def test_a_good_answer_is_read_as_it_is_and_written_as_the_schema_has_it() -> None:
    said = parse(answer())
    assert said.mended == () and json.loads(said.edit.as_json()) == GOOD
    jsonschema.validate(json.loads(said.edit.as_json()), json_schema())
    assert tuple(json.loads(said.edit.as_json())) == KEYS


@pytest.mark.parametrize(
    ("text", "mended"),
    [
        (answer(Edit_Kind="Text"), {"kind"}),
        (answer(Changed_Text=None), {"changed_text"}),
        (answer(Changed_Text=GOOD["Changed Text"][0]), {"changed_text"}),
        (answer(Changed_Text=[{"之前": "PUSH", "之后": "PULL"}]), {"keys"}),
        (answer(Faithful=True), {"faithful"}),
        (answer(Changed_Text=[{"Before": None, "After": "PULL"}]), {"nulls"}),
        (f"Here it is:\n```json\n{answer()}\n```", {"text_around"}),
        (answer().replace("Instruction", "指令"), {"keys"}),
        (answer(Instruction="Remove<|im_end|> the\u200b tree."), {"characters"}),
    ],
)
def test_what_means_the_same_is_mended_and_said(text: str, mended: set[str]) -> None:
    said = parse(text)
    assert set(said.mended) == mended
    jsonschema.validate(json.loads(said.edit.as_json()), json_schema())
    assert "<|" not in said.edit.instruction


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        (answer(Edit_Kind="magic"), "wrong_type"),
        (answer(Instruction=""), "empty"),
        (answer(Instruction=["a"]), "wrong_type"),
        (answer(Faithful="perhaps"), "wrong_type"),
        (answer(Changed_Text=["PUSH"]), "wrong_type"),
        (answer(Changed_Text=[{"Before": "a"}]), "missing_key"),
        (answer(Changed_Text=[{"Before": "a", "After": 1}]), "wrong_type"),
        (answer(Obey="yes"), "unknown_key"),
        ('{"Caption": "a red car"}', "unknown_key"),
        ("I cannot help with that.", "no_json"),
    ],
)
def test_what_changes_the_meaning_is_no_answer(text: str, reason: str) -> None:
    with pytest.raises(InvalidAnswerError) as error:
        parse(text)
    assert error.value.reason == reason


def test_an_answer_that_was_cut_off_is_none() -> None:
    with pytest.raises(InvalidAnswerError, match="truncated"):
        parse(answer(), "length")


def test_the_reserve_has_room_for_a_text_that_was_begun() -> None:
    longest = max(EDIT_KINDS, key=len)
    least = GOOD | {"Edit Kind": longest, "Instruction": "x", "Kept": ""}
    least |= {"Changed Text": [{"Before": "", "After": ""}]}
    assert reserve(json_schema()) >= len(json.dumps(least))


@pytest.mark.parametrize("language", ["en", "zh"])
def test_prompts_name_every_key_and_kind_and_label_every_image(
    language: prompting.Language,
) -> None:
    prompt = prompting.edit_prompt(language)
    assert all(f'"{key}"' in prompt.system for key in (*KEYS, *edit_answer.SIDES))
    assert all(kind in prompt.system for kind in EDIT_KINDS)
    turn = prompting.edit_turn(prompt, 3, 1)
    assert len(turn.labels) == len(set(turn.labels)) == 4
    assert prompt.lengths[1] in turn.system and "{" not in turn.system.partition('{"Inst')[0]
    assert "edit" not in prompting.kinds()
