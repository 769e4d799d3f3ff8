"""Generating images of captions with the averaged weights, while training goes on."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from train import flow, sampler
from train.autoencoders.autoencoder import Autoencoder
from train.configuration import Configuration
from train.distributed.world import World
from train.packing.packed import Text
from train.pixels import Images
from train.precision import autocast
from train.sampler import Asked
from train.text_encoders.text_encoder import TextEncoder

_ALONE = World()


@dataclass(frozen=True)
class Inputs:
    """What is seen of the inputs of an edit: latents (c, h, w) that the network sees, and images
    (H, W, 3) that the text encoder does.
    """

    references: tuple[Tensor, ...] = ()
    images: Images = ()


@dataclass(frozen=True)
class Generator:
    """The averaged weights and what surrounds them. The processes of the ``world`` share images out
    among them, and all have all of them.
    """

    transformer: Any
    text_encoder: TextEncoder
    autoencoder: Autoencoder
    configuration: Configuration
    device: str
    world: World = _ALONE

    @torch.no_grad()
    def generate(
        self,
        captions: Sequence[str],
        cells: tuple[int, int],
        seeds: Sequence[int],
        inputs: Sequence[Inputs] | None = None,
    ) -> Tensor:
        """Images (B, 3, H, W) in [-1, 1] on the CPU, of ``cells`` (h, w) latent cells, with steps
        and guidance by ``evaluation``.
        """
        inputs = inputs or [Inputs()] * len(captions)
        total, ranks = len(captions), self.world.data_ranks
        padded = -(-total // ranks) * ranks  # all take as many passes through the network
        own = [place % total for place in range(self.world.data_rank, padded, ranks)]
        generated = self._generated(
            [captions[place] for place in own],
            cells,
            [seeds[place] for place in own],
            [inputs[place] for place in own],
        )
        by_rank = torch.stack(self.world.parts_of(generated), dim=1)
        return by_rank.flatten(0, 1)[:total]

    def _generated(
        self,
        captions: Sequence[str],
        cells: tuple[int, int],
        seeds: Sequence[int],
        inputs: Sequence[Inputs],
    ) -> Tensor:
        """By this process."""
        settings = self.configuration.evaluation
        images = [each.images for each in inputs]
        texts: Sequence[Text] = self.text_encoder.encode(captions, images)
        negatives: Sequence[Text | None] = [None] * len(captions)
        if settings.guidance != 1:
            negatives = [self._ready(each) for each in self._negatives(images)]
        shape = (self.autoencoder.channels, *cells)
        asked = [
            Asked(
                self._ready(text),
                shape,
                seed,
                negative,
                settings.guidance,
                tuple(each.to(self.device) for each in own.references),
            )
            for text, seed, negative, own in zip(texts, seeds, negatives, inputs, strict=True)
        ]
        with autocast(self.device, self.configuration.precision):
            latents = sampler.sample(
                sampler.anew(self.transformer),
                self.configuration.model,
                asked,
                steps=settings.steps,
                flow=flow.build(self.configuration.flow),
                device=self.device,
            )
        return self.autoencoder.decode(torch.stack(latents)).float().cpu()

    def _ready(self, text: Text) -> Text:
        return tuple(stretch.to(self.device, torch.float32) for stretch in text)

    def _negatives(self, images: Sequence[Images]) -> list[Text]:
        """The empty prompt, of an edit with its images."""
        if any(images):
            return list(self.text_encoder.encode([""] * len(images), images))
        return [self.text_encoder.encode([""])[0]] * len(images)
