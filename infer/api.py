"""``import infer``: what ``python -m infer`` and ``python -m infer.evaluation`` do, as functions.

See ``docs/python.md``.
"""

import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from curation import progress
from curation.failures import arguments
from curation.failures.errors import UsageError
from curation.storage import user_paths
from curation.storage.user_paths import Place
from infer import checkpoints, generating
from infer import prompts as prompt_files
from train import threads

if TYPE_CHECKING:
    from PIL.Image import Image

LARGEST_SEED = prompt_files.LARGEST_SEED


def generate(
    prompts: str | Sequence[str],
    checkpoint: Place | None = None,
    *,
    inputs: Sequence[Place] = (),
    seed: int = 0,
    steps: int | None = None,
    guidance: float | None = None,
    size: str | None = None,
    negative: str = "",
    batch_size: int = 1,
    device: str = "auto",
    loras: Sequence[Place] = (),
    weights: Place | None = None,
    controlnet: Place | None = None,
    control: str | None = None,
    mask: Place | None = None,
    control_scale: float = 1.0,
    control_span: tuple[float, float] = (0.0, 1.0),
    enhance: Place | None = None,
    enhance_model: str | None = None,
    precision: str = "stored",
    offload: bool = False,
    encode_on_cpu: bool = False,
    compiles: bool = False,
    show_progress: bool = False,
) -> list["Image"]:
    """Generate an image of each prompt with a checkpoint, a training output or a diffusers folder.

    The options are those of ``python -m infer``, by its names. Every image is RGB, and its ``info``
    has what generates it again: prompt, seed, steps, guidance. What the checkpoint was never
    trained on is a Python warning.

    Raises ``UsageError`` for what cannot be generated, ``MemoryError`` where there is too little
    memory, ``OSError``.
    """
    threads.settle()
    texts = [prompts] if isinstance(prompts, str) else prompts
    if not texts:
        raise UsageError("nothing to generate; expected a prompt or a list of them")
    arguments.integers(1, steps=steps, batch_size=batch_size)
    arguments.integers(0, seed=seed)
    arguments.at_least(0, guidance=guidance)
    if seed > LARGEST_SEED:
        raise UsageError(f"seed is {seed}; expected at most {LARGEST_SEED}")
    generating.check(steps, guidance)
    asked = generating.settle(
        prompt_files.from_arguments(texts),
        seed,
        _path("checkpoint", checkpoint),
        size,
        [user_paths.argument("inputs", place) for place in inputs],
    )
    hole = user_paths.argument("mask", mask) if mask else None
    asked = generating.following(asked, control, hole, control_scale, control_span)
    place = user_paths.argument("enhance", enhance) if enhance else None
    with progress.shown(show_progress):
        asked, stay = generating.enhanced(asked, place, enhance_model, device)
    for sentence in stay:
        warnings.warn(sentence, stacklevel=2)
    how = generating.settings(asked, steps, guidance, negative)
    name, made = checkpoints.name(asked.checkpoint), list["Image"]()
    for sentence in generating.beyond(asked, how):
        warnings.warn(f"expect nonsense of {name}: {sentence}", stacklevel=2)
    if unfinished := checkpoints.unfinished(asked.checkpoint):
        warnings.warn(f"{name}: {unfinished}", stacklevel=2)
    carried = generating.execution(
        [user_paths.argument("loras", place) for place in loras],
        user_paths.argument("weights", weights) if weights else None,
        precision,
        offload,
        compiles,
        _path("controlnet", controlnet),
        encode_on_cpu,
    )
    images = generating.generate(asked, how, device, batch_size, carried)
    with (
        progress.shown(show_progress),
        progress.watch("", "images", lambda: (len(texts), len(made))),
    ):
        for image, facts in images:
            image.info.update(facts)
            made.append(image)
    return made


def evaluate(
    name: str,
    checkpoint: Place | None = None,
    *,
    images: Place | None = None,
    endpoint: str | None = None,
    model: str | None = None,
    data: Place | None = None,
    out: Place | None = None,
    steps: int | None = None,
    guidance: float | None = None,
    negative: str | None = None,
    size: str | None = None,
    batch_size: int | None = None,
    device: str = "auto",
    sample: int | None = None,
    sample_seed: int = 0,
    reader: str = "rapidocr",
    judge: str | None = None,
    judge_model: str | None = None,
    at_once: int = 8,
    trained_on: Sequence[Place] = (),
    show_progress: bool = False,
) -> dict[str, Any]:
    """Score a checkpoint, a folder of images or a server by a benchmark; ``docs/evaluation.md``.

    The options are those of ``python -m infer.evaluation``, by its names. The answer is what
    ``result.json`` holds, and as ``out`` the folder where that, the images and a page are.

    Raises ``UsageError``, ``IncompleteError``, ``OwnershipError``, ``OSError``.
    """
    given = locals()
    threads.settle()
    from infer.harness import asking

    arguments.integers(1, steps=steps, batch_size=batch_size, sample=sample, at_once=at_once)
    arguments.integers(0, sample_seed=sample_seed)
    arguments.at_least(0, guidance=guidance)
    places: dict[str, Any] = {
        key: _path(key, given[key]) for key in ("checkpoint", "images", "out")
    }
    places["data"] = None if data is None else user_paths.argument("data", data)
    places["trained_on"] = [user_paths.argument("trained_on", place) for place in trained_on]
    asked = asking.Asked.of(given | places)
    with progress.shown(show_progress):
        result, folder = asking.carry_out(asked)
    return {**result, "out": str(folder)}


def _path(name: str, place: Place | None) -> Path | None:
    return None if place is None else Path(user_paths.argument(name, place))
