"""The objects of a run that trains an autoencoder. To the trainer it is what a network is
elsewhere: a module with weights, and its average, by which images are judged.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NoReturn

import torch
from safetensors import SafetensorError
from torch import Generator, Tensor, nn

from curation.failures.errors import UsageError
from train import ema
from train.autoencoders import autoencoder as autoencoders
from train.autoencoders.alpha import over_white, with_alpha
from train.autoencoders.autoencoder import Autoencoder
from train.autoencoders.trainable import Trainable
from train.configuration import Configuration
from train.data.loading import Data
from train.distributed.world import World
from train.optimisers import building
from train.parts import Parts, named_weights
from train.reconstruction.settled import check_sizes
from train.seeds import seed_for
from train.terms.term import Measure
from train.text_encoders.text_encoder import TextEncoder

PART = "autoencoder"


@dataclass
class Unencoded:
    """An ``autoencoder`` whose encoder is trained, for data that is read: latents without
    channels, as no step needs what the encoder once made of an image.
    """

    autoencoder: tuple[Any]
    factor: int
    channels: int = 0

    def encode(self, pixels: Tensor, generator: Generator | None = None) -> Tensor:
        """(B, 3, H, W) -> (B, 0, h, w)."""
        height, width = pixels.shape[-2:]
        return torch.zeros(len(pixels), 0, height // self.factor, width // self.factor)

    def decode(self, latents: Tensor) -> NoReturn:
        """There is nothing to decode."""
        raise NotImplementedError

    def save(self, directory: Path) -> NoReturn:
        """What is saved is what was trained."""
        raise NotImplementedError


class Encoding(nn.Module):
    """An ``autoencoder`` whose encoder is frozen, for data that is read: latents by the network
    that an image needs, a third of the work of one for videos.
    """

    def __init__(self, autoencoder: Any) -> None:
        super().__init__()
        self.autoencoder: Any = (autoencoder,)  # no part of it: it stays where it is
        self.network: Trainable = autoencoder.trainable(encoder=True).eval().requires_grad_(False)
        self.channels, self.factor = int(autoencoder.channels), int(autoencoder.factor)

    @torch.no_grad()
    def encode(self, pixels: Tensor, generator: Generator | None = None) -> Tensor:
        """(B, 3, H, W) in [-1, 1] -> (B, C, h, w), the mode of the posterior."""
        place = next(self.network.parameters()).device
        shown = with_alpha(pixels) if self.network.colours == 4 else over_white(pixels)
        return self.network.normalised(self.network.posterior(shown.to(place)).mean)

    def decode(self, latents: Tensor) -> NoReturn:
        """What decodes is what is trained."""
        raise NotImplementedError

    def save(self, directory: Path) -> NoReturn:
        """What is saved is what was trained."""
        raise NotImplementedError


@dataclass
class NoText:
    """In place of a text encoder: nothing is said."""

    width: int = 0
    cut: int = 0
    sees_images: bool = True

    def encode(self, prompts: Sequence[str], images: Any = None) -> NoReturn:
        """Nobody asks."""
        raise NotImplementedError

    def save(self, directory: Path) -> dict[str, tuple[str, str]]:
        """Nothing."""
        return {}


@dataclass(frozen=True)
class Reconstructing:
    """The ``network`` that is trained, with what measures each term of its objective."""

    network: Trainable
    measures: tuple[Measure, ...]
    _flops: dict[tuple[int, int], int] = field(default_factory=dict)

    def flops(self, height: int, width: int) -> int:
        """Of a forward pass of the network over an image of so many pixels."""
        if (height, width) not in self._flops:
            self._flops[height, width] = self.network.flops(height, width)
        return self._flops[height, width]


def begun(configuration: Configuration) -> Autoencoder:
    """The autoencoder that a run begins with, by its seed where weights are random; data is read
    with it. Raises ``UsageError`` where there is none that can be trained.
    """
    settings = configuration.autoencoder
    if settings.kind == "patch_pca":
        raise UsageError(
            "autoencoder.kind: patch_pca is linear and fitted to the images in a second: there is"
            " nothing to train; name the folder of another by --weights, such as Qwen-Image"
        )
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed_for(configuration.seed, "weights"))
        try:
            start: Any = autoencoders.build(settings)
        except (OSError, ValueError, SafetensorError) as error:
            raise UsageError(f"weights: {error}") from error
    if not hasattr(start, "trainable"):
        raise UsageError(f"weights: {settings.path}: a {type(start).__name__} is not trained")
    objective: Any = configuration.objective
    check_sizes(objective, int(start.factor))
    if objective.trained == "both":
        return Unencoded((start,), start.factor)
    return Encoding(start)


def assemble(
    configuration: Configuration,
    data: Data,
    device: str,
    absent: TextEncoder | None = None,
    world: World | None = None,
    *,
    fresh: bool = True,
) -> Parts:
    """As ``parts.assemble``, of data that was read with what ``begun`` gave; what is not ``fresh``
    begins the same, and is then read from a checkpoint. Raises ``UsageError``.
    """
    world = world or World()
    if world.size > 1:
        raise UsageError(
            f"objective: an autoencoder is trained by one process, not {world.size}; start it"
            " without torchrun"
        )
    data_autoencoder: Any = data.autoencoder
    (start,) = data_autoencoder.autoencoder
    objective: Any = configuration.objective
    check_sizes(objective, int(start.factor), data.counts)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed_for(configuration.seed, "terms"))
        network: Trainable = start.trainable(encoder=objective.trained == "both").to(device)
        measures = tuple(term.begin(network, device) for term in objective.terms)
    raw: dict[str, nn.Module] = {PART: network.train()}
    raw |= _trained_terms([term.name for term in objective.terms], measures)
    averages = ema.start(configuration.ema, raw)
    return Parts(
        configuration,
        device,
        data,
        Reconstructing(network, measures),
        NoText(),
        raw,
        averages,
        building.build(configuration.optimiser, raw, {}),
        tuple(name for name, weight in named_weights(raw) if weight.requires_grad),
        world,
        judged=averages[0].modules[PART].eval(),
    )


def _trained_terms(names: Sequence[str], measures: Sequence[Measure]) -> Mapping[str, nn.Module]:
    """The terms that have weights of their own to train, by name."""
    return {
        f"term_{name.rpartition('.')[2]}": measure
        for name, measure in zip(names, measures, strict=True)
        if isinstance(measure, nn.Module)
        and any(weight.requires_grad for weight in measure.parameters())
    }
