"""Qwen-Image-2.1's parameters by the published names (``QwenImage21Transformer2DModel``)."""

from train.models.qwen_image_21.sizes import QwenImage21Sizes
from train.packing.keys import Keys, Published, Source, plain

_OUTSIDE = {
    "time_text_embed.timestep_embedder.linear_1": "time.first",
    "time_text_embed.timestep_embedder.linear_2": "time.second",
    "txt_in.in_layer": "text_in.first",
    "txt_in.out_layer": "text_in.second",
    "img_in": "image_in",
    "modulation.1": "modulation",
    "norm_out.linear": "modulation_out",
    "proj_out": "out",
}


def keys(sizes: QwenImage21Sizes) -> Keys:
    """Of every parameter of ``PackedQwenImage21``."""
    sources = plain(_OUTSIDE, ("weight",))
    sources["text_in.norm"] = Source((Published("txt_in.text_norm.weight"),))
    for number in range(sizes.num_layers):
        sources |= _of_block(number, sizes.num_attention_heads)
    return sources


def _of_block(number: int, heads: int) -> dict[str, Source]:
    """Gate and values of the MLP are divided among heads, too, as devices share them out."""
    ours, theirs = f"blocks.{number}", f"transformer_blocks.{number}"
    qkv = tuple(
        Published(f"{theirs}.attn.{name}.weight", turned=name != "to_v")
        for name in ("to_q", "to_k", "to_v")
    )
    norms = tuple(
        Published(f"{theirs}.attn.{name}.weight", turned=True) for name in ("norm_q", "norm_k")
    )
    mlp = tuple(Published(f"{theirs}.img_mlp.{name}.weight") for name in ("gate_layer", "proj"))
    stored = {
        f"{theirs}.attn.to_out.0": f"{ours}.attended",
        f"{theirs}.img_mlp.out": f"{ours}.mlp_out",
    }
    return {
        f"{ours}.qkv.weight": Source(qkv, heads),
        f"{ours}.qk_norm": Source(norms),
        f"{ours}.mlp_in.weight": Source(mlp, heads),
        **plain(stored, ("weight",)),
    }
