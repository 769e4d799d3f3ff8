"""Checkpoints of an enhancer: folders that transformers, peft and ``infer --enhance`` load.

``OUT/checkpoint-<step>/`` holds the model, or a LoRA as peft has it, with its tokenizer, and
``training_state/``: what an exact resume needs. ``OUT/latest`` names the newest.
"""

import json
import shutil
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch.optim import Optimizer

from curation import storage
from train import checkpoint_folder, checkpoint_writing, stored_json
from train.checkpoint_folder import LATEST, STATE, CheckpointError
from train.enhancer import language_model
from train.enhancer.configuration import Shared
from train.enhancer.language_model import LanguageModel

_PROGRESS, _CONFIGURATION = "progress.json", "configuration.json"
_MOMENTS = "optimiser.safetensors"


def newest(directory: Path) -> Path | None:
    """The checkpoint to go on from; None where nothing was saved yet.

    Raises ``UsageError`` where ``latest`` names none, and ``CheckpointError`` for one without what
    it was trained with.
    """
    folder = language_model.newest(directory)
    if folder == directory:
        return None
    if not (folder / STATE / _PROGRESS).is_file():
        raise CheckpointError(f"{folder}: has no {STATE}/{_PROGRESS}; train into another --out")
    return folder


def begun(folder: Path) -> tuple[int, str, dict[str, Any]]:
    """The step of a checkpoint, the digest of what it was trained on, and its configuration."""
    progress = stored_json.read(folder / STATE / _PROGRESS)
    return (
        int(progress["step"]),
        str(progress["digest"]),
        stored_json.read(folder / STATE / _CONFIGURATION),
    )


def save(
    directory: Path,
    step: int,
    model: LanguageModel,
    optimiser: Optimizer,
    configuration: Shared,
    digest: str,
) -> Path:
    """Write the checkpoint after a step, make it the latest, and drop old ones. Raises
    ``OSError``.
    """
    final = directory / checkpoint_folder.name(step)
    partial = directory / f".{final.name}{storage.TEMPORARY_SUFFIX}"
    shutil.rmtree(partial, ignore_errors=True)
    (partial / STATE).mkdir(parents=True)
    model.write(partial)
    moments = {
        f"{number}.{name}": value.contiguous()
        for number, state in optimiser.state_dict()["state"].items()
        for name, value in state.items()
    }
    save_file(moments, partial / STATE / _MOMENTS)
    text = configuration.model_dump_json(indent=1)
    (partial / STATE / _CONFIGURATION).write_text(f"{text}\n", "utf-8")
    progress = json.dumps({"step": step, "digest": digest})
    (partial / STATE / _PROGRESS).write_text(f"{progress}\n", "utf-8")
    checkpoint_writing.sync(partial)
    if final.exists():  # left by a run that ended between the rename and the pointer
        checkpoint_folder.retire(final)
    partial.rename(final)
    checkpoint_writing.point_to(final)
    for old in checkpoint_folder.by_age(directory)[configuration.checkpoint.keep :]:
        checkpoint_folder.retire(old)
    return final


def restore(folder: Path, optimiser: Optimizer) -> None:
    """Give an optimiser the state of a checkpoint. Raises ``CheckpointError``."""
    path = folder / STATE / _MOMENTS
    try:
        stored = load_file(path)
    except (OSError, SafetensorError) as error:
        raise CheckpointError(
            f"{path}: damaged ({error}); train into another --out, or name an older checkpoint in"
            f" {folder.parent / LATEST}"
        ) from error
    state: dict[int, dict[str, torch.Tensor]] = {}
    for key, value in stored.items():
        number, _, name = key.partition(".")
        state.setdefault(int(number), {})[name] = value
    optimiser.load_state_dict({**optimiser.state_dict(), "state": state})
