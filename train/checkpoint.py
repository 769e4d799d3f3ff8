"""Checkpoints: a diffusers folder in safetensors, plus what an exact resume needs.

``OUT/checkpoint-<step>/`` holds ``model_index.json``, ``transformer/`` (EMA weights),
``scheduler/``, ``autoencoder/`` or ``vae/``, ``text_encoder/`` (EMA weights where it is learnt, and
``tokenizer/``), ``pipeline.py`` (with the small parts: it opens the folder in diffusers),
``trained_on.json`` (for who generates with it) and ``training_state/`` (raw weights, optimiser,
progress, configuration); ``OUT/latest`` names the newest whole one. A folder appears by rename,
whole or not at all.
"""

import json
import os
import shutil
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch
from pydantic import ValidationError
from safetensors.torch import load_file, save_file
from torch import Tensor, nn

from curation import storage
from train import checkpoint_folder, families, flow
from train.autoencoders.autoencoder import Autoencoder, load_autoencoder
from train.checkpoint_folder import LATEST, OPTIMISER, RAW, STATE, CheckpointError
from train.configuration import Configuration
from train.flow import Flow
from train.models.family import Family
from train.optimisers import schedule
from train.text_encoders.text_encoder import TextEncoder, load_text_encoder
from train.trained_on import Captions, TrainedOn

_LOADER = Path(__file__).with_name("pipeline.py")


@dataclass(frozen=True)
class Loaded:
    """A checkpoint ready to generate. ``configuration`` is None for a folder that is not ours."""

    family: Family
    transformer: Any
    autoencoder: Autoencoder
    text_encoder: TextEncoder
    configuration: Configuration | None


@dataclass(frozen=True)
class Progress:
    """How far a run is. ``data`` identifies the examples in their order; ``sizes`` are the
    (width, height) in pixels trained at, most examples first; seconds are those of all runs.
    """

    step: int
    data: str
    sizes: tuple[tuple[int, int], ...]
    cpu_seconds: float
    wall_seconds: float


@dataclass(frozen=True)
class State:
    """Everything a run consists of at one step. ``ema`` are the EMA's modules by name, as
    ``raw`` are the trained ones: "transformer" and, where it is learnt, "text_encoder".
    """

    configuration: Configuration
    progress: Progress
    raw: Mapping[str, nn.Module]
    ema: Mapping[str, nn.Module]
    autoencoder: Autoencoder
    text_encoder: TextEncoder
    optimisers: tuple[torch.optim.Optimizer, ...]
    seen: Captions


def save(directory: Path, state: State) -> Path:
    """Write ``checkpoint-<step>`` below ``directory``, point ``latest`` at it, drop old ones.

    Raises ``OSError`` when the disk is full or read-only; then the previous checkpoint stands.
    """
    name = checkpoint_folder.name(state.progress.step)
    partial, final = directory / f".{name}{storage.TEMPORARY_SUFFIX}", directory / name
    shutil.rmtree(partial, ignore_errors=True)
    partial.mkdir(parents=True)
    _write_pipeline(partial, state)
    _write_state(partial / STATE, state)
    _trained_on(state).write(partial)
    _sync(partial)
    if final.exists():  # left by a run that ended between the rename and the pointer
        checkpoint_folder.retire(final)
    partial.rename(final)
    point_to(final)
    _drop_old(directory, final, state.configuration)
    return final


def point_to(folder: Path) -> None:
    """Make a checkpoint the latest of its training output. Raises ``OSError``."""
    storage.write_bytes(str(folder.parent / LATEST), f"{folder.name}\n".encode())


def _write_pipeline(folder: Path, state: State) -> None:
    import diffusers

    ema = state.ema
    encoder: Any = ema.get("text_encoder", state.text_encoder)
    transformer: Any = ema["transformer"]
    _scheduler(flow.build(state.configuration.flow)).save_pretrained(folder / "scheduler")
    parts = {
        **state.configuration.model.save(transformer, folder),
        "scheduler": ("diffusers", "FlowMatchEulerDiscreteScheduler"),
        **state.autoencoder.save(folder),
        **encoder.save(folder),
    }
    index = {
        **_pipeline_class(folder, parts, state),
        "_diffusers_version": diffusers.__version__,
        **{name: list(parts[name]) for name in sorted(parts)},
    }
    (folder / "model_index.json").write_text(json.dumps(index, indent=2) + "\n", "utf-8")


def _pipeline_class(
    folder: Path, parts: Mapping[str, tuple[str, str]], state: State
) -> dict[str, Any]:
    """What opens the folder in diffusers: its own class for the real parts, ours for the small.

    Nothing opens a mixture, or a network that is not diffusers' own, but ``python -m infer``.
    """
    if parts["transformer"][0] != "diffusers":
        return {"_class_name": "InkstonePipeline"}
    if parts["transformer"][1] == "QwenImage21Transformer2DModel":
        real = {"vae", "processor"} <= set(parts)
        return {"_class_name": "QwenImage21Pipeline" if real else "InkstonePipeline"}
    if {"vae", "tokenizer"} <= set(parts):
        return {"_class_name": "QwenImagePipeline"}
    if {"vae", "tokenizer"} & set(parts):
        return {"_class_name": "InkstonePipeline"}
    shutil.copyfile(_LOADER, folder / _LOADER.name)
    (width, height), judged = state.progress.sizes[0], state.configuration.evaluation
    return {
        "_class_name": [_LOADER.stem, "InkstonePipeline"],
        "width": width,
        "height": height,
        "steps": judged.steps,
        "guidance": judged.guidance,
    }


def _trained_on(state: State) -> TrainedOn:
    progress = state.progress
    return state.seen.summary(
        data=progress.data,
        steps=progress.step,
        sizes=progress.sizes,
        columns=tuple(state.configuration.data.splits),
    )


def _scheduler(settings: Flow) -> Any:
    from diffusers import FlowMatchEulerDiscreteScheduler

    return FlowMatchEulerDiscreteScheduler(
        use_dynamic_shifting=True,
        base_shift=settings.base_shift,
        max_shift=settings.max_shift,
        base_image_seq_len=settings.base_tokens,
        max_image_seq_len=settings.max_tokens,
        shift_terminal=settings.terminal or None,
    )


def _write_state(folder: Path, state: State) -> None:
    folder.mkdir()
    raw = {
        f"{part}.{name}": value.detach().cpu().contiguous()
        for part, module in state.raw.items()
        for name, value in module.state_dict().items()
    }
    save_file(raw, str(folder / RAW))
    slots = {
        f"{number}.{index}.{slot}": torch.as_tensor(value).detach().cpu().contiguous()
        for number, optimiser in enumerate(state.optimisers)
        for index, entry in optimiser.state_dict()["state"].items()
        for slot, value in entry.items()
    }
    save_file(slots, str(folder / OPTIMISER))
    configuration = state.configuration.model_dump_json(indent=1)
    (folder / "configuration.json").write_text(configuration + "\n", "utf-8")
    (folder / "progress.json").write_text(json.dumps(asdict(state.progress)) + "\n", "utf-8")


def _sync(folder: Path) -> None:
    """Force a tree to disk, files before the directories that name them."""
    for root, _, names in os.walk(folder, topdown=False):
        for path in (*(os.path.join(root, name) for name in names), root):
            handle = os.open(path, os.O_RDONLY)
            try:
                os.fsync(handle)
            finally:
                os.close(handle)


def _drop_old(directory: Path, newest: Path, configuration: Configuration) -> None:
    """Keep the newest, some before it and the one a longer run goes on from.

    A checkpoint of a later step is one of a shorter run that was gone back from.
    """
    there = checkpoint_folder.by_age(directory)
    later, earlier = there[: there.index(newest)], there[there.index(newest) + 1 :]
    fork = schedule.full_until(configuration.steps, configuration.optimiser)
    droppable = [path for path in earlier if path.name != checkpoint_folder.name(fork)]
    for path in (*later, *droppable[configuration.checkpoint.keep - 1 :]):
        checkpoint_folder.retire(path)


def read_progress(folder: Path) -> Progress:
    """How far the run that wrote this checkpoint was. Raises ``CheckpointError``."""
    path = folder / STATE / "progress.json"
    try:
        content = json.loads(path.read_text("utf-8"))
        content["sizes"] = tuple(tuple(size) for size in content["sizes"])
        return Progress(**content)
    except (ValueError, LookupError, TypeError) as error:
        raise CheckpointError(f"{path}: not what this version writes ({error})") from error


def read_configuration(folder: Path) -> Configuration | None:
    """The configuration a checkpoint was trained with; None for a folder that is not ours.

    Raises ``CheckpointError``.
    """
    path = folder / STATE / "configuration.json"
    if not path.is_file():
        return None
    try:
        return Configuration.model_validate_json(path.read_bytes())
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        where = ".".join(str(step) for step in first["loc"])
        raise CheckpointError(
            f"{path}: not what this version writes ({where}: {first['msg']})"
        ) from error


def restore(folder: Path, state: State) -> None:
    """Put a checkpoint's weights, averages and optimiser state into the objects of ``state``."""
    raw = load_file(str(folder / STATE / RAW))
    for part, module in state.raw.items():
        module.load_state_dict(_below(raw, f"{part}."))
    saved = load_for_inference(folder)
    for part, module in state.ema.items():
        module.load_state_dict(getattr(saved, part).state_dict())
    slots = load_file(str(folder / STATE / OPTIMISER))
    for number, owner in enumerate(state.optimisers):
        entries: dict[int, dict[str, Tensor]] = {}
        for key, value in _below(slots, f"{number}.").items():
            index, slot = key.split(".", 1)
            entries.setdefault(int(index), {})[slot] = value
        owner.load_state_dict({**owner.state_dict(), "state": entries})


def _below(tensors: Mapping[str, Tensor], prefix: str) -> dict[str, Tensor]:
    return {
        key.removeprefix(prefix): value for key, value in tensors.items() if key.startswith(prefix)
    }


def load_for_inference(directory: str | Path, ema: bool = True) -> Loaded:
    """Load ``OUT`` (its latest checkpoint), one checkpoint, or any diffusers Qwen-Image folder.

    Everything is in evaluation mode on the CPU. ``ema`` False takes the raw weights out of
    ``training_state``. Raises ``FileNotFoundError`` where something is missing.
    """
    folder = checkpoint_folder.find(Path(directory)) or Path(directory)
    family = families.of_folder(folder)
    text_encoder = load_text_encoder(str(folder))
    autoencoder = load_autoencoder(str(folder))
    transformer = family.load(folder / "transformer", autoencoder.channels, text_encoder.width)
    if not ema:
        raw = load_file(str(folder / STATE / RAW))
        transformer.load_state_dict(_below(raw, "transformer."))
        learnt = _below(raw, "text_encoder.")
        if learnt and isinstance(text_encoder, nn.Module):
            text_encoder.load_state_dict(learnt)
    transformer.eval()
    if isinstance(text_encoder, nn.Module):
        text_encoder.eval()
    return Loaded(family, transformer, autoencoder, text_encoder, read_configuration(folder))
