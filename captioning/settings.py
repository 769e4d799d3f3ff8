"""What may be set for recaptions: who answers, and what is asked."""

from collections.abc import Mapping, Sequence
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


Languages = Mapping[prompting.Language, Annotated[float, Field(ge=0)]]
Attempts = Annotated[int, Field(ge=1, le=8)]


class AskingSettings(Settings):
    """Who answers: the ``backend``."""

    backend: Annotated[
        Any,
        choice("captioning.backends.backend.Backend", "offline"),
        Field(validate_default=True),
    ] = "offline"

    @property
    def uses_accelerator(self) -> bool:
        """Whether the back end does."""
        return bool(self.backend.uses_accelerator)

    def token_prices(self) -> tuple[float, float]:
        """Those of the back end."""
        prices: tuple[float, float] = self.backend.token_prices
        return prices

    def identity_by(self, prompts: Sequence[prompting.Prompt]) -> dict[str, Any]:
        """What answers depend on: not where an endpoint is; ``prompts`` with all their words."""
        asked = [prompt.digest for prompt in prompts]
        of_answers = {"backend": dict(self.backend.answers_by), "prompts": asked}
        return super().identity() | of_answers


class EditInstructionSettings(AskingSettings):
    """In which ``languages`` instructions are, by what shares of pairs, and how many ``attempts``
    an answer is given.
    """

    languages: Languages = Field(default={"en": 0.5, "zh": 0.5})
    attempts: Attempts = 2

    def identity(self) -> dict[str, Any]:
        """What answers depend on."""
        return self.identity_by([prompting.edit_prompt(of) for of in self.languages])


class RecaptionSettings(AskingSettings):
    """Which ``kind`` of prompt the back end is given, in which ``languages`` by what shares of
    images, and how many ``attempts`` an answer is given. Raw captions are ``fused`` with it by
    rule, or by a second question to the model.
    """

    kind: Kind = "annotate"
    languages: Languages = Field(default={"en": 0.5, "zh": 0.5})
    attempts: Attempts = 2
    fused: Literal["rule", "model"] = "rule"

    @model_validator(mode="after")
    def _can_fuse(self) -> "RecaptionSettings":
        if self.fused == "model" and not self.backend.reads_prompts:
            raise refused("the back end reads no prompts: expected 'rule'", "fused")
        return self

    def identity(self) -> dict[str, Any]:
        """What answers depend on."""
        return self.identity_by(
            [
                prompting.prompt(kind, language)
                for kind in (
                    *self.every_kind(),
                    *((fusing.PROMPT,) if self.fused == "model" else ()),
                )
                for language in self.languages
            ]
        )

    def every_kind(self) -> tuple[str, ...]:
        """All kinds of prompts that may be asked for."""
        return (self.kind,)

    def kind_of(self, columns: Mapping[str, Any]) -> str:
        """The kind for a row with the columns that the signal reads."""
        return self.kind
