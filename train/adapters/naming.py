"""The names that tensors of LoRA files have, by who wrote them, as published names of layers.

| file | a tensor |
|---|---|
| diffusers, ours | ``transformer.transformer_blocks.0.attn.to_q.lora_A.weight`` |
| peft | ``base_model.model.transformer_blocks.0.attn.to_q.lora_A.weight`` |
| ComfyUI | ``diffusion_model.transformer_blocks.0.attn.to_q.lora_up.weight``, and ``.alpha`` |
| DiffSynth | ``transformer_blocks.0.attn.to_q.lora_A.default.weight``, or another word |
| kohya | ``lora_unet_transformer_blocks_0_attn_to_q.lora_down.weight``, and ``.alpha`` |
| LyCORIS | ``lycoris_transformer_blocks_0_attn_to_q.lora_down.weight``, and ``.alpha`` |
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Literal

PEFT = "base_model.model."
_PREFIXES = (PEFT, "model.diffusion_model.", "diffusion_model.", "transformer.")
_FLAT_PREFIXES = ("lora_unet_", "lora_transformer_", "lycoris_")
_TENSOR = re.compile(
    r"(?P<layer>.+)\.(?P<part>lora_A|lora_B|lora_down|lora_up)((\.[\w-]+)?\.weight)?|"
    r"(?P<scaled>.+?)(\.default)?\.alpha"
)
_PARTS: Mapping[str | None, Literal["down", "up", "alpha"]] = {
    "lora_A": "down",
    "lora_down": "down",
    "lora_B": "up",
    "lora_up": "up",
    None: "alpha",
}
_FUSED = {  # by ComfyUI, rows of the first before those of the second
    "img_mlp.gate_up": ("img_mlp.gate_layer", "img_mlp.proj"),
}
_OTHERS = {
    "dora_scale": "DoRA, which also scales every row of a matrix",
    "lora_magnitude_vector": "DoRA, which also scales every row of a matrix",
    "lokr_": "LoKr",
    "hada_": "LoHa",
    "oft_": "OFT",
    "lora_mid": "a LoRA of three factors",
    "lora_embedding": "a LoRA of an embedding",
    ".diff": "a difference of whole weights",
    "lora_B.bias": "a LoRA with biases",
    "lora_te": "a LoRA of the text encoder",
    "text_encoder": "a LoRA of the text encoder",
}


@dataclass(frozen=True)
class Name:
    """A tensor's: of the published ``layers`` (several where they are fused, rows behind one
    another) it is this ``part`` of the pair.
    """

    layers: tuple[str, ...]
    part: Literal["down", "up", "alpha"]


def read(key: str, layers: "Layers") -> Name | None:
    """What a tensor's ``key`` says; None where it is of no layer, or no tensor of a LoRA."""
    match = _TENSOR.fullmatch(key)
    named = layers.named(match["layer"] or match["scaled"]) if match else ()
    return Name(named, _PARTS[match["part"]]) if match and named else None


def kind(key: str) -> str | None:
    """What else than a LoRA of matrices a file with such a ``key`` holds, where that is known."""
    return next((name for mark, name in _OTHERS.items() if mark in key), None)


class Layers:
    """The published layers of a network, by all names that they have in files."""

    def __init__(self, published: Iterable[str]) -> None:
        self._known: dict[str, tuple[str, ...]] = {name: (name,) for name in published}
        for mark, parts in _FUSED.items():
            for name in list(self._known):
                if name.endswith(f".{parts[0]}"):
                    before = name.removesuffix(parts[0])
                    self._known[before + mark] = (name, before + parts[1])
        self._flat = {name.replace(".", "_"): layers for name, layers in self._known.items()}

    def named(self, name: str) -> tuple[str, ...]:
        """Those of a ``name`` in a file; none where it is not of this network."""
        for prefix in _FLAT_PREFIXES:
            if name.startswith(prefix):
                return self._flat.get(name.removeprefix(prefix), ())
        for prefix in _PREFIXES:
            name = name.removeprefix(prefix)
        return self._known.get(name, ())
