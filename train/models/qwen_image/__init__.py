"""Qwen-Image (arXiv 2508.02324), built small or large, or as published.

Shapes: c latent channels, p patch side, D text feature width.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, Self

from curation.failures.errors import UsageError
from train.models._published import PublishedFamily
from train.models.family import Count
from train.models.qwen_image.config import PUBLISHED_CLASS, Config
from train.packing.layout import Layout

if TYPE_CHECKING:
    from torch import Tensor, nn


class QwenImage(PublishedFamily):
    """The size of the MMDiT. Width is ``heads`` x ``head_width``; ``rope_axes`` (frame, row,
    column) sum up to ``head_width``. ``zero_cond_t``: references are seen as of noise level 0, as
    edit models since 2511 do; ``layered``: positions and condition of the layered model.

    ``attention`` names the kernel: ``pass_by_pass`` runs anywhere, ``varlen``, ``flex`` on a GPU.
    """

    published_class = PUBLISHED_CLASS

    layers: Count = 60
    heads: Count = 24
    head_width: Count = 128
    rope_axes: tuple[int, int, int] = (16, 56, 56)
    zero_cond_t: bool = False
    layered: bool = False
    attention: Literal["pass_by_pass", "varlen", "flex"] = "pass_by_pass"

    def build(self, channels: int, text_width: int) -> "nn.Module":
        """A new ``PackedQwenImage``.

        Blocks start as the identity (modulation and output are zero, as in DiT, arXiv 2212.09748),
        all other matrices Xavier.
        """
        from train.models.qwen_image.network import PackedQwenImage

        network = PackedQwenImage(self._config(channels, text_width), self.attention)
        network.initialise()
        return network

    def _config(self, channels: int, text_width: int) -> Config:
        if sum(self.rope_axes) != self.head_width:
            raise UsageError(
                f"model.rope_axes {self.rope_axes} sum up to {sum(self.rope_axes)};"
                f" expected model.head_width, {self.head_width}"
            )
        if any(axis % 2 for axis in self.rope_axes):
            raise UsageError(f"model.rope_axes {self.rope_axes}: expected even numbers")
        return Config(
            patch_size=self.patch,
            in_channels=channels * self.patch**2,
            out_channels=channels,
            num_layers=self.layers,
            attention_head_dim=self.head_width,
            num_attention_heads=self.heads,
            joint_attention_dim=text_width,
            axes_dims_rope=self.rope_axes,
            zero_cond_t=self.zero_cond_t,
            use_additional_t_cond=self.layered,
            use_layer3d_rope=self.layered,
        )

    def of_targets(self, block_output: Any, layout: Layout) -> "Tensor":
        """As ``Family``, of text and image tokens."""
        import torch

        tokens: Tensor = block_output[1]
        return tokens[torch.from_numpy(layout.target_places).to(tokens.device)]

    def load(self, folder: Path, channels: int, text_width: int) -> "nn.Module":
        """A published folder, or one of ours."""
        from train.models.qwen_image.network import load

        return load(folder, self.attention)

    def outline(self, folder: Path) -> "nn.Module":
        """As ``Family``."""
        from train.models.qwen_image.network import outline

        return outline(folder)

    @classmethod
    def recognised(cls, content: Mapping[str, Any]) -> Self | None:
        """A published folder, or one of ours: both are those of diffusers."""
        if content.get("_class_name") != PUBLISHED_CLASS:
            return None
        config = Config.of(content)
        return cls(
            patch=config.patch_size,
            layers=config.num_layers,
            heads=config.num_attention_heads,
            head_width=config.attention_head_dim,
            rope_axes=config.axes_dims_rope,
            zero_cond_t=config.zero_cond_t,
            layered=config.use_layer3d_rope,
        )
