"""Tiny networks of Qwen-Image-2.1, ours and diffusers' of the same weights; samples for both."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any
from zlib import crc32

import torch
from torch import Tensor

from train.models.qwen_image_21.keys import keys
from train.models.qwen_image_21.network import PackedQwenImage21
from train.models.qwen_image_21.sizes import QwenImage21Sizes
from train.packing.keys import joined, parted
from train.packing.layout import ImageSpan, Layout, Sample, TextSpan
from train.packing.packed import Packed

SIZES = QwenImage21Sizes(
    in_channels=8,
    out_channels=8,
    num_layers=3,
    attention_head_dim=16,
    num_attention_heads=2,
    context_in_dim=24,
    axes_dims_rope=(4, 6, 6),
)
SAMPLES: dict[str, Sample] = {
    "no reference": (TextSpan(7), ImageSpan(4, 6, True)),
    "wide and odd": (TextSpan(5), ImageSpan(3, 4, True)),
    "a row": (TextSpan(2), ImageSpan(1, 8, True)),
    "a reference": (TextSpan(3), ImageSpan(2, 6, False), TextSpan(5), ImageSpan(4, 5, True)),
    "two adjacent references": (
        *(TextSpan(4), ImageSpan(4, 3, False), ImageSpan(2, 4, False)),
        *(TextSpan(6), ImageSpan(4, 4, True)),
    ),
    "a reference beside the target": (TextSpan(4), ImageSpan(4, 2, False), ImageSpan(5, 4, True)),
}


@cache
def diffusers_network(sizes: QwenImage21Sizes = SIZES, dtype: torch.dtype = torch.float32) -> Any:
    """``QwenImage21Transformer2DModel`` with random weights, norms included, made once."""
    from diffusers import QwenImage21Transformer2DModel

    configuration = {key: value for key, value in sizes.content().items() if key[0] != "_"}
    with torch.random.fork_rng():
        torch.manual_seed(0)
        network = QwenImage21Transformer2DModel(**configuration)
        with torch.no_grad():
            for weight in network.parameters():
                if weight.ndim == 1:
                    weight.add_(torch.randn(weight.shape), alpha=0.3)
    return network.to(dtype)


def packed_network(theirs: Any, sizes: QwenImage21Sizes = SIZES) -> PackedQwenImage21:
    """Ours with the same weights."""
    state = theirs.state_dict()
    network = PackedQwenImage21(sizes).to(next(iter(state.values())).dtype)
    ours = {
        name: joined(source, [state[part.key] for part in source.parts])
        for name, source in keys(sizes).items()
    }
    network.load_state_dict(ours)
    return network


def published(tensors: Mapping[str, Tensor], sizes: QwenImage21Sizes = SIZES) -> dict[str, Tensor]:
    """Weights or gradients of ours under their published keys."""
    sources = keys(sizes).items()
    return {
        key: tensor for name, source in sources for key, tensor in parted(source, tensors[name])
    }


def packed(
    *samples: Sample, sizes: QwenImage21Sizes = SIZES, dtype: torch.dtype = torch.float32
) -> Packed:
    """A batch of random tokens; what a sample holds depends on that sample alone."""
    text, image, sigma = [], [], []
    for sample in samples:
        layout = Layout((sample,))
        random = torch.Generator().manual_seed(crc32(repr(sample).encode()))
        count = len(layout.image_places)
        text.append(torch.randn(len(layout.text_places), sizes.context_in_dim, generator=random))
        image.append(torch.randn(count, sizes.values_in, generator=random))
        sigma.append(torch.rand(1, generator=random))
    tokens = torch.cat(text).to(dtype), torch.cat(image).to(dtype)
    return Packed(*tokens, torch.cat(sigma), Layout(samples))


@dataclass(frozen=True)
class Alone:
    """What diffusers is called with for a single sample."""

    arguments: dict[str, Any]
    targets: int

    def through(self, network: Any) -> Tensor:
        """(A, C) velocity of the target's tokens."""
        velocity: Tensor = network(**self.arguments, return_dict=False)[0][0, -self.targets :]
        return velocity


def alone(batch: Packed) -> Alone:
    """Of a batch of a single sample; image slots hold features, too, which nothing may read."""
    (sample,) = batch.layout.samples
    features, slots, taken = [], [], 0
    for span in sample:
        if isinstance(span, TextSpan):
            features.append(batch.text[taken : taken + span.tokens])
            taken += span.tokens
        elif not span.target:
            features.append(torch.full((span.tokens // 4, batch.text.shape[1]), 7.0).to(batch.text))
        slots.append(torch.full((len(features[-1]),), isinstance(span, ImageSpan)))
    target = sample[-1]
    assert isinstance(target, ImageSpan)
    slots[-1] = torch.ones(target.tokens // 4, dtype=torch.bool)
    shapes = [(1, span.height, span.width) for span in sample if isinstance(span, ImageSpan)]
    arguments = {
        "hidden_states": batch.image[None],
        "encoder_hidden_states": torch.cat(features)[None],
        "timestep": batch.sigma,
        "img_shapes": [shapes],
        "img_mask": torch.cat(slots)[None],
    }
    return Alone(arguments, target.tokens)
