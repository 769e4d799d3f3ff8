"""Normalisations without a mean."""

import torch
from torch import Tensor, nn

EPSILON = 1e-6


def rms_norm(values: Tensor, weight: Tensor) -> Tensor:
    """``values`` (..., E) over the root of their mean square, times ``weight``, which broadcasts
    (RMSNorm, arXiv 1910.07467); float32 whatever comes in.
    """
    wide = values.float()
    return wide * inverse_rms(wide) * weight.float()


def inverse_rms(wide: Tensor) -> Tensor:
    """(..., 1) of float32 (..., E)."""
    return torch.rsqrt(wide.square().mean(-1, keepdim=True) + EPSILON)


class RmsNorm(nn.Module):
    """``rms_norm`` with a weight of ``width`` values; returns the type that it was given."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.ones(width))

    def forward(self, values: Tensor) -> Tensor:
        """(..., width)."""
        return rms_norm(values, self.weight).to(values.dtype)
