"""What a training of an enhancer is told, frozen and strict. Imports neither torch nor
transformers.
"""

from pathlib import Path
from typing import Annotated, Any, Literal, TypeVar

from pydantic import AfterValidator, Field, ValidationError

from curation.failures.errors import UsageError
from curation.picture import sizes
from curation.strict_yaml import bind, choice, explained, read
from train.kinds import Count, Frozen, Positive, Share
from train.rewards._listed import Rewards

Rules = tuple[Annotated[Any, choice("train.enhancer.rules.rule.Rule")], ...]
_Kind = TypeVar("_Kind", bound="Shared")


def _size(text: str) -> str:
    if sizes.parse(text) is None:
        raise ValueError(f"expected WIDTHxHEIGHT such as 64x32, not {text!r}")
    return text


class Lora(Frozen):
    """A LoRA by peft beside a model whose weights stay: on all linear layers but the last, or on
    those named (``targets``).
    """

    rank: Count = 16
    alpha: Positive = 32.0
    targets: tuple[str, ...] = ()


class Adam(Frozen):
    """AdamW. The learning rate rises over ``warmup`` steps, and falls linearly over the last
    ``decay`` share of all; gradients are clipped to the norm ``clip``.
    """

    learning_rate: Positive = 1e-5
    betas: tuple[float, float] = (0.9, 0.95)
    weight_decay: Annotated[float, Field(ge=0)] = 0.0
    warmup: Annotated[int, Field(ge=0)] = 20
    decay: Share = 0.5
    clip: Positive = 1.0


class Evaluation(Frozen):
    """Before the first step, ``every`` so many, and after the last: answers to so many held-out
    ``prompts``, the likeliest, judged by ``rules``.
    """

    every: Count = 50
    prompts: Count = 32
    rules: Rules = Field(default=("quoted", "language", "length"), validate_default=True)


class Checkpoint(Frozen):
    """Written ``every`` so many steps and after the last; the newest ``keep`` stay."""

    every: Count = 50
    keep: Count = 2


class Shared(Frozen):
    """What both trainings are told. ``batch`` counts triplets, or prompts, of a step, of which
    ``rows_at_once`` rows go through the model together; ``longest`` tokens of a prompt with its
    answer, of which ``answer`` at most are the answer. ``held_out`` is the share of quoted TEXTS
    (of fine prompts that quote nothing) that is never trained on. ``recompute`` saves memory for
    a third more time.
    """

    model: str = ""
    seed: Annotated[int, Field(ge=0)] = 0
    device: str = "auto"
    precision: Literal["auto", "fp32", "bf16"] = "auto"
    steps: Count = 200
    batch: Count = 16
    rows_at_once: Count = 8
    longest: Count = 2048
    answer: Count = 700
    held_out: Annotated[float, Field(ge=0, lt=1)] = 0.05
    lora: Lora | None = None
    recompute: bool = False
    log_every: Count = 10
    optimiser: Adam = Adam()
    evaluation: Evaluation = Evaluation()
    checkpoint: Checkpoint = Checkpoint()


class Supervised(Shared):
    """Fine-tuning on triplets (SFT): the loss is of the answer alone, which begins with the
    ``reasoning`` between <think> and </think>, where asked for.
    """

    reasoning: bool = True


class Frame(Frozen):
    """How the frozen generator makes an image: ``size``, ``steps``, ``guidance``; where they are
    not given, as its checkpoint was trained and judged.
    """

    size: Annotated[str, AfterValidator(_size)] | None = None
    steps: Count | None = None
    guidance: Annotated[float, Field(ge=1)] | None = None
    at_once: Count = 16


class Policy(Shared):
    """GRPO (arXiv 2402.03300) through a frozen ``generator``: of each short prompt a ``group`` of
    answers is sampled at a ``temperature``; each is judged by ``rules``, and by ``rewards`` of the
    image that the generator makes of it, held against the short prompt. The advantage of an answer
    is its reward less the mean of its group, in units of its spread, at most ``advantage_clip``. A
    step minimises ``kl`` KL - min(r A, clip(r) A), a mean over the tokens of an answer, with r
    clipped to 1 - ``clip`` to 1 + ``clip``, and KL that from the model at the start.
    """

    batch: Count = 4
    generator: str = ""
    frame: Frame = Frame()
    rewards: Rewards = Field(default=("ocr",), validate_default=True)
    rules: Rules = Field(default=("quoted", "language", "length"), validate_default=True)
    group: Annotated[int, Field(ge=2, le=1024)] = 8
    temperature: Positive = 1.0
    updates: Count = 1
    clip: Positive = 0.2
    advantage_clip: Positive = 5.0
    kl: Annotated[float, Field(ge=0)] = 0.02


def resolve(kind: type[_Kind], file: Path | None, **overrides: Any) -> _Kind:
    """The defaults, overridden by a file and then by the given values that are not None. Raises
    ``UsageError`` naming file, line and key.
    """
    chosen = kind() if file is None else bind(read(str(file)), kind)
    given = {name: value for name, value in overrides.items() if value is not None}
    try:
        return kind.model_validate(chosen.model_dump() | given)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        raise UsageError(f"--{first['loc'][0]}: {explained(first)}") from None
