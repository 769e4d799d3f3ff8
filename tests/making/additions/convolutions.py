"""A model family of a newcomer's: a few convolutions, to which the text adds one vector."""

import torch
from torch import nn

from train.models.family import Family
from train.packing import patches


class Convolutions(Family):
    """``layers`` convolutions of ``width`` channels."""

    width: int = 8
    layers: int = 1

    def build(self, channels, text_width):
        """A new network."""
        return Network(self, channels, text_width)


class Network(nn.Module):
    """Convolutions."""

    def __init__(self, family, channels, text_width):
        super().__init__()
        self.patch = family.patch
        self.enter = nn.Conv2d(channels, family.width, 3, padding=1)
        self.text = nn.Linear(text_width + 1, family.width)
        inner = [nn.Conv2d(family.width, family.width, 3, padding=1) for _ in range(family.layers)]
        self.inner = nn.ModuleList(inner)
        self.leave = nn.Conv2d(family.width, channels, 3, padding=1)

    def forward(self, packed):
        """The velocity of all tokens of the targets."""
        layout, velocities = packed.layout, []
        texts = packed.text.split(layout.text_lengths)
        images = packed.image.split(layout.target_lengths)
        for sample, text, image, sigma in zip(
            layout.samples, texts, images, packed.sigma, strict=True
        ):
            grid = (sample[1].height * self.patch, sample[1].width * self.patch)
            known = self.text(torch.cat([text.mean(0), sigma[None]]))
            hidden = self.enter(patches.unpack(image, self.patch, *grid)) + known[:, None, None]
            for layer in self.inner:
                hidden = hidden + layer(torch.relu(hidden))
            velocities.append(patches.pack(self.leave(torch.relu(hidden)), self.patch))
        return torch.cat(velocities)
