"""The flow as a stochastic differential equation with the same marginals (Flow-GRPO, arXiv
2505.05470, section 4.2), in the convention of ``train.flow``: sigma is the share of noise.

    dx = [u + s^2 / (2 sigma) (x + (1 - sigma) u)] dsigma + s sqrt(-dsigma) epsilon
    s = a sqrt(sigma / (1 - sigma)), at sigma = 1 that of the next level

u is the velocity noise - data, dsigma < 0. All in float32, whatever the network computes in.

Shapes: A tokens of C values, each of which belongs to one of N images.
"""

from dataclasses import dataclass
from typing import Self

import torch
from torch import Tensor

_HALF_LOG_2PI = 0.9189385332046727


@dataclass(frozen=True)
class Step:
    """A step of tokens: the mean of where it leads is ``of_tokens`` x + ``of_velocity`` u, its
    standard deviation ``deviation``, (A, 1) float32 each.
    """

    of_tokens: Tensor
    of_velocity: Tensor
    deviation: Tensor

    @classmethod
    def between(cls, sigma: Tensor, following: Tensor, amount: float) -> Self:
        """From levels ``sigma`` to ``following`` (A,), float64, with noise of the ``amount`` a."""
        level = torch.where(sigma < 1, sigma, following)
        squared = amount**2 * level / (1 - level)
        length = following - sigma
        drift = squared / (2 * sigma)
        parts = (
            1 + drift * length,
            (1 + drift * (1 - sigma)) * length,
            (squared * -length).sqrt(),
        )
        return cls(*(part.float()[:, None] for part in parts))

    def to(self, device: torch.device | str) -> "Step":
        """The same on a device."""
        return Step(*(part.to(device) for part in vars(self).values()))

    def mean(self, tokens: Tensor, velocity: Tensor) -> Tensor:
        """(A, C) of tokens and their velocity (A, C)."""
        return self.of_tokens * tokens.float() + self.of_velocity * velocity.float()

    def log_probability(self, reached: Tensor, mean: Tensor) -> Tensor:
        """Of the tokens that were ``reached``, the mean (A,) over the values of each."""
        distance = (reached.float() - mean) / self.deviation
        return (-distance.square() / 2 - self.deviation.log() - _HALF_LOG_2PI).mean(-1)

    def divergence(self, velocity: Tensor, other: Tensor) -> Tensor:
        """Kullback-Leibler divergence of steps by two velocities (A, C), the mean (A,) over the
        values of each: |dsigma| / 2 (1 / s + s (1 - sigma) / (2 sigma))^2 |u - u'|^2.
        """
        apart = self.of_velocity / self.deviation * (velocity.float() - other.float())
        return apart.square().mean(-1) / 2
