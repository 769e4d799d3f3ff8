"""LoRAs of tiny networks, in files by all names that are in use."""

import json

import torch
from safetensors.torch import save_file

from train.adapters.lora import Pair, matrices

PEFT_CONFIGURATION = "adapter_config.json"
WITH_ALPHA = (
    "diffusers",
    "peft",
    "diffusion_model",
    "down and up",
    "kohya",
    "lycoris",
    "default",
    "lightning",
)
WITHOUT_ALPHA = ("bare", "transformer", "default, bare")
READ_BY_DIFFUSERS = (
    "diffusers",
    "diffusion_model",
    "down and up",
    "kohya",
    "default",
    "transformer",
)
READ_BY_DIFFUSERS += ("default, bare", "lightning")


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
    for layer, pair in made.items():
        prefix, flat = "", False
        down, up = "lora_A.weight", "lora_B.weight"
        alpha = None
        if naming in ("diffusers", "transformer"):
            prefix = "transformer."
        elif naming == "peft":
            prefix = "base_model.model."
        elif naming in ("diffusion_model", "down and up"):
            prefix, alpha = "diffusion_model.", "alpha"
        elif naming == "default":
            down, up, alpha = "lora_A.default.weight", "lora_B.default.weight", "alpha"
        elif naming == "default, bare":
            down, up = "lora_A.default.weight", "lora_B.default.weight"
        elif naming in ("kohya", "lycoris"):
            prefix, flat = {"kohya": "lora_unet_", "lycoris": "lycoris_"}[naming], True
        if naming in ("kohya", "lycoris", "down and up", "lightning"):
            down, up, alpha = "lora_down.weight", "lora_up.weight", "alpha"
        name = prefix + (layer.replace(".", "_") if flat else layer)
        tensors |= {f"{name}.{down}": pair.down, f"{name}.{up}": pair.up}
        if alpha:
            tensors[f"{name}.{alpha}"] = torch.tensor(pair.scale * pair.rank)
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
