"""What may be set for recaptions: who answers, and what is asked."""

from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, Field, model_validator

from captioning import fusing, prompting
from curation.signals.signal import Settings
from curation.strict_yaml import choice, expected_one_of, refused, shown


def _known(kind: str) -> str:
    if kind not in prompting.kinds():
        raise ValueError(f"no kind {shown(kind)}: {expected_one_of(kind, prompting.kinds())}")
    return kind


Kind = Annotated[str, AfterValidator(_known)]


class RecaptionSettings(Settings):
    """Who answers (``backend``), which ``kind`` of prompt it is given, in which ``languages`` by
    what shares of images, and how many ``attempts`` an answer is given. Raw captions are ``fused``
    with it by rule, or by a second question to the model.
    """

    backend: Annotated[
        Any,
        choice("captioning.backends.backend.Backend", "offline"),
        Field(validate_default=True),
    ] = "offline"
    kind: Kind = "annotate"
    languages: Mapping[prompting.Language, Annotated[float, Field(ge=0)]] = {"en": 0.5, "zh": 0.5}
    attempts: Annotated[int, Field(ge=1, le=8)] = 2
    fused: Literal["rule", "model"] = "rule"

    @model_validator(mode="after")
    def _can_fuse(self) -> "RecaptionSettings":
        if self.fused == "model" and not self.backend.reads_prompts:
            raise refused("the back end reads no prompts: expected 'rule'", "fused")
        return self

    def identity(self) -> dict[str, Any]:
        """What answers depend on: not where an endpoint is; the prompts with all their words."""
        prompts = [
            prompting.prompt(kind, language).digest
            for kind in (*self.every_kind(), *((fusing.PROMPT,) if self.fused == "model" else ()))
            for language in self.languages
        ]
        of_answers = {"backend": dict(self.backend.answers_by), "prompts": prompts}
        return super().identity() | of_answers

    def every_kind(self) -> tuple[str, ...]:
        """All kinds of prompts that may be asked for."""
        return (self.kind,)

    def kind_of(self, columns: Mapping[str, Any]) -> str:
        """The kind for a row with the columns that the signal reads."""
        return self.kind

    @property
    def uses_accelerator(self) -> bool:
        """Whether the back end does."""
        return bool(self.backend.uses_accelerator)

    def token_prices(self) -> tuple[float, float]:
        """Those of the back end."""
        prices: tuple[float, float] = self.backend.token_prices
        return prices
