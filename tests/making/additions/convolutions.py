"""A model family of a newcomer's: a few convolutions, to which the text adds one vector."""

import torch
from torch import nn

from train.models.family import Family


class Convolutions(Family):
    """``layers`` convolutions of ``width`` channels."""

    width: int = 8
    layers: int = 1

    def build(self, channels, text_width):
        """A new network."""
        return Network(self, channels, text_width)

    def velocity(self, network, noisy, sigma, condition):
        """The velocity at the points ``noisy``."""
        weight = condition.mask[..., None]
        return network(noisy, sigma, (condition.features * weight).sum(1) / weight.sum(1))


class Network(nn.Module):
    """Convolutions."""

    def __init__(self, family, channels, text_width):
        super().__init__()
        self.enter = nn.Conv2d(channels, family.width, 3, padding=1)
        self.text = nn.Linear(text_width + 1, family.width)
        inner = [nn.Conv2d(family.width, family.width, 3, padding=1) for _ in range(family.layers)]
        self.inner = nn.ModuleList(inner)
        self.leave = nn.Conv2d(family.width, channels, 3, padding=1)

    def forward(self, noisy, sigma, text):
        """The velocity, of the shape of ``noisy``."""
        known = self.text(torch.cat([text, sigma[:, None]], 1))
        hidden = self.enter(noisy) + known[:, :, None, None]
        for layer in self.inner:
            hidden = hidden + layer(torch.relu(hidden))
        return self.leave(torch.relu(hidden))
