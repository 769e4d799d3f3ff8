"""Images sampled with a network, as the sampler takes what is asked for."""

import torch

from train import flow, sampler
from train.sampler import Asked


def sample(
    family, network, encoder, prompts, shape, *, seeds, negative="", guidance=1.0, **options
):
    """Latents (N, c, h, w) of prompts."""
    away = encoder.encode([negative])[0]
    asked = [
        Asked(text, shape, seed, away, guidance)
        for text, seed in zip(encoder.encode(prompts), seeds, strict=True)
    ]
    return torch.stack(sampler.sample(sampler.anew(network), family, asked, **options))


def of_checkpoint(loaded, prompts, shape, **options):
    """The same of a loaded checkpoint, by its own flow."""
    own = loaded.configuration and flow.build(loaded.configuration.flow)
    parts = (loaded.family, loaded.transformer, loaded.text_encoder)
    return sample(*parts, prompts, shape, flow=own, **options)
