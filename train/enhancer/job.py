"""A training of an enhancer from its arguments to its result: begin, go on, or find it done."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from curation import storage
from curation.failures.errors import UsageError
from curation.storage import ownership
from train import checkpoint_folder, rewarding, settling
from train.enhancer import checkpoints, language_model
from train.enhancer.configuration import Policy, Shared, Supervised
from train.enhancer.language_model import LanguageModel
from train.enhancer.loop import Loop
from train.enhancer.triplet import Triplet, read
from train.enhancer.updating import Task
from train.stopping import stopping

KIND = "training of an enhancer"
RESULT = "result.json"


def run(
    configuration: Shared, data: str, directory: Path, tell: Callable[[str], None]
) -> dict[str, Any]:
    """Train on triplets into a directory; returns the result. One that holds a checkpoint of the
    same run is continued, bit for bit on a CPU with the same number of threads.

    Raises ``UsageError``, ``OwnershipError``, ``CheckpointError``, ``OSError`` and, after saving,
    ``Interruption``.
    """
    configuration = settled(configuration)
    start = Path(configuration.model)
    needed = ("short",) if isinstance(configuration, Policy) else ("short", "reasoning", "fine")
    triplets, digest = read(data, needed)
    share = configuration.held_out
    if all(each.is_held_out(share) for each in triplets):
        raise UsageError(f"held_out: {share} of {len(triplets)} triplets leaves none to train on")
    if not any(each.is_held_out(share) for each in triplets):
        tell(f"held_out: {share} of {len(triplets)} triplets is none: nothing will be judged")
    with ownership.held(str(directory), KIND):
        checkpoint_folder.remove_leavings(directory)
        latest = checkpoints.newest(directory)
        step = _resumed(latest, configuration, digest) if latest else 0
        result = directory / RESULT
        if latest and step == configuration.steps and result.is_file():
            tell(f"{directory} is finished at step {step}: nothing to do")
            done: dict[str, Any] = json.loads(result.read_text("utf-8"))
            return done
        if latest:
            tell(f"going on from {latest}")
        model = _model(configuration, latest, start)
        tell(_sizes(model))
        task = _task(model, triplets, configuration, start, tell)
        loop = Loop(model, task, configuration, (directory, digest), tell)
        with stopping() as stopped:
            figures = loop.run(latest, step, stopped)
        made = directory / checkpoint_folder.name(configuration.steps)
        values = {"checkpoint": str(made), "steps": configuration.steps, **figures}
        storage.write_bytes(str(result), (json.dumps(values, indent=1) + "\n").encode())
        return values


def settled(configuration: Shared) -> Any:
    """With the device and precision of this machine, and the very checkpoints that are named, where
    an output of a training is: it may be trained on meanwhile. Raises ``UsageError``.
    """
    places = {"model": str(language_model.check(configuration.model))}
    if isinstance(configuration, Policy) and configuration.rewards:
        from train.enhancer import generator

        places["generator"] = str(generator.place(configuration.generator).resolve())
    device = settling.usable_device(configuration.device)
    precision = configuration.precision
    if precision == "auto":
        precision = "bf16" if device.startswith("cuda") else "fp32"
    return configuration.model_copy(update={**places, "device": device, "precision": precision})


def _resumed(folder: Path, configuration: Shared, digest: str) -> int:
    """The step of a checkpoint of the same run. Raises ``UsageError`` for one of another."""
    step, trained_on, before = checkpoints.begun(folder)
    if trained_on != digest:
        raise UsageError(f"{folder}: was trained on other triplets: choose another --out")
    now = json.loads(configuration.model_dump_json())
    differing = sorted(key for key in {*now, *before} if now.get(key) != before.get(key))
    if differing:
        key = differing[0]
        raise UsageError(
            f"{folder}: was trained with {key}: {before.get(key)}, not {now.get(key)}: choose"
            " another --out"
        )
    return step


def _model(settings: Shared, latest: Path | None, start: Path) -> LanguageModel:
    """That of the latest checkpoint, which has the LoRA that is asked for, or of the start."""
    lora = None if latest else settings.lora
    return language_model.load(latest or start, settings.device, settings.precision, lora)


def _sizes(model: LanguageModel) -> str:
    trained = sum(weight.numel() for weight in model.trained)
    of = "" if trained == model.parameters else f" of {model.parameters / 1e6:.1f} M"
    return f"{trained / 1e6:.2f} M parameters{of} are trained"


def _task(
    model: LanguageModel,
    triplets: list[Triplet],
    configuration: Any,
    start: Path,
    tell: Callable[[str], None],
) -> Task:
    for rule in configuration.evaluation.rules:
        rule.check()
    if isinstance(configuration, Supervised):
        from train.enhancer.supervised import SupervisedTask

        return SupervisedTask(model, triplets, configuration, tell)
    from train.enhancer.generator import FrozenGenerator
    from train.enhancer.policy import PolicyTask

    if not configuration.rules and not configuration.rewards:
        raise UsageError("rules, rewards: expected what answers are worth, such as [quoted]")
    for rule in configuration.rules:
        rule.check()
    generator = None
    settings = (configuration.device, configuration.precision)
    if configuration.rewards:
        rewarding.check("rewards", configuration.rewards)
        generator = FrozenGenerator.load(configuration.generator, configuration.frame, *settings)
    before = language_model.load(start, *settings, train=False) if configuration.kl else None
    return PolicyTask(model, before, generator, triplets, configuration, tell)
