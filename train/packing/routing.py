"""Image tokens that go around the middle blocks of a network in training (TREAD, arXiv 2501.04765).

The others go through all blocks, all keep their positions, and behind the middle all go on
together. There are no weights to it, and a network is sampled from without it.

Shapes: S image tokens, J joined tokens, K of either that go through all blocks.
"""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import torch

from train.packing.attention import Pass
from train.packing.layout import ImageSpan, Integers, Layout, Sample

FIRST, BEHIND = 2, 3  # blocks before those that tokens go around, and after them


def middle(layers: int) -> range:
    """The blocks that tokens go around, the third to the last but three; none of few layers."""
    return range(FIRST, layers - BEHIND)


def kept(sample: Sample, around: float, random: torch.Generator) -> list[bool]:
    """Which of a sample's image tokens go through all blocks: all but the share of each image that
    goes ``around``, to a token, and at least one.
    """
    choices: list[bool] = []
    for span in sample:
        if isinstance(span, ImageSpan):
            order = torch.randperm(span.tokens, generator=random)
            count = max(1, span.tokens - round(around * span.tokens))
            choices += (order < count).tolist()
    return choices


def joined(layout: Layout, kept_k: Integers) -> Integers:
    """(K,) the joined places of all text tokens and of the image tokens that were ``kept``."""
    return np.sort(np.concatenate([layout.text_places, layout.image_places[kept_k]]))


def passes(all_of: Sequence[Pass], places: Integers, tokens: int) -> tuple[Pass, ...]:
    """What the tokens at some of J ``tokens`` joined places see of one another."""
    before = np.zeros(tokens + 1, np.int64)
    before[places + 1] = 1
    before = before.cumsum()
    moved = (
        replace(
            part,
            start=int(before[part.start]),
            end=int(before[part.end]),
            seen_from=int(before[part.seen_from]),
        )
        for part in all_of
    )
    return tuple(part for part in moved if part.end > part.start)


def shortened(layout: Layout, kept_k: Integers) -> Layout:
    """Samples of the tokens that go through all blocks, for counting: each image a line of them."""
    images = [span.tokens for _, _, span in layout.spans() if isinstance(span, ImageSpan)]
    image = np.repeat(np.arange(len(images)), images)
    counts = iter(np.bincount(image[kept_k], minlength=len(images)).tolist())
    return Layout(
        tuple(
            tuple(
                ImageSpan(1, next(counts), span.target) if isinstance(span, ImageSpan) else span
                for span in sample
            )
            for sample in layout.samples
        )
    )
