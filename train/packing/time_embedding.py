"""How networks are told the noise level.

Shapes: R noise levels, d width of the network.
"""

import math

import torch
from torch import Tensor, nn
from torch.nn.functional import silu

_FREQUENCIES = 128
_LONGEST = 10_000
_SCALE = 1000  # networks were made for 1000 discrete steps


def sinusoid(sigma: Tensor) -> Tensor:
    """(R, 256) float32: cosines, then sines, of 1000 sigma x 10000^(-i / 128), i < 128
    (``get_timestep_embedding`` of diffusers, in its order of operations).
    """
    exponent = -math.log(_LONGEST) * torch.arange(
        _FREQUENCIES, dtype=torch.float32, device=sigma.device
    )
    angles = _SCALE * (sigma.float()[:, None] * torch.exp(exponent / _FREQUENCIES)[None])
    return torch.cat([angles.cos(), angles.sin()], dim=-1)


class TimeEmbedding(nn.Module):
    """Noise levels (R,) in [0, 1] to (R, d): two layers over a sinusoid.

    ``rounds`` is parity with diffusers, which rounds the noise level itself to the numbers of the
    activations; in bf16 that is off by up to 0.003, and training keeps float32 until after the
    sinusoid.
    """

    def __init__(self, width: int, bias: bool) -> None:
        super().__init__()
        self.rounds = False
        self.first = nn.Linear(2 * _FREQUENCIES, width, bias=bias)
        self.second = nn.Linear(width, width, bias=bias)

    def forward(self, sigma: Tensor, activations: torch.dtype) -> Tensor:
        """``activations`` is the type of numbers that the network computes in."""
        if self.rounds:
            sigma = sigma.to(activations)
        embedded: Tensor = self.second(silu(self.first(sinusoid(sigma).to(activations))))
        return embedded
