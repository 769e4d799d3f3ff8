"""Which folders hold an adapter, and the file in them. Imports nothing heavy."""

import json
from pathlib import Path

from train import checkpoint_folder

NAME = "pytorch_lora_weights.safetensors"  # as diffusers looks for it
INDEX = "model_index.json"
KIND = "InkstoneAdapter"
CONTROLNET = "InkstoneControlNet"
AUTOENCODER = "InkstoneAutoencoder"


def holds_adapter(folder: Path) -> bool:
    """Whether a checkpoint's folder has an adapter, and no network of its own."""
    return _class_of(folder) == KIND


def holds_controlnet(folder: Path) -> bool:
    """Whether a checkpoint's folder has a ControlNet, and no network of its own."""
    return _class_of(folder) == CONTROLNET


def holds_autoencoder(folder: Path) -> bool:
    """Whether a checkpoint's folder has an autoencoder that was trained, and no network."""
    return _class_of(folder) == AUTOENCODER


def _class_of(folder: Path) -> object:
    try:
        content = json.loads((folder / INDEX).read_text("utf-8"))
    except (OSError, ValueError):
        return None
    return content.get("_class_name") if isinstance(content, dict) else None


def file_of(path: Path) -> Path:
    """The LoRA file that is meant by ``path``: itself, or that in a checkpoint or training output.
    Raises ``CheckpointError``.
    """
    if not path.is_dir():
        return path
    return (checkpoint_folder.find(path) or path) / NAME
