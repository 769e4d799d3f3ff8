"""The network: diffusers' Qwen-Image MMDiT, built small or large, fed with latents.

Shapes: B batch, C latent channels, h w latent cells, p patch side, L = (h/p)(w/p) image tokens,
T text tokens, D text feature width. Suffixes: ``latents_bchw``, ``tokens_bld``, ``features_btd``.
"""

from contextlib import AbstractContextManager, nullcontext
from typing import Any

import torch
from torch import Tensor, nn

from curation.failures.errors import UsageError
from train.configuration import ModelConfiguration


def build(configuration: ModelConfiguration, channels: int, text_width: int) -> Any:
    """A new ``QwenImageTransformer2DModel``, from torch's current random state.

    Blocks start as the identity (modulation and output are zero, as in DiT, arXiv 2212.09748),
    all other matrices Xavier. ``channels`` is C, ``text_width`` D.
    """
    from diffusers import QwenImageTransformer2DModel

    if sum(configuration.rope_axes) != configuration.head_width:
        raise UsageError(
            f"model.rope_axes {configuration.rope_axes} sum up to {sum(configuration.rope_axes)};"
            f" expected model.head_width, {configuration.head_width}"
        )
    if any(axis % 2 for axis in configuration.rope_axes):
        raise UsageError(f"model.rope_axes {configuration.rope_axes}: expected even numbers")
    transformer = QwenImageTransformer2DModel(
        patch_size=configuration.patch,
        in_channels=channels * configuration.patch**2,
        out_channels=channels,
        num_layers=configuration.layers,
        num_attention_heads=configuration.heads,
        attention_head_dim=configuration.head_width,
        joint_attention_dim=text_width,
        axes_dims_rope=configuration.rope_axes,
    )
    for name, weight in transformer.named_parameters():
        silent = any(part in name for part in ("img_mod", "txt_mod", "norm_out", "proj_out"))
        if silent or name.endswith("bias"):
            nn.init.zeros_(weight)
        elif weight.ndim == 2:
            nn.init.xavier_uniform_(weight)
    return transformer


def attention(kernel: str) -> AbstractContextManager[Any]:
    """Within the block every attention runs on this kernel of diffusers ("native": its own)."""
    if kernel == "native":
        return nullcontext()
    from diffusers.models.attention_dispatch import attention_backend

    context: AbstractContextManager[Any] = attention_backend(kernel)
    return context


def autocast(device: str, precision: str) -> AbstractContextManager[Any]:
    """bf16 autocast on a device ("cpu", "cuda:1"), or nothing for fp32."""
    return torch.autocast(torch.device(device).type, torch.bfloat16, enabled=precision == "bf16")


def pack(latents_bchw: Tensor, patch: int) -> Tensor:
    """(B, C, h, w) -> (B, L, C p p), in the channel order of diffusers (channel, row, column)."""
    batch, channels, height, width = latents_bchw.shape
    if height % patch or width % patch:
        raise ValueError(f"latents of {width}x{height} cells are no multiple of the patch {patch}")
    grid = latents_bchw.reshape(batch, channels, height // patch, patch, width // patch, patch)
    return grid.permute(0, 2, 4, 1, 3, 5).reshape(batch, -1, channels * patch * patch)


def unpack(tokens_bld: Tensor, patch: int, height: int, width: int) -> Tensor:
    """(B, L, C p p) -> (B, C, h, w): the inverse of ``pack`` for latents of h x w cells."""
    batch, _, depth = tokens_bld.shape
    channels = depth // (patch * patch)
    rows, columns = height // patch, width // patch
    grid = tokens_bld.reshape(batch, rows, columns, channels, patch, patch)
    return grid.permute(0, 3, 1, 4, 2, 5).reshape(batch, channels, height, width)


def predict(
    transformer: Any, latents_bchw: Tensor, sigma_b: Tensor, features_btd: Tensor, mask_bt: Tensor
) -> Tensor:
    """The velocity (B, C, h, w) in diffusers' convention: noise - data at noise level ``sigma``.

    ``mask_bt`` is True on real text tokens; padding is never attended to.
    """
    patch = transformer.config.patch_size
    batch, _, height, width = latents_bchw.shape
    tokens_bld = transformer(
        hidden_states=pack(latents_bchw, patch),
        timestep=sigma_b,
        encoder_hidden_states=features_btd,
        encoder_hidden_states_mask=None if bool(mask_bt.all()) else mask_bt,
        img_shapes=[[(1, height // patch, width // patch)]] * batch,
        return_dict=False,
    )[0]
    return unpack(tokens_bld, patch, height, width)
