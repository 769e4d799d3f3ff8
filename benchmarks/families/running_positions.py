"""Qwen-Image with 1-D positions in place of MSRoPE, the baseline of its report (arXiv 2508.02324,
3.2): image tokens are counted row by row, and text goes on behind them.

All of a head turns by the one position, as in a language model.
"""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, Self

import numpy as np
import torch

from train.models.family import Family
from train.models.qwen_image import QwenImage
from train.models.qwen_image.network import PackedQwenImage
from train.models.qwen_image.places import Places
from train.packing.layout import Integers, Layout, TextSpan
from train.packing.rotary import rotation


class RunningPositions(QwenImage):
    """The settings of Qwen-Image, of which ``rope_axes`` has no meaning but its sum."""

    def build(self, channels: int, text_width: int) -> "RunningPositionsNetwork":
        """A new network, with the weights that one with MSRoPE would begin with."""
        network = RunningPositionsNetwork(self._config(channels, text_width), self.attention)
        network.initialise()
        return network

    def save(
        self, network: Any, directory: Path, values: Mapping[str, torch.Tensor] | None = None
    ) -> dict[str, tuple[str, str]]:
        """In our own way: nobody else's pipeline would know its positions."""
        return Family.save(self, network, directory, values)

    def load(self, folder: Path, channels: int, text_width: int) -> Any:
        """What ``save`` wrote."""
        return Family.load(self, folder, channels, text_width)

    @classmethod
    def recognised(cls, content: Mapping[str, Any]) -> Self | None:
        """Of nobody's files but its own."""
        return None


class RunningPositionsNetwork(PackedQwenImage):
    """The network, with other angles."""

    def places(self, layout: Layout, device: torch.device) -> Places:
        """As ``PackedQwenImage``."""
        at, width = positions(layout), self.config.attention_head_dim
        return replace(
            super().places(layout, device),
            text_turn=rotation(at[layout.text_places], (width,), device),
            image_turn=rotation(at[layout.image_places], (width,), device),
        )


def positions(layout: Layout) -> Integers:
    """(J, 1) of the joined tokens."""
    parts: list[Integers] = []
    for sample in layout.samples:
        images = sum(span.tokens for span in sample if not isinstance(span, TextSpan))
        text, image = images, 0
        for span in sample:
            start = text if isinstance(span, TextSpan) else image
            parts.append(np.arange(start, start + span.tokens))
            if isinstance(span, TextSpan):
                text += span.tokens
            else:
                image += span.tokens
    return np.concatenate(parts)[:, None]
