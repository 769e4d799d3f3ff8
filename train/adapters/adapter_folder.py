"""Which folders hold an adapter, and the file in them. Imports nothing heavy."""

import json
from pathlib import Path

from train import checkpoint_folder

NAME = "pytorch_lora_weights.safetensors"  # as diffusers looks for it
INDEX = "model_index.json"
KIND = "InkstoneAdapter"


def holds_adapter(folder: Path) -> bool:
    """Whether a checkpoint's folder has an adapter, and no network of its own."""
    try:
        content = json.loads((folder / INDEX).read_text("utf-8"))
    except (OSError, ValueError):
        return False
    return isinstance(content, dict) and content.get("_class_name") == KIND


def file_of(path: Path) -> Path:
    """The LoRA file that is meant by ``path``: itself, or that in a checkpoint or training output.
    Raises ``CheckpointError``.
    """
    if not path.is_dir():
        return path
    return (checkpoint_folder.find(path) or path) / NAME
