"""A back end that says what a test has it say."""

import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from captioning import edit_answer
from captioning.backends.backend import Backend, Captioner, Question, Reply
from curation.shard.annotation import KEYS, Annotation

Answering = Callable[[Question, int], Reply]


def said(caption: str, watermarks: Sequence[str] = ()) -> Reply:
    """An answer with this caption, of 20 tokens to a prompt of 100."""
    values = caption, "photograph", "realistic", [*watermarks], "no"
    annotation = Annotation.model_validate(dict(zip(KEYS, values, strict=True)))
    return Reply(annotation.as_json(), "stop", 100, 20)


def said_edit(
    instruction: str,
    changed: Sequence[tuple[str, str]] = (),
    kind: str = "text",
    faithful: str = "yes",
) -> Reply:
    """An answer about an edit, of 20 tokens to a prompt of 100."""
    texts = [dict(zip(edit_answer.SIDES, of, strict=True)) for of in changed]
    values = instruction, kind, texts, "the rest", faithful
    text = json.dumps(dict(zip(edit_answer.KEYS, values, strict=True)), ensure_ascii=False)
    return Reply(text, "stop", 100, 20)


class Told(Backend):
    """A back end that says what a function says; ``asked`` keeps the batches it was given."""

    answering: Any
    asked: Any = None

    @property
    def answers_by(self) -> Mapping[str, Any]:
        return {"name": "told"}

    def check(self) -> None:
        """All is there."""

    def captioner(self) -> Captioner:
        return self  # type: ignore[return-value]

    def answer(self, questions: Sequence[Question], attempt: int = 0) -> Sequence[Reply]:
        if self.asked is not None:
            self.asked.append([question.id for question in questions])
        return [self.answering(question, attempt) for question in questions]
