"""Representation alignment (REPA, arXiv 2410.06940): image tokens of an early block are drawn in
training, through a small network of their own, towards what a frozen encoder sees in the image.

The encoder sees the clean latents decoded, so that no pixels are kept beside them.

Shapes: A target tokens, n samples, d width of the network, F width of the features, H W pixels,
h w places of features, c latent channels.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import torch
from torch import Tensor, nn
from torch.nn.functional import cosine_similarity, interpolate

from curation.failures.errors import UsageError
from train import lite0
from train.autoencoders.autoencoder import Autoencoder
from train.configuration import AlignmentConfiguration

LITE0 = "efficientnet_lite0"
_IMAGENET = ((0.485, 0.456, 0.406), (0.229, 0.224, 0.225))  # mean, standard deviation
_INNER = 2048  # of the small network, as REPA has it


class Features(Protocol):
    """A frozen encoder: (n, 3, H, W) in [-1, 1] to maps (n, F, h, w); ``width`` is F, and a place
    of a map ``stride`` pixels wide.
    """

    width: int
    stride: int

    def __call__(self, pixels: Tensor) -> Tensor: ...


class Lite0:
    """EfficientNet-Lite0, of which the weights ship in a package: its last maps, of a 32nd of the
    sides, or those of the block ``layer``.
    """

    def __init__(self, device: str, layer: int | None = None) -> None:
        """Raises ``MissingModelError``."""
        self._network, self._layer = lite0.network(device), layer
        self.width, self.stride = 1280, 32
        if layer is not None:
            with torch.no_grad():
                square = torch.zeros(1, 3, 32, 32, device=device)
                (maps,) = lite0.maps(self._network, square, [layer])
            self.width, self.stride = maps.shape[1], 32 // maps.shape[2]

    def __call__(self, pixels: Tensor) -> Tensor:
        if self._layer is not None:
            return lite0.maps(self._network, pixels, [self._layer])[0]
        maps: Tensor = self._network.extract_features(lite0.scaled(pixels))
        return maps


class Transformer:
    """A vision transformer of transformers, such as DINOv2, from its folder: its patch tokens."""

    def __init__(self, folder: Path, device: str, setting: str) -> None:
        """Raises ``UsageError`` where no such encoder is there, as ``setting`` says."""
        from transformers import AutoModel

        if not (folder / "config.json").is_file():
            raise UsageError(
                f"{setting}: no config.json in {folder}; expected the folder of a vision"
                f" transformer of transformers, or {LITE0}"
            )
        own: dict[str, Any] = {"local_files_only": True, "trust_remote_code": False}
        self._network: Any = AutoModel.from_pretrained(folder, **own)
        self._network.eval().requires_grad_(False).to(device)
        settings = self._network.config
        self.width, self.stride = int(settings.hidden_size), int(settings.patch_size)
        mean, deviation = (torch.tensor(each, device=device) for each in _IMAGENET)
        self._mean, self._deviation = mean[:, None, None], deviation[:, None, None]

    def __call__(self, pixels: Tensor) -> Tensor:
        sides = [max(1, round(side / self.stride)) for side in pixels.shape[2:]]
        fitted = interpolate(pixels, [side * self.stride for side in sides], mode="bicubic")
        normal = ((fitted + 1) / 2 - self._mean) / self._deviation
        tokens = self._network(normal, interpolate_pos_encoding=True).last_hidden_state
        patches = tokens[:, -sides[0] * sides[1] :]  # behind class and register tokens
        maps: Tensor = patches.mT.unflatten(2, sides)
        return maps


def features(configuration: AlignmentConfiguration, device: str) -> Features:
    """The encoder that is configured. Raises as ``encoder``."""
    return encoder(configuration.encoder, device, "repa.encoder")


def encoder(name: str, device: str, setting: str, layer: int | None = None) -> Features:
    """Of this ``name``, ``efficientnet_lite0`` (of which the block ``layer``) or a folder, which a
    ``setting`` names. Raises ``UsageError``, ``MissingModelError``.
    """
    return Lite0(device, layer) if name == LITE0 else Transformer(Path(name), device, setting)


def projector(width: int, to: int) -> nn.Module:
    """The small network, d to F."""
    return nn.Sequential(
        nn.Linear(width, _INNER),
        nn.SiLU(),
        nn.Linear(_INNER, _INNER),
        nn.SiLU(),
        nn.Linear(_INNER, to),
    )


@dataclass(frozen=True)
class Alignment:
    """What draws the tokens of block ``configuration.block`` towards ``features``."""

    configuration: AlignmentConfiguration
    features: Features
    projector: nn.Module
    autoencoder: Autoencoder

    def losses(self, hidden_ad: Tensor, latents: Sequence[Tensor], patch: int) -> Tensor:
        """(n,) weight x (1 - cosine), the mean over the tokens of each sample, of whose images the
        clean ``latents`` (c, h, w) are given.
        """
        lengths = [each[0].numel() // patch**2 for each in latents]
        projected = self.projector(hidden_ad).float().split(lengths)
        apart = [
            1 - cosine_similarity(tokens, self._seen(each.to(tokens.device), patch), dim=1).mean()
            for tokens, each in zip(projected, latents, strict=True)
        ]
        return self.configuration.weight * torch.stack(apart)

    @torch.no_grad()
    def _seen(self, latents: Tensor, patch: int) -> Tensor:
        """(tokens, F) of an image, at the places of its tokens."""
        grid = [side // patch for side in latents.shape[1:]]
        maps = self.features(self.autoencoder.decode(latents[None]).to(latents.device)).float()
        return interpolate(maps, grid, mode="bilinear", align_corners=False)[0].flatten(1).mT
