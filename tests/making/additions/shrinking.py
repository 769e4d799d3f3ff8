"""A term of a newcomer's, balanced, with a weight of its own to train."""

from typing import ClassVar

import torch
from torch import nn

from train.terms.term import Term


class Shrinking(Term):
    """How far latents, through a trained projection, are from 1."""

    balanced: ClassVar[bool] = True

    def begin(self, network, device):
        """As ``Term``."""
        return _Measuring(network.channels).to(device)


class _Measuring(nn.Module):
    def __init__(self, channels):
        super().__init__()
        self.projection = nn.Conv2d(channels, 2, 1)

    def forward(self, seen):
        """The mean squared error, (n,)."""
        return (self.projection(seen.latents) - 1).square().mean((1, 2, 3)).to(torch.float32)
