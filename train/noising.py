"""What a step's network sees: its batch with noise, in portions that fit into memory.

Shapes: B batch, C latent channels, h w latent cells, b images of a portion.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import torch
from torch import Tensor

from train import flow
from train.models.family import Condition, Family
from train.parts import Parts
from train.precision import autocast
from train.seeds import seed_for


@dataclass(frozen=True)
class Noised:
    """The batch of a step: ``data`` and ``noise`` (B, C, h, w), ``sigma`` (B,) the share of noise,
    and the captions left after dropout.
    """

    data: Tensor
    noise: Tensor
    sigma: Tensor
    captions: list[str]


@dataclass(frozen=True)
class Portion:
    """Images of a batch that went through the network together, ``share`` of all: the ``predicted``
    velocity, ``data`` and ``noise``, (b, C, h, w) each, and ``sigma`` (b,).
    """

    predicted: Tensor
    data: Tensor
    noise: Tensor
    sigma: Tensor
    share: float


def noised(parts: Parts, step: int) -> Noised:
    """The batch of the 1-based ``step`` with its noise, noise levels and captions."""
    configuration = parts.configuration
    batch = parts.data.at(step)
    random = torch.Generator().manual_seed(seed_for(configuration.seed, "step", step))
    noise = torch.randn(batch.latents.shape, generator=random)
    sigma = flow.build(configuration.flow).sample_levels(
        len(noise), tokens_of(noise, parts.family), random
    )
    captions = drop_captions(batch.captions, configuration.data.caption_dropout, random)
    data, noise, sigma = (value.to(parts.device) for value in (batch.latents, noise, sigma))
    return Noised(data, noise, sigma, captions)


def through_network(parts: Parts, batch: Noised) -> Iterator[Portion]:
    """The batch through the network, in portions of at most ``tokens_at_once`` tokens.

    Long captions so take no more memory than that asks for, and gradients add up to those of the
    batch. The gradient of a portion is to be taken before the next is asked for; after the last the
    text encoder gets its own, if it is trained.
    """
    configuration = parts.configuration
    encoded, mask = parts.text_encoder.encode(batch.captions)
    features = encoded.detach().requires_grad_(encoded.requires_grad)
    tokens = tokens_of(batch.noise, parts.family)
    for rows, longest in portions(mask.sum(1).tolist(), tokens, configuration.tokens_at_once):
        data, noise, sigma = batch.data[rows], batch.noise[rows], batch.sigma[rows]
        condition = Condition(features[rows, :longest].float(), mask[rows, :longest])
        noisy = flow.path(data, noise, sigma)
        with autocast(parts.device, configuration.precision):
            predicted = parts.family.velocity(parts.transformer, noisy, sigma, condition)
        yield Portion(predicted, data, noise, sigma, len(noisy) / len(batch.noise))
    if features.grad is not None:
        encoded.backward(features.grad)  # type: ignore[no-untyped-call]


def tokens_of(latents: Tensor, family: Family) -> int:
    """The image tokens of each of latents (B, C, h, w)."""
    return int(latents.shape[2] * latents.shape[3] // family.patch**2)


def portions(lengths: list[int], tokens: int, most: int) -> list[tuple[list[int] | slice, int]]:
    """The rows of a batch that go through the network together, and their longest caption.

    ``lengths`` are the text tokens of each row, ``tokens`` the image tokens; with its padding a
    portion has at most ``most`` of both, or one row. Where all do they stay as they are, else rows
    of about a length go together.
    """
    if len(lengths) * (tokens + max(lengths)) <= most:
        return [(slice(None), max(lengths))]
    divided: list[tuple[list[int] | slice, int]] = []
    rows: list[int] = []
    for row in sorted(range(len(lengths)), key=lengths.__getitem__):
        if rows and (len(rows) + 1) * (tokens + lengths[row]) > most:
            divided.append((rows, lengths[rows[-1]]))
            rows = []
        rows.append(row)
    return [*divided, (rows, lengths[rows[-1]])]


def drop_captions(captions: list[str], dropout: float, random: torch.Generator) -> list[str]:
    """The captions, each "" with chance ``dropout``."""
    chance = torch.rand(len(captions), generator=random).tolist()
    return [
        "" if drop < dropout else caption for caption, drop in zip(captions, chance, strict=True)
    ]
