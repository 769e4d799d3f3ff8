"""The objects of a training run: everything with weights, and the data."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import nn

from curation.failures.errors import UsageError
from train import ema
from train.checkpoint import Progress, State
from train.configuration import Configuration
from train.data.loading import Data
from train.models.family import Family
from train.optimisers import building
from train.phases import Phase
from train.seeds import seed_for
from train.text_encoders import text_encoder
from train.text_encoders.text_encoder import TextEncoder


@dataclass(frozen=True)
class Parts:
    """The objects of a run. ``raw`` are the trained modules by name, ``ema`` their EMA; ``trained``
    are the names of all weights that are trained in some phase or other.
    """

    configuration: Configuration
    device: str
    data: Data
    transformer: Any
    text_encoder: TextEncoder
    raw: Mapping[str, nn.Module]
    ema: Mapping[str, nn.Module]
    optimisers: tuple[torch.optim.Optimizer, ...]
    trained: tuple[str, ...]

    def freeze(self, frozen: Sequence[str]) -> None:
        """Train the weights that are trained at all, but for those whose names, such as
        "transformer.blocks.0.image.qkv.weight", begin with one of ``frozen``.
        """
        known = set(self.trained)
        for name, weight in named_weights(self.raw):
            weight.requires_grad_(name in known and not name.startswith(tuple(frozen)))

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
    of_network = configuration.model.matrices(transformer)
    matrices = {f"transformer.{name}": count for name, count in of_network.items()}
    return Parts(
        configuration,
        device,
        data,
        transformer,
        encoder,
        raw,
        ema.start(raw),
        building.build(configuration.optimiser, raw, matrices),
        tuple(name for name, weight in named_weights(raw) if weight.requires_grad),
    )


def named_weights(modules: Mapping[str, nn.Module]) -> Iterator[tuple[str, nn.Parameter]]:
    """The parameters of modules, with the names of both."""
    for part, module in modules.items():
        for name, weight in module.named_parameters():
            yield f"{part}.{name}", weight


def check_frozen(trained: Sequence[str], phases: Sequence[Phase]) -> None:
    """Raise ``UsageError`` for a phase that freezes what there is not, or everything."""
    for phase in phases:
        for start in phase.frozen:
            if not any(name.startswith(start) for name in trained):
                raise UsageError(
                    f"{phase.label}: frozen: no weight begins with {start!r}; there are"
                    f" {', '.join(sorted({_shortened(name) for name in trained})[:20])}"
                )
        if phase.frozen and all(name.startswith(phase.frozen) for name in trained):
            raise UsageError(f"{phase.label}: frozen: nothing is left to train")


def _shortened(name: str) -> str:
    """The beginning that most will mean: of a part, or of a block."""
    return ".".join(name.split(".")[: 3 if ".blocks." in name else 2])
