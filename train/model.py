"""The network: diffusers' Qwen-Image MMDiT, built small or large, fed with latents.

Shapes: B batch, C latent channels, h w latent cells, p patch side, L = (h/p)(w/p) image tokens,
T text tokens, D text feature width. Suffixes: ``latents_bchw``, ``tokens_bld``, ``features_btd``.
"""

from typing import Any

from torch import Tensor


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
