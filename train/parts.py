"""The objects of a training run: everything with weights, and the data."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import torch
from torch import nn

from train import ema, optimiser
from train.checkpoint import Progress, State
from train.configuration import Configuration
from train.data.loading import Data
from train.models.family import Family
from train.seeds import seed_for
from train.text_encoders import text_encoder
from train.text_encoders.text_encoder import TextEncoder


@dataclass(frozen=True)
class Parts:
    """The objects of a run. ``raw`` are the trained modules by name, ``ema`` their EMA."""

    configuration: Configuration
    device: str
    data: Data
    transformer: Any
    text_encoder: TextEncoder
    raw: Mapping[str, nn.Module]
    ema: Mapping[str, nn.Module]
    optimisers: tuple[torch.optim.Optimizer, ...]

    @property
    def family(self) -> Family:
        """The family of the network."""
        return self.configuration.model

    def state(self, progress: Progress) -> State:
        """What a checkpoint holds."""
        return State(
            self.configuration,
            progress,
            self.raw,
            self.ema,
            self.data.autoencoder,
            self.text_encoder,
            self.optimisers,
            self.data.seen,
        )


def assemble(configuration: Configuration, data: Data, device: str) -> Parts:
    """Build everything with weights by the configuration's seed."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed_for(configuration.seed, "weights"))
        encoder = text_encoder.build(configuration.text_encoder)
        transformer = configuration.model.build(data.autoencoder.channels, encoder.width)
    raw: dict[str, nn.Module] = {"transformer": transformer.to(device).train()}
    if isinstance(encoder, nn.Module):
        encoder.to(device)
        if any(weight.requires_grad for weight in encoder.parameters()):
            raw["text_encoder"] = encoder.train()
    return Parts(
        configuration,
        device,
        data,
        transformer,
        encoder,
        raw,
        ema.start(raw),
        optimiser.build(configuration.optimiser, raw),
    )
