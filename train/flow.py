"""Rectified flow in one place: path, loss, timestep sampling, resolution shift and sampler.

Two conventions meet here. The Qwen-Image report (arXiv 2508.02324, pre-training): x_t = t x0 +
(1 - t) x1 with x0 data, x1 ~ N(0, I), velocity v = x0 - x1. Published checkpoints and diffusers:
noise level sigma = 1 - t, and the network predicts x1 - x0 = -v. The network here always speaks
the second; ``sigma`` in this file always is the share of noise.

The sampler is ``train.sampler``.

Shapes: N samples, A target tokens of all of them, C values of a token.
"""

import math
from dataclasses import dataclass

import torch
from torch import Tensor

from train.configuration import FlowConfiguration


@dataclass(frozen=True)
class Flow:
    """Which noise levels are trained on and stepped through.

    ``logit_mean`` and ``logit_standard_deviation`` are those of sigma's logit before the shift.
    The shift is exp(mu) on the odds of sigma, mu linear in the number of image tokens through
    (``base_tokens``, ``base_shift``) and (``max_tokens``, ``max_shift``), as in diffusers. At
    sampling the last noise level is stretched to ``terminal`` (0: not stretched). ``sigmas`` are
    the sampler's levels before the shift, from 1 down, of a model that was distilled to a few
    steps; without them they are even.
    """

    logit_mean: float = 0.0
    logit_standard_deviation: float = 1.0
    base_shift: float = 0.5
    max_shift: float = 0.9
    base_tokens: int = 256
    max_tokens: int = 8192
    terminal: float = 0.02
    sigmas: tuple[float, ...] = ()

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
        """Noise levels of the sampler, steps + 1 of them from 1 to 0; finite for one step too.

        Raises ``ValueError`` for less than a step, or another number than there are ``sigmas``.
        """
        if steps < 1 or (self.sigmas and steps != len(self.sigmas)):
            expected = len(self.sigmas) or "at least 1"
            raise ValueError(f"steps is {steps}; expected {expected}")
        odds = math.exp(self.mu(tokens))
        even = [1 - index * (1 - 1 / steps) / max(1, steps - 1) for index in range(steps)]
        sigmas = [odds * sigma / (odds * sigma + (1 - sigma)) for sigma in self.sigmas or even]
        # With one step the only level is 1: there is nothing to stretch (diffusers divides 0 by 0).
        if self.terminal and steps > 1:
            stretch = (1 - sigmas[-1]) / (1 - self.terminal)
            sigmas = [1 - (1 - sigma) / stretch for sigma in sigmas]
        return [*sigmas, 0.0]


@dataclass(frozen=True)
class Within(Flow):
    """The step of a ``number``, from 0, of a schedule of so many ``steps_of_all``, in even steps of
    sigma.
    """

    steps_of_all: int = 1
    number: int = 0

    def schedule(self, steps: int, tokens: int) -> list[float]:
        """As ``Flow``, from the level before that step to the one behind it."""
        every = super().schedule(self.steps_of_all, tokens)
        first, last = every[self.number : self.number + 2]
        return [*(first + (last - first) * index / steps for index in range(steps)), last]


def build(configuration: FlowConfiguration) -> Flow:
    """The flow that trains and samples."""
    return Flow(**configuration.model_dump())


def path(data: Tensor, noise: Tensor, sigma: Tensor) -> Tensor:
    """The points sigma noise + (1 - sigma) data of tokens (A, C), of level ``sigma`` (A,) each."""
    return sigma[:, None] * noise + (1 - sigma[:, None]) * data


def target(data: Tensor, noise: Tensor) -> Tensor:
    """What the network is trained to predict: noise - data (the report's -v)."""
    return noise - data
