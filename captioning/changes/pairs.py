"""The answer about a pair of images without a model that sees them: what was measured, in words."""

import hashlib
from collections.abc import Mapping, Sequence
from typing import Any

from captioning.backends.backend import Question, Reply
from captioning.changes import telling, wording
from captioning.changes.change import Change
from captioning.edit_answer import KEYS, SIDES, Edit, json_schema

REGIONS, SIZES = "text_regions", "sizes"  # columns; sizes are width and height of each image


def reply(question: Question, attempt: int = 0) -> Reply:
    """What changed, or the reason why that is not said. Of the id depends in which words."""
    if len(question.images) != 2:
        return Reply("", reason="several_inputs")
    before, after = question.images
    sizes = _sizes(question)
    changes = telling.changes(before, after, sizes, _lines(question.columns, sizes))
    if isinstance(changes, str):
        return Reply("", reason=changes)
    edit = _edit(changes, question, attempt)
    return Reply(edit.as_json()) if edit else Reply("", reason="unclear")


def _sizes(question: Question) -> telling.Sizes:
    """Width and height of the originals, else of what is seen."""
    known = question.columns.get(SIZES)
    before, after = known or [of.shape[1::-1] for of in question.images]
    return (int(before[0]), int(before[1])), (int(after[0]), int(after[1]))


def _lines(columns: Mapping[str, Any], sizes: telling.Sizes) -> telling.Lines | None:
    """What was read in both; None where nobody looked at either."""
    of_inputs, after = columns.get(f"inputs.{REGIONS}"), columns.get(REGIONS)
    if not of_inputs or of_inputs[0] is None or after is None:
        return None
    return telling.lines_of(of_inputs[0], sizes[0]), telling.lines_of(after, sizes[1])


def _edit(changes: Sequence[Change], question: Question, attempt: int) -> Edit | None:
    """The changes as an answer; None where a text is longer than answers may have it."""
    digest = hashlib.sha256(f"wording of the edit\n{question.id}\n{attempt}".encode()).digest()
    said = wording.instruction(changes, question.language, int.from_bytes(digest[:4]))
    texts = [
        dict(zip(SIDES, (of.old or "", of.new or ""), strict=True))
        for of in changes
        if of.kind == "text" and of.old != of.new
    ]
    limits = json_schema()["properties"]
    if len(said) > limits["Instruction"]["maxLength"]:
        return None
    kept = wording.kept(question.language)
    values = said, changes[0].kind, tuple(texts), kept, "yes"
    return Edit.model_validate(dict(zip(KEYS, values, strict=True)))
