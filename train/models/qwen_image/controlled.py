"""Qwen-Image with a ControlNet as a network of its own: the condition of a sample stands where
references of edits do, and is taken out before the network, which never sees it.

So a ControlNet is trained, judged and shown by whatever trains, judges and shows edits.

Shapes: N samples; A target tokens, K of a condition each; C values of a token, E of the mask.
"""

from dataclasses import dataclass, replace
from functools import lru_cache

import numpy as np
import torch
from torch import Tensor, nn

from train.models.qwen_image import controlnet
from train.models.qwen_image.controlnet import PackedQwenImageControlNet
from train.models.qwen_image.network import PackedQwenImage
from train.models.qwen_image.residuals import Residuals
from train.packing.layout import ImageSpan, Integers, Layout, Sample
from train.packing.packed import Packed


class Controlled(nn.Module):
    """A ``base`` network and what a ``control`` adds to it, at scale 1."""

    def __init__(self, base: PackedQwenImage, control: PackedQwenImageControlNet) -> None:
        super().__init__()
        self.base, self.control = base, control

    def forward(self, packed: Packed) -> Tensor:
        """The velocity of all target tokens, as of ``PackedQwenImage``; the first reference of each
        sample is its condition, the second, where the ControlNet inpaints, what is kept.

        Raises ``ValueError`` for samples with others, or of another size than their target.
        """
        count = 2 if self.control.extra else 1
        places = _places(packed.layout, count)
        device = packed.image.device
        image = packed.image[_moved(places.targets, device)]
        seen = replace(packed, image=image, layout=places.layout)
        condition = packed.image[_moved(places.references[0], device)]
        if self.control.extra:  # every channel is the same: the values of the first say it
            mask = packed.image[_moved(places.references[1], device), : self.control.extra]
            condition = torch.cat([condition, mask], dim=1)
        scale = torch.ones(len(image), device=device)
        samples = self.control(seen, condition, scale)
        every = torch.arange(len(image), device=device)
        velocity: Tensor = self.base(seen, residuals=Residuals(samples, every, every))
        return velocity

    def flops(self, layout: Layout) -> int:
        """Of a forward pass. What is frozen counts two passes in a step, and what is trained three:
        so the ControlNet counts half as much again here.
        """
        own = Layout(tuple(map(_without_references, layout.samples)))
        share = len(self.control.blocks) / len(self.base.blocks)
        return round(self.base.flops(own) * (1 + 1.5 * share))


def planned(base: PackedQwenImage, blocks: int, extra: int = 0) -> Controlled:
    """A frozen ``base`` with a ControlNet as training begins with it; on the meta device nothing is
    computed. Raises ``ValueError`` for more blocks than the base has.
    """
    control = controlnet.of_base(base, blocks, extra)
    return Controlled(base.requires_grad_(False), control)


@dataclass(frozen=True)
class _Places:
    """The ``layout`` without references; where ``targets`` (A,) and of each kind of ``references``
    the tokens (A,) are among the image tokens.
    """

    layout: Layout
    targets: Integers
    references: tuple[Integers, ...]


@lru_cache(maxsize=8)
def _places(layout: Layout, count: int) -> _Places:
    references: list[list[Integers]] = [[] for _ in range(count)]
    samples, place = [], 0
    for number, sample in enumerate(layout.samples):
        given = [span for span in sample if isinstance(span, ImageSpan)]
        target = next(span for span in given if span.target)
        alike = [replace(span, target=True) == target for span in given]
        if len(given) != 1 + count or not all(alike):
            raise ValueError(
                f"sample {number}: {len(given) - 1} conditions; expected {count} of its size"
            )
        rest = iter(references)
        for span in given:
            if not span.target:
                next(rest).append(np.arange(place, place + span.tokens))
            place += span.tokens
        samples.append(_without_references(sample))
    return _Places(
        Layout(tuple(samples)),
        layout.target_places,
        tuple(np.concatenate(own) for own in references),
    )


def _without_references(sample: Sample) -> Sample:
    return tuple(span for span in sample if not isinstance(span, ImageSpan) or span.target)


def _moved(places: Integers, device: torch.device) -> Tensor:
    return torch.from_numpy(places).to(device)
