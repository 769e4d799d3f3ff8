"""What a step's network sees: its batch with noise, in portions that fit into memory.

Shapes: N samples of the batch, n of a portion, A target tokens of a portion, C values of a token;
c latent channels, h w latent cells.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch
from torch import Tensor

from train import flow, phases
from train.data import features
from train.data.batches import Shown
from train.packing import patches, routing
from train.packing.layout import Integers, Sample
from train.packing.packed import Item, Packed, Text, pack
from train.parts import Parts
from train.precision import autocast
from train.seeds import seed_for

_LEVELS = ((0.0, 0.3), (0.3, 0.6), (0.6, 1.0))  # of noise, by which losses are reported


@dataclass(frozen=True)
class Noised:
    """A sample of a step: what is ``shown``, its caption after dropout, and its ``noise`` (c, h, w)
    of share ``sigma``; the share of image tokens that go ``around`` blocks, and the seed of which;
    whether it is ``aligned`` (REPA).
    """

    shown: Shown
    caption: str
    noise: Tensor
    sigma: float
    around: float = 0.0
    seed: int = 0
    aligned: bool = False


@dataclass(frozen=True)
class Portion:
    """Samples that went through the network together: the ``predicted`` velocity of all their
    target tokens, their ``data`` and ``noise``, (A, C) each; ``sigma`` (n,) of each sample, and
    ``lengths`` (n,) how many of the tokens are its own. ``share`` is that of a sample in the batch.
    ``groups`` of each sample are those by which losses are reported; ``flops`` those of the forward
    pass. ``samples`` went through. ``alignment`` (n,) are losses of their own, to be added, where
    a phase has them.
    """

    predicted: Tensor
    data: Tensor
    noise: Tensor
    sigma: Tensor
    lengths: Tensor
    share: float
    groups: tuple[tuple[str, ...], ...]
    flops: int
    samples: tuple[Noised, ...]
    alignment: Tensor | None = None

    def by_sample(self, of_token: Tensor) -> Tensor:
        """The mean (n,) of each sample's tokens (A,)."""
        return torch.segment_reduce(of_token, "mean", lengths=self.lengths)


def noised(parts: Parts, step: int) -> list[Noised]:
    """The samples of the 1-based ``step`` that this process is shown, each with noise, level and
    dropout from the seed of its place in the batch.
    """
    configuration = parts.configuration
    schedule = flow.build(configuration.flow)
    phase = phases.at(parts.data.phases, step)
    around = phase.tread
    samples: list[Noised] = []
    world = parts.world
    for place, shown in parts.data.batches.at(step, world.data_rank, world.data_ranks):
        random = features.chance(configuration.seed, step, place)
        caption = features.caption(shown, random)
        sigma = schedule.level(shown.latents[0].numel() // parts.family.patch**2, random)
        noise = torch.randn(shown.latents.shape, generator=random)
        seed = seed_for(configuration.seed, "around", step, place) if around else 0
        samples.append(Noised(shown, caption, noise, sigma, around, seed, phase.repa))
    return samples


def through_network(
    parts: Parts, samples: Sequence[Noised], together: int = 1
) -> Iterator[Portion]:
    """The batch through the network, in portions of at most ``tokens_at_once`` tokens.

    Long captions so take no more memory than that asks for, and gradients add up to those of the
    batch. The gradient of a portion is to be taken before the next is asked for; after the last the
    text encoder gets its own, if it is trained.

    So many samples ``together``, of the same lengths, stay in a portion, behind one another.

    Where a batch is divided among processes, all go through as many portions: those with fewer have
    more of no weight.
    """
    features_by_sample = encoded(parts, samples)
    texts = [_leaves(_on(text, parts.device)) for text in features_by_sample]
    items = [
        Item(text, each.shown.latents.to(parts.device), _on(each.shown.references, parts.device))
        for each, text in zip(samples, texts, strict=True)
    ]
    orders = [parts.family.order(item) for item in items]
    lengths = [sum(span.tokens for span in order) for order in orders]
    starts = range(0, len(samples), together)
    of_each = [sum(lengths[start : start + together]) for start in starts]
    divided = [
        [row for unit in units for row in range(unit * together, (unit + 1) * together)]
        for units in portions(of_each, parts.configuration.tokens_at_once)
    ]
    counts = parts.world.parts([len(samples), len(divided)])
    share = 1 / sum(count for count, _ in counts)
    idle = max(passes for _, passes in counts) - len(divided)
    shortest = lengths.index(min(lengths))
    for portion in [*divided, *[[shortest]] * idle]:
        # those alike behind one another, which attention then takes as they are
        rows = sorted(portion, key=lambda row: [span.tokens for span in orders[row]])
        own = [samples[row] for row in rows]
        packed = [items[row] for row in rows], [orders[row] for row in rows]
        yield _portion(parts, own, *packed, share)
        if idle and portion is divided[-1]:
            share = 0.0
    pairs = [
        (stretch, leaf.grad)
        for text, leaves in zip(features_by_sample, texts, strict=True)
        for stretch, leaf in zip(text, leaves, strict=True)
        if leaf.grad is not None
    ]
    if pairs:
        tokens, gradients = zip(*pairs, strict=True)
        torch.autograd.backward(tokens, gradients)


def encoded(parts: Parts, samples: Sequence[Noised]) -> list[Text]:
    """The features of the captions."""
    shown = [each.shown for each in samples]
    return features.encode(parts.text_encoder, [each.caption for each in samples], shown)


def _leaves(text: Text) -> Text:
    """The same features, of which gradients are kept and go no further."""
    return tuple(stretch.detach().requires_grad_(stretch.requires_grad) for stretch in text)


def _on(tensors: Sequence[Tensor], device: str) -> tuple[Tensor, ...]:
    return tuple(each.to(device, non_blocking=True) for each in tensors)


def _portion(
    parts: Parts,
    samples: Sequence[Noised],
    items: Sequence[Item],
    orders: Sequence[Sample],
    share: float,
) -> Portion:
    """Samples through the network, each of so large a ``share`` of the batch."""
    device, patch = parts.device, parts.family.patch
    sigma = torch.tensor([each.sigma for each in samples], device=device)
    packed = replace(pack(items, orders, sigma, patch), kept=_kept(samples, orders))
    layout = packed.layout
    places, sample = (
        torch.from_numpy(each).to(device) for each in (layout.target_places, layout.target_sample)
    )
    data = packed.image if len(places) == len(packed.image) else packed.image[places]
    noise = torch.cat([patches.pack(each.noise, patch) for each in samples]).to(device)
    noisy = packed.with_targets(flow.path(data, noise, sigma[sample]), sigma)
    with autocast(device, parts.configuration.precision):
        predicted, alignment = _predicted(parts, noisy, samples)
    lengths = torch.tensor(layout.target_lengths, device=device)
    groups = tuple(_groups(each, parts.data.autoencoder.factor) for each in samples)
    flops = _flops(parts, packed)
    if not share:
        groups, flops = (), 0
    return Portion(
        predicted, data, noise, sigma, lengths, share, groups, flops, tuple(samples), alignment
    )


def _predicted(
    parts: Parts, noisy: Packed, samples: Sequence[Noised]
) -> tuple[Tensor, Tensor | None]:
    """The velocity, and the losses of alignment, where there are some."""
    if parts.alignment is None or not samples[0].aligned:
        return parts.transformer(noisy), None
    outputs: list[Any] = []
    block = parts.transformer.blocks[parts.alignment.configuration.block - 1]
    handle = block.register_forward_hook(lambda _module, _given, output: outputs.append(output))
    predicted = parts.transformer(noisy)
    handle.remove()
    hidden = parts.family.of_targets(outputs[0], noisy.layout)
    latents = [each.shown.latents for each in samples]
    return predicted, parts.alignment.losses(hidden, latents, parts.family.patch)


def _kept(samples: Sequence[Noised], orders: Sequence[Sample]) -> Integers | None:
    """The image tokens that go through all blocks; None where all do."""
    if not any(each.around for each in samples):
        return None
    choices = [
        routing.kept(order, each.around, torch.Generator().manual_seed(each.seed))
        for each, order in zip(samples, orders, strict=True)
    ]
    return np.flatnonzero(np.concatenate(choices))


def _flops(parts: Parts, packed: Packed) -> int:
    """Of the forward pass, less where tokens go around blocks."""
    family, layout = parts.family, packed.layout
    flops = family.flops(parts.transformer, layout)
    if packed.kept is None:
        return flops
    fewer = family.flops(parts.transformer, routing.shortened(layout, packed.kept))
    share = len(family.middle) / len(parts.transformer.blocks)
    return round((1 - share) * flops + share * fewer)


def _groups(sample: Noised, factor: int) -> tuple[str, ...]:
    """By noise level, size in pixels, task and source."""
    shown = sample.shown
    height, width = (factor * cells for cells in shown.latents.shape[1:])
    low, high = next(bounds for bounds in _LEVELS if sample.sigma <= bounds[1])
    return (
        f"noise/{low}-{high}",
        f"size/{width}x{height}",
        f"task/{shown.task}",
        f"source/{shown.source}",
    )


def portions(lengths: Sequence[int], most: int) -> list[list[int]]:
    """Which samples go through the network together, by first-fit: each into the first portion that
    has room for its ``lengths`` tokens, of ``most`` at most, or into one of its own.
    """
    filled: list[tuple[int, list[int]]] = []
    for row, length in enumerate(lengths):
        for place, (used, rows) in enumerate(filled):
            if used + length <= most:
                filled[place] = (used + length, [*rows, row])
                break
        else:
            filled.append((length, [row]))
    return [rows for _, rows in filled]
