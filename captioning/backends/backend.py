"""What a caption back end is: questions about images to answers, in their order.

A new one is one file here with a class that derives from ``Backend``; its fields are its settings.
"""

import hashlib
from abc import abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar, Literal, Protocol

from numpy import uint8
from numpy.typing import NDArray

from captioning.parsing import Finish
from captioning.prompting import Language, Turn
from curation.shard.annotation import json_schema
from curation.strict_yaml import Chosen

Reason = Literal["", "unreachable", "refused", "unchanged", "unclear", "several_inputs"]
FINAL: tuple[Reason, ...] = ("unchanged", "unclear", "several_inputs")  # asking again is no use


@dataclass(frozen=True)
class Form:
    """What an answer is to be: the JSON ``schema`` it is held to, and the ``name`` of that."""

    name: str
    schema: Callable[[], Mapping[str, Any]]


ANNOTATION = Form("annotation", json_schema)


@dataclass(frozen=True)
class Question:
    """About one row: its ``id`` and ``images``, the pixels (H, W, 3) of each, an edit's inputs in
    their order and last its result; what the captioner is told of them, the language asked for, the
    ``columns`` that were measured, for a back end without eyes, and the ``form`` of the answer.
    """

    id: str
    images: Sequence[NDArray[uint8]]
    turn: Turn
    language: Language = "en"
    columns: Mapping[str, Any] = field(default_factory=dict)
    form: Form = ANNOTATION

    def labelled(self) -> Sequence[tuple[str, NDArray[uint8]]]:
        """The images, each with what is said before it; "" where nothing is."""
        labels = self.turn.labels or ("",) * len(self.images)
        return [*zip(labels, self.images, strict=True)]

    def seed(self, attempt: int) -> int:
        """Of the ``attempt``-th try: 0 to 2**31 - 1, of the image and the try alone."""
        return int.from_bytes(hashlib.sha256(f"{self.id} {attempt}".encode()).digest()[:4]) >> 1


@dataclass(frozen=True)
class Reply:
    """A ``text``, why it ends, and what it cost in tokens; ``reason`` says why there is none."""

    text: str
    finish: Finish = "stop"
    prompt_tokens: int = 0
    new_tokens: int = 0
    reason: Reason = ""


class Captioner(Protocol):
    """A back end that is loaded."""

    def answer(self, questions: Sequence[Question], attempt: int = 0) -> Sequence[Reply]:
        """A reply for each; the first ``attempt`` is greedy, later ones are sampled by ``seed``.

        All questions of a call are of one form. One that cannot be answered has a ``reason`` and
        fails no other.
        """


class Backend(Chosen):
    """A choice of back end with its settings. One that ``reads_prompts`` answers what is asked; one
    that does not captions all images alike.
    """

    reads_prompts: ClassVar[bool] = True

    @property
    def answers_by(self) -> Mapping[str, Any]:
        """The settings that answers depend on, which their columns are kept by."""
        return self.model_dump(mode="json")

    @property
    def token_prices(self) -> tuple[float, float]:
        """What a million tokens of prompts and of answers cost; 0 and 0 where nobody said."""
        return 0.0, 0.0

    @property
    def uses_accelerator(self) -> bool:
        """Whether it answers from a GPU of the machine it runs on, where there is one."""
        return False

    @abstractmethod
    def check(self) -> None:
        """Says cheaply, before any work, whether all is there. Raises ``MissingModelError``."""

    @abstractmethod
    def captioner(self) -> Captioner:
        """Load it, once per process. Raises ``MissingModelError``."""
