"""Rectified flow in one place: path, loss, timestep sampling, resolution shift and sampler.

Two conventions meet here. The Qwen-Image report (arXiv 2508.02324, pre-training): x_t = t x0 +
(1 - t) x1 with x0 data, x1 ~ N(0, I), velocity v = x0 - x1. Published checkpoints and diffusers:
noise level sigma = 1 - t, and the network predicts x1 - x0 = -v. The network here always speaks
the second; ``sigma`` in this file always is the share of noise.

Shapes: B batch, C latent channels, h w latent cells, T text tokens, D text feature width.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise

import torch
from torch import Tensor

from train import patches
from train.configuration import FlowConfiguration
from train.models.family import Condition

Velocity = Callable[[Tensor, Tensor, Condition], Tensor]  # a network's, as ``Family.velocity``


@dataclass(frozen=True)
class Flow:
    """Which noise levels are trained on and stepped through.

    ``logit_mean`` and ``logit_standard_deviation`` are those of sigma's logit before the shift.
    The shift is exp(mu) on the odds of sigma, mu linear in the number of image tokens through
    (``base_tokens``, ``base_shift``) and (``max_tokens``, ``max_shift``), as in diffusers. At
    sampling the last noise level is stretched to ``terminal`` (0: not stretched).
    """

    logit_mean: float = 0.0
    logit_standard_deviation: float = 1.0
    base_shift: float = 0.5
    max_shift: float = 0.9
    base_tokens: int = 256
    max_tokens: int = 8192
    terminal: float = 0.02

    def mu(self, tokens: int) -> float:
        """The shift for an image of so many image tokens."""
        slope = (self.max_shift - self.base_shift) / (self.max_tokens - self.base_tokens)
        return self.base_shift + slope * (tokens - self.base_tokens)

    def sample_levels(self, count: int, tokens: int, generator: torch.Generator) -> Tensor:
        """``count`` noise levels for training, (count,) in (0, 1).

        sigmoid(z) shifted by exp(mu) on its odds is sigmoid(z + mu).
        """
        normal = torch.randn(count, generator=generator)
        return torch.sigmoid(
            self.logit_mean + self.logit_standard_deviation * normal + self.mu(tokens)
        )

    def schedule(self, steps: int, tokens: int) -> list[float]:
        """Noise levels of the sampler, steps + 1 of them from 1 to 0; finite for one step too."""
        if steps < 1:
            raise ValueError(f"steps is {steps}; expected at least 1")
        odds = math.exp(self.mu(tokens))
        even = [1 - index * (1 - 1 / steps) / max(1, steps - 1) for index in range(steps)]
        sigmas = [odds * sigma / (odds * sigma + (1 - sigma)) for sigma in even]
        # With one step the only level is 1: there is nothing to stretch (diffusers divides 0 by 0).
        if self.terminal and steps > 1:
            stretch = (1 - sigmas[-1]) / (1 - self.terminal)
            sigmas = [1 - (1 - sigma) / stretch for sigma in sigmas]
        return [*sigmas, 0.0]


def build(configuration: FlowConfiguration) -> Flow:
    """The flow that trains and samples."""
    return Flow(**configuration.model_dump())


def path(data: Tensor, noise: Tensor, sigma: Tensor) -> Tensor:
    """The point sigma noise + (1 - sigma) data; ``sigma`` is (B,), the others (B, C, h, w)."""
    level = sigma.view(-1, *[1] * (data.ndim - 1))
    return level * noise + (1 - level) * data


def target(data: Tensor, noise: Tensor) -> Tensor:
    """What the network is trained to predict: noise - data (the report's -v)."""
    return noise - data


def loss(prediction: Tensor, data: Tensor, noise: Tensor) -> Tensor:
    """Mean squared error to ``target`` over all elements, in float32; a scalar."""
    return torch.nn.functional.mse_loss(prediction.float(), target(data, noise).float())


def noise_like(shape: tuple[int, int, int], seeds: Sequence[int]) -> Tensor:
    """(B, C, h, w) standard normal, image by image from its own seed."""
    rows = [torch.randn(shape, generator=torch.Generator().manual_seed(seed)) for seed in seeds]
    return torch.stack(rows)


def guide(conditional: Tensor, unconditional: Tensor, guidance: float, patch: int) -> Tensor:
    """True classifier-free guidance, rescaled per image token to the conditional length.

    As ``QwenImagePipeline`` does; (B, C, h, w) each, ``patch`` is the side of a token in cells.
    """
    given, other = patches.pack(conditional, patch), patches.pack(unconditional, patch)
    mixed = other + guidance * (given - other)
    length = mixed.norm(dim=-1, keepdim=True).clamp_min(torch.finfo(mixed.dtype).tiny)
    scaled = mixed * (given.norm(dim=-1, keepdim=True) / length)
    return patches.unpack(scaled, patch, conditional.shape[2], conditional.shape[3])


@torch.no_grad()
def sample(
    velocity: Velocity,
    shape: tuple[int, int, int],
    condition: Condition,
    *,
    negative: Condition | None = None,
    patch: int,
    steps: int,
    guidance: float = 1.0,
    seeds: Sequence[int],
    flow: Flow | None = None,
) -> Tensor:
    """Sample latents (B, C, h, w) by Euler steps from noise to data.

    ``velocity`` gives that of the network; ``shape`` is (C, h, w) of the latents of one image, of
    tokens of ``patch`` cells a side; ``seeds`` has one entry per image. ``guidance`` 1 means none,
    else a ``negative`` condition is needed (a single row of it is broadcast). Raises ``ValueError``
    for counts that do not fit.
    """
    flow = flow or Flow()
    count = len(seeds)
    if count != len(condition.features):
        raise ValueError(f"{count} seeds for {len(condition.features)} prompts")
    guided = guidance != 1
    if guided and negative is None:
        raise ValueError("guidance other than 1 needs a negative condition")
    levels = flow.schedule(steps, (shape[1] // patch) * (shape[2] // patch))
    latents = noise_like(shape, seeds).to(condition.features.device)
    for level, following in pairwise(levels):
        sigma = torch.full((count,), level, device=latents.device)
        direction = velocity(latents, sigma, condition).float()
        if guided and negative is not None:
            away = Condition(
                negative.features.expand(count, -1, -1), negative.mask.expand(count, -1)
            )
            direction = guide(direction, velocity(latents, sigma, away).float(), guidance, patch)
        latents = latents + (following - level) * direction
    return latents
