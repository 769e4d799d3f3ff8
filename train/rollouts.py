"""Images that a network generates of the prompts of a step, while it is trained.

Shapes: N images, A target tokens of all of them, C values of a token; c latent channels, h w latent
cells, H W pixels.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor

from train import flow, sampler
from train.data.batches import Shown
from train.packing import patches
from train.packing.packed import Text
from train.parts import Parts
from train.pixels import Pixels, as_image
from train.precision import autocast
from train.sampler import Asked
from train.stochastic import Step

STORAGE = {"float32": torch.float32, "bfloat16": torch.bfloat16}


@dataclass(frozen=True)
class Generating:
    """How images are generated: so many ``steps``, with ``guidance``; with noise of the ``amount``
    in the first ``noisy`` steps, and latents rounded to ``storage``.
    """

    steps: int
    guidance: float
    amount: float = 0.0
    storage: str = "float32"
    noisy: int = 0


@dataclass(frozen=True)
class Asking:
    """An image to generate of a ``prompt``, as large as what is ``shown``, with its ``text``: from
    the noise of a ``seed``, with that of the steps of ``of_steps``.
    """

    shown: Shown
    prompt: str
    text: Text
    seed: int
    of_steps: int = 0


@dataclass(frozen=True)
class Generated:
    """``latents`` (c, h, w) of the images; ``states`` are all tokens (A, C) before each step, and
    after the last.
    """

    latents: list[Tensor]
    states: list[Tensor]


@torch.no_grad()
def prompts(parts: Parts, shown: Sequence[Shown]) -> list[Text]:
    """The features of the captions of samples, on the device."""
    encoded = parts.text_encoder.encode(
        [each.caption for each in shown], [each.images for each in shown]
    )
    return [_on(text, parts.device) for text in encoded]


@torch.no_grad()
def generate(
    parts: Parts, network: Any, asking: Sequence[Asking], settings: Generating
) -> Generated:
    """By a ``network``, all of them at once."""
    negatives: list[Text | None] = [None] * len(asking)
    if settings.guidance != 1:
        images = [each.shown.images for each in asking]
        empty = parts.text_encoder.encode([""] * len(asking), images)
        negatives = [_on(text, parts.device) for text in empty]
    asked = [
        Asked(
            each.text,
            _shape(each.shown),
            each.seed,
            negative,
            settings.guidance,
            _on(each.shown.references, parts.device),
        )
        for each, negative in zip(asking, negatives, strict=True)
    ]
    walk = _Walk(asked, [each.of_steps for each in asking], parts, settings)
    with autocast(parts.device, parts.configuration.precision):
        latents = sampler.sample(
            sampler.anew(network),
            parts.family,
            asked,
            steps=settings.steps,
            flow=flow.build(parts.configuration.flow),
            device=parts.device,
            advance=walk.advance,
        )
    return Generated(latents, walk.states)


@torch.no_grad()
def pixels(parts: Parts, latents: Sequence[Tensor]) -> list[Pixels]:
    """The images (H, W, 3) of latents (c, h, w), those of a size decoded together."""
    images: dict[int, Pixels] = {}
    by_shape: dict[tuple[int, ...], list[int]] = {}
    for number, each in enumerate(latents):
        by_shape.setdefault(tuple(each.shape), []).append(number)
    for numbers in by_shape.values():
        decoded = parts.data.autoencoder.decode(torch.stack([latents[n].float() for n in numbers]))
        for number, image in zip(numbers, decoded, strict=True):
            images[number] = np.asarray(as_image(image).convert("RGB"))
    return [images[number] for number in range(len(latents))]


class _Walk:
    """The steps of a rollout, with all states between them."""

    def __init__(
        self, asked: Sequence[Asked], seeds: Sequence[int], parts: Parts, settings: Generating
    ) -> None:
        self._settings, self._storage = settings, STORAGE[settings.storage]
        self._random = [torch.Generator().manual_seed(seed) for seed in seeds]
        starts = [patches.pack(each.start(), parts.family.patch) for each in asked]
        self._counts = [len(each) for each in starts]
        self.states = [torch.cat(starts).to(parts.device)]

    def advance(
        self, tokens: Tensor, velocity: Tensor, sigma: Tensor, following: Tensor, number: int
    ) -> Tensor:
        """As ``sampler.Advance``."""
        if number >= self._settings.noisy:
            reached = sampler.euler(tokens, velocity, sigma, following, number)
        else:
            step = Step.between(sigma, following, self._settings.amount).to(tokens.device)
            noise = torch.cat(
                [
                    torch.randn(count, tokens.shape[-1], generator=own)
                    for count, own in zip(self._counts, self._random, strict=True)
                ]
            ).to(tokens.device)
            reached = step.mean(tokens, velocity) + step.deviation * noise
        reached = reached.to(self._storage).float()
        self.states.append(reached)
        return reached


def _shape(shown: Shown) -> tuple[int, int, int]:
    channels, height, width = shown.latents.shape
    return channels, height, width


def _on(tensors: Sequence[Tensor], device: str) -> tuple[Tensor, ...]:
    return tuple(each.to(device, torch.float32) for each in tensors)
