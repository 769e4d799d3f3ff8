"""Images that a network generates of the prompts of a step, while it is trained.

Shapes: N images, A target tokens of all of them, C values of a token; c latent channels, h w latent
cells, H W pixels.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch
from torch import Tensor

from train import flow, noising, sampler
from train.data import features
from train.data.batches import Shown
from train.packing import patches
from train.packing.packed import Item, Text
from train.parts import Parts
from train.pixels import Pixels, as_image
from train.precision import autocast
from train.sampler import Asked
from train.stochastic import Step

STORAGE = {"float32": torch.float32, "bfloat16": torch.bfloat16}


@dataclass(frozen=True)
class Generating:
    """How images are generated: so many ``steps``, with ``guidance``; with noise of the ``amount``
    in the first ``noisy`` steps, and latents rounded to ``storage``. ``within`` is the number of
    steps of a schedule, and that of one of them, from 0: the steps are within that one.
    """

    steps: int
    guidance: float
    amount: float = 0.0
    storage: str = "float32"
    noisy: int = 0
    within: tuple[int, int] | None = None


@dataclass(frozen=True)
class Asking:
    """An image to generate of a ``prompt``, as large as what is ``shown``, with its ``text``: from
    the noise of a ``seed``, or where that led to, the latents (c, h, w) of ``start``; with noise of
    the steps of ``of_steps``.
    """

    shown: Shown
    prompt: str
    text: Text
    seed: int
    of_steps: int = 0
    start: Tensor | None = None


@dataclass(frozen=True)
class Generated:
    """``latents`` (c, h, w) of the images; ``states`` are the tokens of each before each step, and
    after the last, by step and image.
    """

    latents: list[Tensor]
    states: list[list[Tensor]]


@torch.no_grad()
def prompts(parts: Parts, shown: Sequence[Shown]) -> list[Text]:
    """The features of the captions of samples, on the device."""
    plain = [replace(each, features=None) for each in shown]  # some have those of no caption
    encoded = features.encode(parts.text_encoder, [each.caption for each in shown], plain)
    return [_on(text, parts.device) for text in encoded]


@torch.no_grad()
def generate(
    parts: Parts, network: Any, asking: Sequence[Asking], settings: Generating
) -> Generated:
    """By a ``network``, in portions of at most ``tokens_at_once`` tokens. What chance there is has
    the seeds of each image: it does not depend on what is beside it, but for rounding.
    """
    asked = _asked(parts, asking, settings)
    lengths = [_tokens(parts, each) for each in asked]
    latents: dict[int, Tensor] = {}
    states: dict[int, list[Tensor]] = {}
    for rows in noising.portions(lengths, parts.configuration.tokens_at_once):
        walk = _Walk([asked[n] for n in rows], [asking[n].of_steps for n in rows], parts, settings)
        latents |= zip(rows, _walked(parts, network, walk, settings), strict=True)
        states |= zip(rows, walk.by_image(), strict=True)
    by_step = zip(*(states[number] for number in range(len(asking))), strict=True)
    return Generated([latents[n] for n in range(len(asking))], [list(each) for each in by_step])


def _asked(parts: Parts, asking: Sequence[Asking], settings: Generating) -> list[Asked]:
    negatives: Sequence[Text | None] = [None] * len(asking)
    if settings.guidance != 1:
        negatives = empty(parts, asking)
    return [
        Asked(
            each.text,
            _shape(each.shown),
            each.seed,
            negative,
            settings.guidance,
            _on(each.shown.references, parts.device),
            each.start,
        )
        for each, negative in zip(asking, negatives, strict=True)
    ]


@torch.no_grad()
def empty(parts: Parts, asking: Sequence[Asking]) -> list[Text]:
    """The features of no prompt, beside the images that each text is beside."""
    images = [each.shown.images for each in asking]
    encoded = parts.text_encoder.encode([""] * len(asking), images)
    return [_on(text, parts.device) for text in encoded]


def _tokens(parts: Parts, asked: Asked) -> int:
    """Of an image, twice where it is guided: both go through the network together."""
    empty = torch.empty(asked.shape, device="meta")
    texts = [asked.text] if asked.negative is None else [asked.text, asked.negative]
    orders = [parts.family.order(Item(text, empty, asked.references)) for text in texts]
    return sum(span.tokens for order in orders for span in order)


def _walked(parts: Parts, network: Any, walk: "_Walk", settings: Generating) -> list[Tensor]:
    """The latents of a portion."""
    with autocast(parts.device, parts.configuration.precision):
        return sampler.sample(
            sampler.anew(network),
            parts.family,
            walk.asked,
            steps=settings.steps,
            flow=_flow(parts, settings),
            device=parts.device,
            advance=walk.advance,
        )


def _flow(parts: Parts, settings: Generating) -> flow.Flow:
    """The levels that are stepped through."""
    every = flow.build(parts.configuration.flow)
    if settings.within is None:
        return every
    steps_of_all, number = settings.within
    return flow.Within(**vars(every), steps_of_all=steps_of_all, number=number)


@torch.no_grad()
def pixels(parts: Parts, latents: Sequence[Tensor]) -> list[Pixels]:
    """The images (H, W, 3) of latents (c, h, w), those of a size decoded together, of at most
    ``tokens_at_once`` image tokens.
    """
    images: dict[int, Pixels] = {}
    most, patch = parts.configuration.tokens_at_once, parts.family.patch
    by_shape: dict[tuple[int, ...], list[int]] = {}
    for number, each in enumerate(latents):
        by_shape.setdefault(tuple(each.shape), []).append(number)
    divided = [
        [numbers[row] for row in rows]
        for (_, height, width), numbers in by_shape.items()
        for rows in noising.portions([height * width // patch**2] * len(numbers), most)
    ]
    for numbers in divided:
        decoded = parts.data.autoencoder.decode(torch.stack([latents[n].float() for n in numbers]))
        for number, image in zip(numbers, decoded, strict=True):
            images[number] = np.asarray(as_image(image).convert("RGB"))
    return [images[number] for number in range(len(latents))]


class _Walk:
    """The steps of what is ``asked``, with all ``states`` (A, C) between them."""

    def __init__(
        self, asked: Sequence[Asked], seeds: Sequence[int], parts: Parts, settings: Generating
    ) -> None:
        self.asked, self._settings, self._storage = asked, settings, STORAGE[settings.storage]
        self._random = [torch.Generator().manual_seed(seed) for seed in seeds]
        starts = [patches.pack(each.start(), parts.family.patch) for each in asked]
        self._counts = [len(each) for each in starts]
        self.states = [torch.cat(starts).to(parts.device)]

    def by_image(self) -> list[list[Tensor]]:
        """The states of each image."""
        each = [torch.split(state, self._counts) for state in self.states]
        return [list(own) for own in zip(*each, strict=True)]

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
