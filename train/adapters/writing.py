"""LoRA files, written for diffusers or for ComfyUI, with what is needed to know alpha."""

import json
from pathlib import Path
from typing import Literal

import torch
from torch import Tensor

from curation import storage
from train.adapters.lora import Pairs
from train.adapters.reading import METADATA, PREFIX


def write(path: Path, pairs: Pairs, names: Literal["diffusers", "comfyui"] = "diffusers") -> None:
    """Write ``pairs`` in the numbers that they are in.

    By the ``names`` of diffusers, as its ``save_lora_weights`` does: alpha is in the metadata, and
    what is read there has the same bits. ComfyUI reads no metadata: an alpha stands beside every
    pair, in a file that diffusers reads too, but multiplies.
    """
    from safetensors.torch import save

    prefix = PREFIX if names == "diffusers" else "diffusion_model."
    tensors: dict[str, Tensor] = {}
    for layer, pair in pairs.items():
        tensors[f"{prefix}{layer}.lora_A.weight"] = pair.down.detach().cpu().contiguous()
        tensors[f"{prefix}{layer}.lora_B.weight"] = pair.up.detach().cpu().contiguous()
        if names == "comfyui":
            tensors[f"{prefix}{layer}.alpha"] = torch.tensor(pair.scale * pair.rank)
    metadata = {"format": "pt"}
    if names == "diffusers":
        metadata[METADATA] = json.dumps(_configuration(pairs), indent=2, sort_keys=True)
    storage.write_bytes(str(path), _in_order(save(tensors, metadata)))


def _in_order(file: bytes) -> bytes:
    """The same file with the metadata in the order of their names, which safetensors leaves to
    chance: a run that was resumed then has the bytes of one that was not.
    """
    start = 8 + int.from_bytes(file[:8], "little")
    header = json.loads(file[8:start])
    header = {"__metadata__": dict(sorted(header.pop("__metadata__").items())), **header}
    text = json.dumps(header, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)  # tensors begin at a multiple of 8 bytes
    return len(text).to_bytes(8, "little") + text + file[start:]


def _configuration(pairs: Pairs) -> dict[str, object]:
    """As peft's, of which diffusers makes a ``LoraConfig``; what all have is said once."""
    first = next(iter(pairs.values()))
    rank, alpha = first.rank, first.scale * first.rank
    own = {layer: (pair.rank, pair.scale * pair.rank) for layer, pair in pairs.items()}
    content: dict[str, object] = {
        "r": rank,
        "lora_alpha": alpha,
        "target_modules": sorted(pairs),
        "rank_pattern": {f"^{layer}": r for layer, (r, _) in own.items() if r != rank},
        "alpha_pattern": {f"^{layer}": a for layer, (_, a) in own.items() if a != alpha},
    }
    return {f"{PREFIX}{key}": value for key, value in content.items()}
