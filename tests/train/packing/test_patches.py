"""Latents and tokens: packing is that of diffusers, and is undone."""

import pytest
import torch
from diffusers import QwenImagePipeline
from hypothesis import given
from hypothesis import strategies as st

from train.packing import patches


def normal(*shape, seed=0):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


def test_packing_is_that_of_diffusers():
    latents = normal(16, 4, 6)
    theirs = QwenImagePipeline._pack_latents(latents[None], 1, 16, 4, 6)[0]
    assert torch.equal(patches.pack(latents, 2), theirs)
    assert torch.equal(patches.unpack(theirs, 2, 4, 6), latents)
    with pytest.raises(ValueError, match="no multiple of the patch 2"):
        patches.pack(normal(16, 3, 4), 2)


@given(st.integers(1, 3), st.integers(1, 3), st.integers(1, 4), st.integers(1, 4))
def test_unpack_undoes_pack(patch, channels, rows, columns):
    latents = normal(channels, rows * patch, columns * patch)
    tokens = patches.pack(latents, patch)
    assert tokens.shape == (rows * columns, channels * patch * patch)
    assert torch.equal(patches.unpack(tokens, patch, rows * patch, columns * patch), latents)
