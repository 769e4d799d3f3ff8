"""A packed batch: the tokens that a network reads, and their layout.

Shapes: N samples, T text tokens, S image tokens, A target tokens of all samples; D text feature
width, C values of an image token; c latent channels, h w latent cells, p patch side.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from train.packing import patches
from train.packing.layout import ImageSpan, Integers, Layout, Sample

Text = tuple[Tensor, ...]  # features (t, D) before, between and behind the places of its images


@dataclass(frozen=True)
class Packed:
    """``text`` features (T, D), ``image`` tokens (S, C), those of targets with their noise, and
    ``sigma`` (N,), the share of noise of each sample's targets, float32 in [0, 1]. ``kept`` (K,)
    are places of the image tokens that go through all blocks, where others go around some
    (``train.packing.routing``); None where all do.
    """

    text: Tensor
    image: Tensor
    sigma: Tensor
    layout: Layout
    kept: Integers | None = None

    def with_targets(self, targets_ac: Tensor, sigma_n: Tensor) -> "Packed":
        """The same with other target tokens (A, C) and noise levels (N,)."""
        if len(targets_ac) == len(self.image):
            return replace(self, image=targets_ac, sigma=sigma_n)
        places = torch.from_numpy(self.layout.target_places).to(self.image.device)
        image = self.image.index_copy(0, places, targets_ac.to(self.image.dtype))
        return replace(self, image=image, sigma=sigma_n)


@dataclass(frozen=True)
class Item:
    """What goes into a batch of one sample: the ``text`` of its prompt, the latents of its
    ``target`` (c, h, w) and of the ``references`` that it is made from, in their order.
    """

    text: Text
    target: Tensor
    references: tuple[Tensor, ...] = ()


def pack(items: Sequence[Item], samples: Sequence[Sample], sigma_n: Tensor, patch: int) -> Packed:
    """The items behind one another as ``samples`` says that their families order them."""
    spans = [span for item in items for span in item.text if len(span)]
    image: list[Tensor] = []
    for item, sample in zip(items, samples, strict=True):
        references = iter(item.references)
        image += [
            patches.pack(item.target if span.target else next(references), patch)
            for span in sample
            if isinstance(span, ImageSpan)
        ]
    return Packed(torch.cat(spans), torch.cat(image), sigma_n, Layout(tuple(samples)))
