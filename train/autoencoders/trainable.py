"""What an autoencoder is while it is trained.

Shapes: B batch, H W pixels, C latent channels, f pixels per latent cell side, h = H/f, w = W/f.
"""

import copy
from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.utils.flop_counter import FlopCounterMode

_KEPT = 0.99  # of the statistics of latents after a step


@dataclass(frozen=True)
class Posterior:
    """A normal distribution of each latent value, ``mean`` and ``log_variance`` (B, C, h, w)."""

    mean: Tensor
    log_variance: Tensor

    def sample(self, noise: Tensor) -> Tensor:
        """With ``noise`` (B, C, h, w) of a standard normal distribution."""
        return self.mean + (0.5 * self.log_variance).exp() * noise


class Trainable(nn.Module, ABC):
    """The decoder of an autoencoder, and its encoder where that is trained too, in fp32. An
    ``Autoencoder`` that can be trained has ``trainable(encoder)``, which gives one of these.

    ``channels`` is C, ``factor`` is f; ``colours`` the channels of its pixels, 3, or 4 with alpha.
    Latents are not normalised here; ``unnormalised`` are those that ``Autoencoder.encode`` gave.
    """

    channels: int
    factor: int
    colours: int

    def __init__(self, channels: int, *, encodes: bool) -> None:
        super().__init__()
        self.channels, self.encodes = channels, encodes
        if encodes:  # statistics of latents, by which checkpoints normalise them
            for name in ("latents_mean", "latents_square"):
                self.register_buffer(name, torch.zeros(channels))
            self.register_buffer("latents_step", torch.zeros((), dtype=torch.int64))

    @abstractmethod
    def posterior(self, pixels: Tensor) -> Posterior:
        """Of (B, colours, H, W) in [-1, 1]. Only where it ``encodes``."""

    @abstractmethod
    def decode(self, latents: Tensor) -> Tensor:
        """(B, C, h, w) -> (B, colours, H, W), not clipped."""

    @abstractmethod
    def unnormalised(self, latents: Tensor) -> Tensor:
        """Latents (B, C, h, w) of the frozen autoencoder that this one began as."""

    @abstractmethod
    def normalised(self, latents: Tensor) -> Tensor:
        """The reverse: as that one's ``encode`` gives them."""

    @property
    @abstractmethod
    def anchor(self) -> nn.Parameter:
        """The weight of the encoder's last convolution, at which gradients of terms are balanced.
        Only where it ``encodes``.
        """

    @abstractmethod
    def save(self, directory: Path, values: Mapping[str, Tensor]) -> dict[str, tuple[str, str]]:
        """Write its own folder below ``directory``, the ROOT of a checkpoint, with ``values`` by
        the names of its ``state_dict``, each asked for once; returns its line for
        ``model_index.json``.
        """

    @torch.no_grad()
    def remember(self, latents: Tensor, step: int) -> None:
        """Latents (B, C, h, w) of a ``step`` become part of the statistics, once; those
        that are not finite do not, as such a step is skipped.
        """
        own: Any = self
        before = int(own.latents_step)
        if step <= before:  # a second pass of the same step, for its gradients
            return
        share = max(1 - _KEPT, 1 / (before + 1))
        values = latents.detach().transpose(0, 1).flatten(1)
        mean, square = values.mean(1), values.square().mean(1)
        if not bool(torch.isfinite(torch.stack([mean, square])).all()):
            return
        own.latents_mean.lerp_(mean, share)
        own.latents_square.lerp_(square, share)
        own.latents_step.fill_(step)

    def flops(self, height: int, width: int) -> int:
        """Of a forward pass over an image of so many pixels."""
        with torch.device("meta"):
            tensors = [*self.parameters(), *self.buffers()]
            without = {id(each): each.detach().to("meta") for each in tensors}
            other: Any = copy.deepcopy(self, without)  # takes these for copies: no memory is needed
            with FlopCounterMode(display=False) as counted, torch.no_grad():
                if self.encodes:
                    other.posterior(torch.empty(1, self.colours, height, width))
                cells = height // self.factor, width // self.factor
                other.decode(torch.empty(1, self.channels, *cells))
        return int(counted.get_total_flops())


def statistics(values: Mapping[str, Tensor]) -> tuple[Tensor, Tensor]:
    """The mean and standard deviation (C,) of latents, of the stored ``values`` of a network."""
    mean = values["latents_mean"].double()
    variance = values["latents_square"].double() - mean.square()
    return mean, variance.clamp_min(1e-12).sqrt()
