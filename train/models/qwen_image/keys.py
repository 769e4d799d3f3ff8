"""Qwen-Image's parameters by the published names (``QwenImageTransformer2DModel``)."""

from train.models.qwen_image.config import Config
from train.packing.keys import Keys, Published, Source, plain

_BOTH = ("weight", "bias")
_BEFORE = {
    "img_in": "image_in",
    "txt_in": "text_in",
    "time_text_embed.timestep_embedder.linear_1": "conditioning.time.first",
    "time_text_embed.timestep_embedder.linear_2": "conditioning.time.second",
}
_BEHIND = {"norm_out.linear": "modulation_out", "proj_out": "out"}
_PROJECTIONS = {"image": ("to_q", "to_k", "to_v"), "text": tuple(f"add_{c}_proj" for c in "qkv")}
_NORMS = {"image": ("norm_q", "norm_k"), "text": ("norm_added_q", "norm_added_k")}


def keys(config: Config) -> Keys:
    """Of every parameter of ``PackedQwenImage``."""
    return _with_trunk(config, _BEHIND)


def of_control(config: Config) -> Keys:
    """Of every parameter of ``PackedQwenImageControlNet``, whose blocks ``config`` counts."""
    outputs = {
        f"controlnet_blocks.{number}": f"controls.{number}" for number in range(config.num_layers)
    }
    return _with_trunk(config, {"controlnet_x_embedder": "condition_in", **outputs})


def _with_trunk(config: Config, own: dict[str, str]) -> Keys:
    """Of layers of their ``own`` (names of ours by the published ones), and of what both have: all
    that is before the blocks, and the blocks.
    """
    sources = plain({"txt_norm": "text_norm"}, ("weight",)) | plain({**_BEFORE, **own}, _BOTH)
    if config.use_additional_t_cond:
        added = "time_text_embed.addition_t_embedding"
        sources |= plain({added: "conditioning.additional"}, ("weight",))
    for number in range(config.num_layers):
        sources |= _of_block(number, config)
    return sources


def _of_block(number: int, config: Config) -> dict[str, Source]:
    ours, theirs = f"blocks.{number}", f"transformer_blocks.{number}"
    sources = _matrices(
        f"{ours}.modulation",
        Source((Published(f"{theirs}.img_mod.1"), Published(f"{theirs}.txt_mod.1"))),
    )
    for kind, short, out in (("image", "img", "to_out.0"), ("text", "txt", "to_add_out")):
        last = kind == "text" and number == config.num_layers - 1
        stored = {
            f"{theirs}.attn.{out}": f"{ours}.{kind}.out",
            f"{theirs}.{short}_mlp.net.0.proj": f"{ours}.{kind}.mlp_in",
            f"{theirs}.{short}_mlp.net.2": f"{ours}.{kind}.mlp_out",
        }
        heads = config.num_attention_heads
        query, key, value = (f"{theirs}.attn.{name}" for name in _PROJECTIONS[kind])
        projections = (Published(query, turned=True), Published(key, turned=True), Published(value))
        norms = tuple(
            Published(f"{theirs}.attn.{name}.weight", turned=True) for name in _NORMS[kind]
        )
        sources |= plain(stored, _BOTH)
        if last:
            sources |= _matrices(f"{ours}.{kind}.query", Source(projections[:1], heads))
            sources |= _matrices(f"{ours}.{kind}.key_value", Source(projections[1:], heads))
            sources[f"{ours}.{kind}.query_norm"] = Source(norms[:1])
            sources[f"{ours}.{kind}.key_norm"] = Source(norms[1:])
        else:
            sources |= _matrices(f"{ours}.{kind}.qkv", Source(projections, heads))
            sources[f"{ours}.{kind}.qk_norm"] = Source(norms)
    return sources


def _matrices(name: str, source: Source) -> dict[str, Source]:
    """Weight and bias of a fused linear layer."""
    return {
        f"{name}.{suffix}": Source(
            tuple(Published(f"{part.key}.{suffix}", part.turned) for part in source.parts),
            source.heads,
        )
        for suffix in _BOTH
    }
