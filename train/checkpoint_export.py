"""What a checkpoint shows to others: a folder that diffusers or ``python -m infer`` opens."""

import json
import shutil
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from train import flow
from train.adapters import storing
from train.checkpoint import State
from train.flow import Flow
from train.text_encoders import text_encoder
from train.trained_on import TrainedOn

_LOADER = Path(__file__).with_name("pipeline.py")


def write(folder: Path, state: State, averages: Mapping[str, Mapping[str, Tensor]]) -> None:
    """Write everything of a pipeline into the ``folder``, with the averaged weights by part and
    name, on the CPU, which are asked for one after another.
    """
    import diffusers

    if state.configuration.adapter:
        storing.write(folder, state, averages["adapter"])
        return
    if state.configuration.reconstructs:
        storing.write_autoencoder(folder, state, averages["autoencoder"])
        return
    if state.configuration.control:
        storing.write_controlnet(folder, state, averages["controlnet"])
        return
    with torch.device("meta"):
        network = state.configuration.model.build(
            state.autoencoder.channels, state.text_encoder.width
        )
    encoder: Any = state.text_encoder
    if "text_encoder" in averages:
        encoder = _encoder(state, averages["text_encoder"])
    _scheduler(flow.build(state.configuration.flow)).save_pretrained(folder / "scheduler")
    parts = {
        **state.configuration.model.save(network, folder, averages["transformer"]),
        "scheduler": ("diffusers", "FlowMatchEulerDiscreteScheduler"),
        **state.autoencoder.save(folder),
        **encoder.save(folder),
    }
    pipeline = _pipeline_class(folder, parts, state)
    if pipeline["_class_name"] == "QwenImagePipeline":
        parts.pop("processor", None)  # which it does not know
    index = {
        **pipeline,
        "_diffusers_version": diffusers.__version__,
        **{name: list(parts[name]) for name in sorted(parts)},
    }
    (folder / "model_index.json").write_text(json.dumps(index, indent=2) + "\n", "utf-8")


def _encoder(state: State, weights: Mapping[str, Tensor]) -> Any:
    with torch.device("meta"):
        encoder: Any = text_encoder.build(state.configuration.text_encoder)
    encoder.load_state_dict(dict(weights), assign=True)
    return encoder


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
        encoder: Any = state.text_encoder
        edits = "processor" in parts and "ti2i" in state.configuration.tasks
        return {"_class_name": encoder.edits.pipeline if edits else "QwenImagePipeline"}
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


def trained_on(state: State) -> TrainedOn:
    """What captions a run was trained on, for who generates with its checkpoint."""
    progress = state.progress
    return state.seen.summary(
        data=progress.data,
        steps=progress.step,
        sizes=progress.sizes,
        columns=tuple(state.configuration.data.splits),
        tasks=state.configuration.tasks,
        later=tuple(dict.fromkeys(_named_later(progress.plan))),
    )


def _named_later(versions: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    """The shards that further versions of the plan name."""
    for version in versions:
        for phase in version["phases"]:
            yield from (source["data"] for source in phase["sources"] if source["data"])


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
