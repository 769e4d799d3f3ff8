"""LoRAs of tiny networks, in files by all names that are in use."""

import json

import torch
from safetensors.torch import save_file

from train.adapters.lora import Pair, matrices

PEFT_CONFIGURATION = "adapter_config.json"
AB = ("lora_A.weight", "lora_B.weight")
DOWN_UP = ("lora_down.weight", "lora_up.weight")
DEFAULT = ("lora_A.default.weight", "lora_B.default.weight")
NAMINGS = {  # what stands before a layer, and behind it
    "diffusers": ("transformer.", *AB),
    "peft": ("base_model.model.", *AB),
    "diffusion_model": ("diffusion_model.", *AB, "alpha"),
    "down and up": ("diffusion_model.", *DOWN_UP, "alpha"),
    "kohya": ("lora_unet_", *DOWN_UP, "alpha"),
    "lycoris": ("lycoris_", *DOWN_UP, "alpha"),
    "default": ("", *DEFAULT, "alpha"),
    "lightning": ("", *DOWN_UP, "alpha"),
    "bare": ("", *AB),
    "transformer": ("transformer.", *AB),
    "default, bare": ("", *DEFAULT),
    "a slot": ("", "lora_A.sign-2.weight", "lora_B.sign-2.weight"),
    "no weight": ("", "lora_down", "lora_up"),
}
WITHOUT_ALPHA = ("bare", "transformer", "default, bare", "a slot", "no weight")
NOT_READ_BY_DIFFUSERS = ("peft", "lycoris", "bare", "a slot", "no weight")


def pairs(network, seed=0, dtype=torch.float32, only=None):
    """Of all matrices of a packed network, or of some, of two ranks with an alpha each."""
    generator = torch.Generator().manual_seed(seed)
    made = {}
    for number, (layer, (rows, columns)) in enumerate(sorted(matrices(network).items())):
        if (only and only not in layer) or "embedding" in layer or "timestep_embedder" in layer:
            continue
        rank = 2 if number % 5 else 3
        down = torch.randn(rank, columns, generator=generator).to(dtype)
        up = torch.randn(rows, rank, generator=generator).to(dtype)
        made[layer] = Pair(down, up, (0.5 if number % 3 else 0.25) / rank)
    return made


def folded(made):
    """The same with a scale of 1."""
    return {layer: Pair(pair.down, pair.up * pair.scale) for layer, pair in made.items()}


def save(path, made, naming):
    """Write pairs as they are named elsewhere; returns the path."""
    tensors, metadata = {}, {}
    prefix, down, up, *alpha = NAMINGS[naming]
    for layer, pair in made.items():
        name = prefix + (layer.replace(".", "_") if prefix.endswith("_") else layer)
        tensors |= {f"{name}.{down}": pair.down, f"{name}.{up}": pair.up}
        tensors |= {f"{name}.{each}": torch.tensor(pair.scale * pair.rank) for each in alpha}
    if naming in ("diffusers", "peft"):
        first = next(iter(made.values()))
        alphas = {layer: pair.scale * pair.rank for layer, pair in made.items()}
        content = {
            "r": first.rank,
            "lora_alpha": first.scale * first.rank,
            "target_modules": sorted(made),
            "rank_pattern": {k: p.rank for k, p in made.items() if p.rank != first.rank},
            "alpha_pattern": {k: a for k, a in alphas.items() if a != first.scale * first.rank},
        }
        if naming == "peft":
            path.with_name(PEFT_CONFIGURATION).write_text(json.dumps(content), "utf-8")
        else:
            with_prefix = {f"transformer.{key}": value for key, value in content.items()}
            metadata["lora_adapter_metadata"] = json.dumps(with_prefix)
    save_file(tensors, path, metadata={"format": "pt", **metadata})
    return path


def into_diffusers(network, path, name="first"):
    """Let diffusers read a file into one of its networks, as ``load_lora_weights`` does."""
    from diffusers.loaders import QwenImageLoraLoaderMixin

    state, metadata = QwenImageLoraLoaderMixin.lora_state_dict(str(path), return_lora_metadata=True)
    QwenImageLoraLoaderMixin.load_lora_into_transformer(
        state, network, adapter_name=name, metadata=metadata
    )
    return network
