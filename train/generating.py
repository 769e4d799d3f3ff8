"""Generating images of captions with the averaged weights, while training goes on."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import torch
from torch import Tensor

from train import flow
from train.autoencoders.autoencoder import Autoencoder
from train.configuration import Configuration
from train.models.family import Condition
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
        family, settings = self.configuration.model, self.configuration.evaluation
        features, mask = self.text_encoder.encode(list(captions))
        negative, negative_mask = self.text_encoder.encode([""])
        with autocast(self.device, self.configuration.precision):
            latents = flow.sample(
                partial(family.velocity, self.transformer),
                (self.autoencoder.channels, *cells),
                Condition(features.float(), mask),
                negative=Condition(negative.float(), negative_mask),
                patch=family.patch,
                steps=settings.steps,
                guidance=settings.guidance,
                seeds=seeds,
                flow=flow.build(self.configuration.flow),
            )
        return self.autoencoder.decode(latents).float().cpu()
