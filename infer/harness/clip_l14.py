"""CLIP ViT-L/14, by which published figures are defined, from a folder of a user's."""

import json
from pathlib import Path

from curation.failures.errors import UsageError
from curation.networks import encoders

FOLDER = "clip-vit-large-patch14"
WANTED = f"CLIP ViT-L/14 (hf download openai/{FOLDER} --local-dir {FOLDER})"
_WIDTH, _PATCH, _JOINT = 1024, 14, 768


def named(folder: Path) -> encoders.Named | None:
    """The network in a folder of transformers or open_clip, None where there is none.

    Raises ``UsageError`` for another one, ``MissingModelError`` without the packages.
    """
    ours, theirs = folder / "open_clip_config.json", folder / "config.json"
    if not (ours.is_file() or theirs.is_file()):
        return None
    library: encoders.Library = "open_clip" if ours.is_file() else "transformers"
    config = json.loads((ours if ours.is_file() else theirs).read_bytes())
    if ours.is_file():
        config = config["model_cfg"]
    vision = config.get("vision_cfg") or config.get("vision_config") or {}
    width = vision.get("width") or vision.get("hidden_size")
    joint = config.get("embed_dim") or config.get("projection_dim")
    if (width, vision.get("patch_size"), joint) != (_WIDTH, _PATCH, _JOINT):
        raise UsageError(f"{folder}: expected CLIP ViT-L/14, by which the figures are defined")
    network = encoders.Named(library=library, model=str(folder))
    encoders.check(network, texts=True)
    return network
