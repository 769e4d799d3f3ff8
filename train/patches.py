"""Latents as image tokens and back.

Shapes: B batch, C latent channels, h w latent cells, p patch side, L = (h/p)(w/p) image tokens.
"""

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
