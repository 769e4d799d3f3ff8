"""The residual autoencoder of Qwen-Image-2.0 with random weights, to be trained from scratch: the
published class of diffusers, of any size.

Its shortcuts have no parameters (DC-AE, arXiv 2410.10733): downwards, space to channels and the
mean over groups of consecutive channels; upwards, channels repeated, and channels to space.
"""

from typing import Any

import torch

from curation.failures.errors import UsageError
from train.autoencoders.qwen21 import Qwen21Autoencoder
from train.tuning import ResidualConfiguration

# Of a standard deviation of 0.05. Else it would begin near 1, around means that are as small as
# 0.05, and the decoder would be shown noise until the encoder has learnt to speak up.
LOG_VARIANCE = -6.0


def build(sizes: ResidualConfiguration) -> Qwen21Autoencoder:
    """An untrained autoencoder, by torch's random state: weights as diffusers makes them, but for
    the logarithm of latents' variances, which begins as ``LOG_VARIANCE`` everywhere; latents have
    the mean 0 and the standard deviation 1. Raises ``UsageError``.
    """
    from diffusers import AutoencoderKLQwenImage21

    colours = 4 if sizes.alpha else 3
    levels = len(sizes.multipliers) - 1
    in_time = [False, *(True,) * (levels - 1)]  # as published, though one frame has no time
    settings: dict[str, Any] = {
        "base_dim": sizes.base,
        "decoder_base_dim": sizes.decoder_base,
        "z_dim": sizes.channels,
        "dim_mult": list(sizes.multipliers),
        "num_res_blocks": sizes.blocks,
        "temperal_downsample": in_time,
        "in_channels": colours,
        "out_channels": colours,
        "scale_factor_spatial": 2**levels,
        "scale_factor_temporal": 2 ** (levels - 1),
        "latents_mean": [0.0] * sizes.channels,
        "latents_std": [1.0] * sizes.channels,
    }
    try:
        model = AutoencoderKLQwenImage21(**settings)
    except (AssertionError, ValueError) as error:
        raise UsageError(
            f"autoencoder.residual.multipliers: {list(sizes.multipliers)}: no shortcut without"
            " parameters leads from one number of channels to the next: expected numbers that grow"
            " by 1, 2 or 4, such as [1, 2, 4, 8, 8]"
        ) from error
    with torch.no_grad():
        model.quant_conv.weight[sizes.channels :].zero_()
        model.quant_conv.bias[sizes.channels :].fill_(LOG_VARIANCE)
    return Qwen21Autoencoder(model)
