"""Latents as image tokens and back.

Shapes: c latent channels, h w latent cells, p patch side, L = (h/p)(w/p) image tokens.
"""

from torch import Tensor


def pack(latents_chw: Tensor, patch: int) -> Tensor:
    """(c, h, w) -> (L, c p p), in the order of diffusers: rows of tokens, and of each its values by
    (channel, row, column). Raises ``ValueError`` for latents of no whole number of tokens.
    """
    channels, height, width = latents_chw.shape
    if height % patch or width % patch:
        raise ValueError(f"latents of {width}x{height} cells are no multiple of the patch {patch}")
    grid = latents_chw.reshape(channels, height // patch, patch, width // patch, patch)
    return grid.permute(1, 3, 0, 2, 4).reshape(-1, channels * patch * patch)


def unpack(tokens_ld: Tensor, patch: int, height: int, width: int) -> Tensor:
    """(L, c p p) -> (c, h, w): the inverse of ``pack`` for latents of h x w cells."""
    channels = tokens_ld.shape[-1] // (patch * patch)
    grid = tokens_ld.reshape(height // patch, width // patch, channels, patch, patch)
    return grid.permute(2, 0, 3, 1, 4).reshape(channels, height, width)
