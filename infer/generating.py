"""What to generate, by which checkpoint: settled and carried out, whoever asks. No file is written.

Heavy imports come late.
"""

import math
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path, PurePath
from typing import TYPE_CHECKING, Any

from curation import progress
from curation.failures.errors import UsageError
from curation.picture import sizes
from curation.strict_yaml import expected_one_of
from infer import checkpoints
from infer import prompts as prompt_files
from infer.checkpoints import Defaults
from infer.prompts import Prompt
from train.adapters import adapter_folder
from train.checkpoint_folder import CheckpointError

if TYPE_CHECKING:
    from PIL.Image import Image

    from infer.engine.conditions import Condition
    from infer.engine.execution import Execution
    from infer.engine.request import Settings
    from infer.enhancing.enhancer import Enhanced, Enhancer
    from infer.inputs import Inputs

MOST_STEPS = 1000  # far beyond where more of them change an image
_LARGEST_SIDE = 8192


@dataclass(frozen=True)
class Asked:
    """Every prompt with its seed, and the checkpoint. ``usual`` is the size to generate at, and the
    steps and guidance unless others are asked for. ``inputs`` are what all prompts edit, by
    ``names``; ``condition`` is what all follow, made as ``control`` says.
    """

    prompts: tuple[Prompt, ...]
    checkpoint: Path
    usual: Defaults
    inputs: "Inputs | None" = None
    names: tuple[str, ...] = ()
    condition: "Condition | None" = None
    control: str = ""


def settle(
    prompts: Sequence[Prompt],
    seed: int,
    checkpoint: Path | None,
    size: str | None,
    inputs: Sequence[str],
) -> Asked:
    """Check everything that can be checked before weights are read. Raises ``UsageError``."""
    own = asked_size(size) if size else None
    folder = checkpoints.find(checkpoint)
    usual = checkpoints.defaults(folder)
    unit = checkpoints.size_unit(folder)
    read = _inputs(inputs, folder, unit)
    own_size = read.size if read else (usual.width, usual.height)
    width, height = own or own_size
    checkpoints.check_size(width, height, unit)
    return Asked(
        prompts=tuple(prompt_files.with_seeds(prompts, seed)),
        checkpoint=folder,
        usual=replace(usual, width=width, height=height),
        inputs=read,
        names=tuple(PurePath(path).name for path in inputs),
    )


def _inputs(paths: Sequence[str], folder: Path, unit: int) -> "Inputs | None":
    from infer import inputs

    return inputs.read(paths, folder, unit)


def check(steps: int | None, guidance: float | None) -> None:
    """Raise ``UsageError`` for too many steps, and guidance that is no number."""
    if steps is not None and steps > MOST_STEPS:
        raise UsageError(f"steps is {steps}; expected at most {MOST_STEPS}, and 20 to 50 are usual")
    if guidance is not None and not math.isfinite(guidance):
        raise UsageError(f"guidance is {guidance}; expected a number such as 4.0")


def settings(asked: Asked, steps: int | None, guidance: float | None, negative: str) -> "Settings":
    """How to generate: as asked for, else as the checkpoint was judged."""
    from infer.engine.request import Settings

    usual = asked.usual
    return Settings(
        usual.width,
        usual.height,
        usual.steps if steps is None else steps,
        usual.guidance if guidance is None else guidance,
        negative,
    )


def beyond(asked: Asked, how: "Settings") -> list[str]:
    """What is asked for and the checkpoint was never trained on, a sentence each."""
    texts = [prompt.text for prompt in asked.prompts]
    size = (how.width, how.height)
    return checkpoints.beyond(asked.checkpoint, texts, size, edits=bool(asked.inputs))


def enhanced(
    asked: Asked, place: str | None, model: str | None, device: str
) -> tuple[Asked, list[str]]:
    """The same with prompts as a language model writes them anew, that of a folder, or of a server
    that calls it ``model``; and a sentence for each prompt that stays as it is.

    Raises ``UsageError``, ``MissingModelError``.
    """
    if place is None and not model:
        return asked, []
    if place and asked.inputs:
        raise UsageError("--enhance: writes prompts of new images, not those of edits")
    from infer.enhancing import writers

    enhancer = writers.opened(place, model, device)
    assert enhancer
    prompts, sentences = list[Prompt](), list[str]()
    listed = zip(asked.prompts, _written(enhancer, asked.prompts), strict=True)
    for number, (prompt, made) in enumerate(listed, 1):
        if made.reason:
            sentences.append(f"prompt {number} stays as it is: {made.reason}")
            prompts.append(prompt)
        else:
            prompts.append(replace(prompt, text=made.text, given=prompt.text, writer=enhancer.name))
    return replace(asked, prompts=tuple(prompts)), sentences


def _written(enhancer: "Enhancer", prompts: Sequence[Prompt]) -> "list[Enhanced]":
    """What stands for each, with progress."""
    made = list["Enhanced"]()
    with (
        ThreadPoolExecutor(enhancer.at_once) as threads,
        progress.watch("", "prompts enhanced", lambda: (len(prompts), len(made))),
    ):
        made += threads.map(enhancer.enhance, [prompt.text for prompt in prompts])
    return made


def generate(
    asked: Asked, how: "Settings", device: str, at_once: int, carried: "Execution | None" = None
) -> Iterator[tuple["Image", dict[str, Any]]]:
    """The images in order, each with its facts: prompt, seed, settings and checkpoint. Weights are
    read at once, and images made as they are asked for, so many ``at_once``, the network
    ``carried`` out as it is chosen.

    Raises ``UsageError``.
    """
    from infer.engine.engine import Engine
    from infer.engine.request import Request

    engine = Engine.load(asked.checkpoint, device, carried)
    requests = [Request.of(prompt, how, asked.inputs, asked.condition) for prompt in asked.prompts]
    beside = carried.controlnet if carried else None
    facts = (_facts(prompt, how, asked, beside) | changed(carried) for prompt in asked.prompts)
    return zip(engine.generate(requests, at_once), facts, strict=True)


def _facts(
    prompt: Prompt, how: "Settings", asked: Asked, controlnet: Path | None
) -> dict[str, Any]:
    facts = facts_of(prompt, how, asked.checkpoint)
    kind, _, path = asked.control.partition(":")
    more: dict[str, Any] = {"inputs": ", ".join(asked.names)} if asked.names else {}
    if asked.condition:
        more["control"] = f"{kind}:{PurePath(path).name}"
        more |= following_of(asked.condition, controlnet)
    return facts | more


def following_of(condition: "Condition", controlnet: Path | None) -> dict[str, str]:
    """By what a condition is followed, how much, and in which share of the steps, as facts."""
    span = f"{condition.start:g} {condition.end:g}"
    named = {"controlnet": checkpoints.name(controlnet)} if controlnet else {}
    return {**named, "control_scale": f"{condition.scale:g}", "control_span": span}


def facts_of(prompt: Prompt, how: "Settings", folder: Path) -> dict[str, Any]:
    """How an image was made by the checkpoint in a folder, as its file says it."""
    rewritten = {"prompt_given": prompt.given, "enhanced_by": prompt.writer}
    return {
        "prompt": prompt.text,
        "seed": prompt.seed,
        "steps": how.steps,
        "guidance": how.guidance,
        "negative": how.negative,
        "size": f"{how.width}x{how.height}",
        "checkpoint": checkpoints.name(folder),
        **(rewritten if prompt.given else {}),
    }


def following(
    asked: Asked, control: str | None, mask: str | None, scale: float, span: tuple[float, float]
) -> Asked:
    """The same whose images follow ``KIND:FILE``. Raises ``UsageError``, ``OSError``."""
    if control is None:
        if mask:
            raise UsageError("--mask: expected --control inpaint:FILE with it")
        return asked
    from infer.engine import conditions

    size = (asked.usual.width, asked.usual.height)
    condition = conditions.read(control, mask, size, scale, span)
    return replace(asked, condition=condition, control=control)


def execution(
    loras: Sequence[str] = (),
    weights: str | None = None,
    precision: str = "stored",
    offload: bool = False,
    compiles: bool = False,
    controlnet: Path | str | None = None,
    encode_on_cpu: bool = False,
) -> "Execution":
    """How a network is carried out. A LoRA is a file, or ``FILE:FACTOR``.

    Raises ``UsageError`` for a file that is not there, or an unknown precision.
    """
    from infer.engine.execution import Execution
    from infer.engine.precision import PRECISIONS

    chosen = next((name for name in PRECISIONS if name == precision), None)
    if chosen is None:
        raise UsageError(f"--precision {precision}: {expected_one_of(precision, PRECISIONS)}")
    own = _there(weights, "--weights") if weights else None
    adapters = tuple(map(_adapter, loras))
    beside = checkpoints.controlnet(Path(controlnet)) if controlnet else None
    return Execution(own, adapters, beside, chosen, offload, None, compiles, encode_on_cpu)


def resolved(carried: "Execution") -> dict[str, Any]:
    """The arguments of ``execution`` that name a checkpoint, by what ``latest`` named then."""
    return {
        "loras": [f"{path}:{factor!r}" for path, factor in carried.adapters],
        "controlnet": str(carried.controlnet) if carried.controlnet else None,
    }


def _adapter(text: str) -> tuple[Path, float]:
    """``style.safetensors:0.8`` -> the file and 0.8; of an output of training the newest file."""
    name, _, factor = text.rpartition(":")
    if not name or Path(text).exists():
        return _lora(text), 1.0
    try:
        value = float(factor)
    except ValueError:
        value = math.nan
    if math.isfinite(value):
        return _lora(name), value
    if not Path(name).exists():
        return _lora(text), 1.0
    raise UsageError(f"--lora {text}: the factor is {factor!r}; expected a number such as 0.8")


def _lora(path: str) -> Path:
    try:
        return _there(str(adapter_folder.file_of(Path(path))), "--lora")
    except CheckpointError as error:
        raise UsageError(f"--lora: {error}") from error


def _there(path: str, option: str) -> Path:
    if not Path(path).is_file():
        what = "a folder; expected a file" if Path(path).is_dir() else "no such file"
        raise UsageError(f"{option} {path}: {what}")
    return Path(path)


def changed(carried: "Execution | None") -> dict[str, Any]:
    """Facts of what differs from the checkpoint as it is."""
    if carried is None:
        return {}
    named = [f"{path.name}:{factor:g}" for path, factor in carried.adapters]
    facts = {
        "loras": ", ".join(named),
        "weights": carried.weights.name if carried.weights else "",
        "precision": "" if carried.precision == "stored" else carried.precision,
    }
    return {name: value for name, value in facts.items() if value}


def asked_size(text: str) -> tuple[int, int]:
    """``64x32`` -> (64, 32), width first. Raises ``UsageError``."""
    width, height = sizes.parse(text) or (0, 0)
    if not (1 <= width <= _LARGEST_SIDE and 1 <= height <= _LARGEST_SIDE):
        raise UsageError(
            f"size {text!r}: expected WIDTHxHEIGHT in pixels, each from 1 to {_LARGEST_SIDE},"
            " such as 64x32"
        )
    return width, height
