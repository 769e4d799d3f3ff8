"""What a checkpoint of an adapter shows to others: a LoRA file that diffusers and ours read."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from torch import Tensor

from train.adapters import writing
from train.adapters.adapter_folder import INDEX, KIND, NAME
from train.checkpoint import State


def write(folder: Path, state: State, values: Mapping[str, Tensor]) -> None:
    """Write the averaged ``values`` of an adapter, by the names of its weights, into the ``folder``
    of a checkpoint, as ``load_lora_weights`` of diffusers reads it.
    """
    import diffusers

    adapter: Any = state.raw["adapter"]
    writing.write(folder / NAME, adapter.pairs(values))
    index = {"_class_name": KIND, "_diffusers_version": diffusers.__version__}
    (folder / INDEX).write_text(json.dumps(index, indent=2) + "\n", "utf-8")
