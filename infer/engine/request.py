"""What is asked of the engine: one image."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from infer.prompts import Prompt

if TYPE_CHECKING:
    from infer.engine.conditions import Condition
    from infer.inputs import Inputs


@dataclass(frozen=True)
class Settings:
    """How to generate: ``width`` and ``height`` in pixels; ``guidance`` at most 1 means none."""

    width: int
    height: int
    steps: int = 50
    guidance: float = 4.0
    negative: str = ""

    @property
    def is_guided(self) -> bool:
        """Whether there is guidance: at most 1 is none at all, as ``QwenImagePipeline`` has it."""
        return self.guidance > 1


@dataclass(frozen=True)
class Request:
    """An image of a ``prompt``, from the noise of its ``seed``, or what is made of ``inputs``; it
    follows a ``condition`` where there is one.
    """

    prompt: str
    seed: int
    settings: Settings
    inputs: "Inputs | None" = None
    condition: "Condition | None" = None

    @classmethod
    def of(
        cls,
        prompt: Prompt,
        settings: Settings,
        inputs: "Inputs | None" = None,
        condition: "Condition | None" = None,
    ) -> "Request":
        """Of a prompt with a seed. Raises ``ValueError`` for a prompt without."""
        if prompt.seed is None:
            raise ValueError(f"prompt without a seed: {prompt.text!r}")
        return cls(prompt.text, prompt.seed, settings, inputs, condition)

    def sized(self, width: int, height: int) -> "Request":
        """The same, of another size in pixels."""
        return replace(self, settings=replace(self.settings, width=width, height=height))


def batches(requests: Sequence[Request], most: int) -> Iterator[Sequence[Request]]:
    """At most so many requests at once, in their order; those of a batch have as many steps."""
    start = 0
    for place, request in enumerate(requests):
        full = place - start == most
        if place > start and (full or request.settings.steps != requests[start].settings.steps):
            yield requests[start:place]
            start = place
    if start < len(requests):
        yield requests[start:]
