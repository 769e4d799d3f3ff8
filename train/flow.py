"""Rectified flow in one place: path, loss, timestep sampling, resolution shift and sampler.

Two conventions meet here. The Qwen-Image report (arXiv 2508.02324, pre-training): x_t = t x0 +
(1 - t) x1 with x0 data, x1 ~ N(0, I), velocity v = x0 - x1. Published checkpoints and diffusers:
noise level sigma = 1 - t, and the network predicts x1 - x0 = -v. The network here always speaks
the second; ``sigma`` in this file always is the share of noise.

Shapes: N samples, A target tokens of all of them, C values of a token; c latent channels, h w
latent cells.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise

import torch
from torch import Tensor

from train.configuration import FlowConfiguration
from train.models.family import Family
from train.packing import patches
from train.packing.packed import Item, Packed, Text, pack

Velocity = Callable[[Packed], Tensor]  # a network's, (A, C)


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

    def level(self, tokens: int, generator: torch.Generator) -> float:
        """A noise level in (0, 1) for training on an image of so many image tokens.

        sigmoid(z) shifted by exp(mu) on its odds is sigmoid(z + mu).
        """
        normal = float(torch.randn((), generator=generator, dtype=torch.float64))
        logit = self.logit_mean + self.logit_standard_deviation * normal + self.mu(tokens)
        return 1 / (1 + math.exp(-logit))

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
    """The points sigma noise + (1 - sigma) data of tokens (A, C), of level ``sigma`` (A,) each."""
    return sigma[:, None] * noise + (1 - sigma[:, None]) * data


def target(data: Tensor, noise: Tensor) -> Tensor:
    """What the network is trained to predict: noise - data (the report's -v)."""
    return noise - data


def noise_like(shape: tuple[int, int, int], seeds: Sequence[int]) -> Tensor:
    """(N, c, h, w) standard normal, image by image from its own seed."""
    rows = [torch.randn(shape, generator=torch.Generator().manual_seed(seed)) for seed in seeds]
    return torch.stack(rows)


def guide(conditional: Tensor, unconditional: Tensor, guidance: float) -> Tensor:
    """True classifier-free guidance of tokens (A, C), each rescaled to its conditional length.

    As ``QwenImagePipeline`` does.
    """
    mixed = unconditional + guidance * (conditional - unconditional)
    length = mixed.norm(dim=-1, keepdim=True).clamp_min(torch.finfo(mixed.dtype).tiny)
    guided: Tensor = mixed * (conditional.norm(dim=-1, keepdim=True) / length)
    return guided


@dataclass(frozen=True)
class Asked:
    """An image to sample: the ``text`` of its prompt, that of the ``negative`` one where there is
    guidance, latents (c, h, w) of the ``references`` that it is made from, and its noise's seed.
    """

    text: Text
    seed: int
    negative: Text | None = None
    references: tuple[Tensor, ...] = ()


@torch.no_grad()
def sample(
    velocity: Velocity,
    family: Family,
    asked: Sequence[Asked],
    shape: tuple[int, int, int],
    *,
    steps: int,
    guidance: float = 1.0,
    flow: Flow | None = None,
    device: torch.device | str = "cpu",
) -> Tensor:
    """Sample latents (N, c, h, w) of ``shape`` (c, h, w) by Euler steps from noise to data.

    ``velocity`` is the network's. ``guidance`` 1 means none, else every image needs a negative
    text: raises ``ValueError`` where it has none.
    """
    flow = flow or Flow()
    guided = guidance != 1
    if guided and any(each.negative is None for each in asked):
        raise ValueError("guidance other than 1 needs a negative text")
    noise = noise_like(shape, [each.seed for each in asked]).to(device)
    given = _packed(family, asked, noise, [each.text for each in asked])
    other = _packed(family, asked, noise, [each.negative or each.text for each in asked])
    grid = (shape[1] // family.patch, shape[2] // family.patch)
    tokens = torch.cat([patches.pack(each, family.patch) for each in noise])
    for level, following in pairwise(flow.schedule(steps, grid[0] * grid[1])):
        sigma = torch.full((len(asked),), level, device=device)
        direction = velocity(given.with_targets(tokens, sigma)).float()
        if guided:
            away = velocity(other.with_targets(tokens, sigma)).float()
            direction = guide(direction, away, guidance)
        tokens = tokens + (following - level) * direction
    images = tokens.chunk(len(asked))
    return torch.stack([patches.unpack(each, family.patch, *shape[1:]) for each in images])


def _packed(family: Family, asked: Sequence[Asked], noise: Tensor, texts: Sequence[Text]) -> Packed:
    rows = zip(asked, noise, texts, strict=True)
    items = [Item(text, latents, each.references) for each, latents, text in rows]
    sigma = torch.ones(len(asked), device=noise.device)
    return pack(items, [family.order(item) for item in items], sigma, family.patch)
