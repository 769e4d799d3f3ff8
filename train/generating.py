"""Generating images of captions with the averaged weights, while training goes on."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from train import flow
from train.autoencoders.autoencoder import Autoencoder
from train.configuration import Configuration
from train.flow import Asked
from train.packing.packed import Text
from train.precision import autocast
from train.text_encoders.text_encoder import TextEncoder


@dataclass(frozen=True)
class Generator:
    """The averaged weights and what surrounds them."""

    transformer: Any
    text_encoder: TextEncoder
    autoencoder: Autoencoder
    configuration: Configuration
    device: str

    @torch.no_grad()
    def generate(
        self, captions: Sequence[str], cells: tuple[int, int], seeds: Sequence[int]
    ) -> Tensor:
        """Images (B, 3, H, W) in [-1, 1] on the CPU, of ``cells`` (h, w) latent cells, with steps
        and guidance by ``evaluation``.
        """
        settings = self.configuration.evaluation
        encode = self.text_encoder.encode
        negative = _float(encode([""])[0])
        asked = [
            Asked(_float(text), seed, negative)
            for text, seed in zip(encode(captions), seeds, strict=True)
        ]
        with autocast(self.device, self.configuration.precision):
            latents = flow.sample(
                self.transformer,
                self.configuration.model,
                asked,
                (self.autoencoder.channels, *cells),
                steps=settings.steps,
                guidance=settings.guidance,
                flow=flow.build(self.configuration.flow),
                device=self.device,
            )
        return self.autoencoder.decode(latents).float().cpu()


def _float(text: Text) -> Text:
    return tuple(stretch.float() for stretch in text)
