"""What a checkpoint of an adapter shows to others: a LoRA file, or a ControlNet's folder, that
diffusers and ours read.
"""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from torch import Tensor

from train.adapters import writing
from train.adapters.adapter_folder import AUTOENCODER, CONTROLNET, INDEX, KIND, NAME
from train.checkpoint import State


def write(folder: Path, state: State, values: Mapping[str, Tensor]) -> None:
    """Write the averaged ``values`` of an adapter, by the names of its weights, into the ``folder``
    of a checkpoint, as ``load_lora_weights`` of diffusers reads it.
    """
    adapter: Any = state.raw["adapter"]
    writing.write(folder / NAME, adapter.pairs(values))
    _index(folder, KIND)


def write_controlnet(folder: Path, state: State, values: Mapping[str, Tensor]) -> None:
    """Write the averaged ``values`` of a ControlNet, by the names of its weights, into
    ``controlnet`` of the ``folder``, in the files of diffusers' ``QwenImageControlNetModel``.
    """
    network: Any = state.raw["controlnet"]
    own = folder / "controlnet"
    own.mkdir()
    network.save(own, values=values)
    _index(folder, CONTROLNET)


def write_autoencoder(folder: Path, state: State, values: Mapping[str, Tensor]) -> None:
    """Write the averaged ``values`` of an autoencoder, by the names of its weights, into its own
    folder in the ``folder`` of a checkpoint, as it was published.
    """
    network: Any = state.raw["autoencoder"]
    network.save(folder, values)
    _index(folder, AUTOENCODER)


def _index(folder: Path, kind: str) -> None:
    import diffusers

    index = {"_class_name": kind, "_diffusers_version": diffusers.__version__}
    (folder / INDEX).write_text(json.dumps(index, indent=2) + "\n", "utf-8")
