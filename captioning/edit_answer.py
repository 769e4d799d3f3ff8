"""A captioner's answer about an edit: what changed, as an instruction, and what goes with it."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from captioning.backends.backend import Form
from captioning.parsing import Finish, InvalidAnswerError, clean, named, text_of, values_of, yes_no
from curation.shard import EDIT_KINDS

Text = Annotated[str, Field(min_length=1)]
_NAMES: Mapping[str, str] = {
    "指令": "Instruction", "编辑指令": "Instruction", "编辑类型": "Edit Kind", "类型": "Edit Kind",
    "变化的文字": "Changed Text", "文字变化": "Changed Text", "保持不变": "Kept", "保留": "Kept",
    "可信": "Faithful", "忠实": "Faithful",
}  # fmt: skip
_SIDES: Mapping[str, str] = {"之前": "Before", "原文": "Before", "之后": "After", "改后": "After"}


class _Said(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)


class ChangedText(_Said):
    """A text as it stands in the inputs and in the result; "" where it does not."""

    before: str = Field(alias="Before")
    after: str = Field(alias="After")


class Edit(_Said):
    """What is said of an edit; ``model_dump(by_alias=True)`` has the keys of the schema, and
    ``edit_kind`` is one of ``EDIT_KINDS``.
    """

    instruction: Text = Field(alias="Instruction")
    edit_kind: str = Field(alias="Edit Kind")
    changed_text: tuple[ChangedText, ...] = Field(alias="Changed Text")
    kept: str = Field(alias="Kept")
    faithful: Literal["yes", "no"] = Field(alias="Faithful")

    def as_json(self) -> str:
        """The column ``edit_answer`` of a shard."""
        return json.dumps(self.model_dump(mode="json", by_alias=True), ensure_ascii=False)


KEYS: tuple[str, ...] = tuple(str(field.alias) for field in Edit.model_fields.values())
SIDES: tuple[str, ...] = tuple(str(field.alias) for field in ChangedText.model_fields.values())


def json_schema(longest: int = 1000, short: int = 300, most: int = 16) -> dict[str, Any]:
    """The JSON schema that an answer is held to: lengths in characters, and how many texts may have
    changed.
    """
    side = {"type": "string", "maxLength": short}
    changed = {
        "type": "object",
        "properties": dict.fromkeys(SIDES, side),
        "required": [*SIDES],
        "additionalProperties": False,
    }
    return {
        "type": "object",
        "properties": {
            "Instruction": {"type": "string", "minLength": 1, "maxLength": longest},
            "Edit Kind": {"enum": [*EDIT_KINDS]},
            "Changed Text": {"type": "array", "items": changed, "maxItems": most},
            "Kept": side,
            "Faithful": {"enum": ["yes", "no"]},
        },
        "required": [*KEYS],
        "additionalProperties": False,
    }


FORM = Form("edit", json_schema)


@dataclass(frozen=True)
class EditAnswer:
    """What is said of an ``edit``, and what was ``mended`` to read it, in the order of mending."""

    edit: Edit
    mended: tuple[str, ...] = ()


def parse(answer: str, finish: Finish = "stop") -> EditAnswer:
    """The edit in an answer. Raises ``InvalidAnswerError``."""
    mended: list[str] = []
    values = values_of(answer, finish, KEYS, _NAMES, mended)
    said = (
        text_of("Instruction", values["Instruction"], mended),
        _kind(values["Edit Kind"], mended),
        tuple(_changed(values["Changed Text"], mended)),
        _line("Kept", values["Kept"], mended),
        yes_no("Faithful", values["Faithful"], mended),
    )
    edit = Edit.model_validate(dict(zip(KEYS, said, strict=True)))
    return EditAnswer(edit, tuple(dict.fromkeys(mended)))


def _kind(value: Any, mended: list[str]) -> str:
    """One of the kinds: a model that makes up another has not understood what it is asked."""
    kind = value.strip().casefold() if isinstance(value, str) else ""
    if kind not in EDIT_KINDS:
        raise InvalidAnswerError("wrong_type", f"Edit Kind: none of {', '.join(EDIT_KINDS)}")
    if kind != value:
        mended.append("kind")
    return kind


def _changed(value: Any, mended: list[str]) -> Sequence[dict[str, str]]:
    if value is None or value == "":
        mended.append("changed_text")
        return []
    if isinstance(value, dict):
        mended.append("changed_text")
        value = [value]
    if not (isinstance(value, list) and all(isinstance(of, dict) for of in value)):
        raise InvalidAnswerError("wrong_type", "Changed Text: no list of texts before and after")
    sides = [named(of, SIDES, _SIDES, mended) for of in value]
    lines = [{key: _line(key, of[key], mended) for key in SIDES} for of in sides]
    return [of for of in lines if any(of.values())]


def _line(key: str, value: Any, mended: list[str]) -> str:
    """A text as one line, which may be empty."""
    if value is None:
        mended.append("nulls")
        return ""
    if not isinstance(value, str):
        raise InvalidAnswerError("wrong_type", f"{key}: a {type(value).__name__}, no text")
    if clean(value) != value.strip():
        mended.append("characters")
    return clean(value)
