"""Qwen-Image-2.1 (arXiv 2605.10730, as diffusers has it), built small or large, or as published.

Shapes: c latent channels, p patch side, D text feature width.
"""

from collections.abc import Callable, Mapping, Sequence
from itertools import zip_longest
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, Self

from curation.failures.errors import UsageError
from train.models._published import PublishedFamily
from train.models.family import Count, Grid, guided
from train.models.qwen_image_21.sizes import PUBLISHED_CLASS, QwenImage21Sizes
from train.packing.layout import ImageSpan, Layout, Sample, Span, TextSpan

if TYPE_CHECKING:
    from torch import Tensor, nn

    from train.packing.packed import Packed


class QwenImage21(PublishedFamily):
    """The size of the network. Width is ``heads`` x ``head_width``, and that of the MLP
    ``mlp_ratio`` times as much; ``rope_axes`` (frame, row, column) sum up to ``head_width``.
    ``causal_condition``: text and references are seen as of noise level 0, and need computing but
    once for all steps of sampling.

    ``attention`` names the kernel: ``pass_by_pass`` runs anywhere, ``varlen``, ``flex`` on a GPU.
    """

    published_class = PUBLISHED_CLASS

    patch: Count = 1
    layers: Count = 32
    heads: Count = 32
    head_width: Count = 128
    mlp_ratio: Count = 3
    rope_axes: tuple[int, int, int] = (16, 56, 56)
    causal_condition: bool = True
    attention: Literal["pass_by_pass", "varlen", "flex"] = "pass_by_pass"

    def unit(self, factor: int) -> int:
        """Two tokens: the text encoder has a place for each 2 x 2 of them."""
        return 2 * super().unit(factor)

    def build(self, channels: int, text_width: int) -> "nn.Module":
        """A new ``PackedQwenImage21``.

        Blocks start as the identity (modulation and output are zero, as in DiT, arXiv 2212.09748),
        all other matrices Xavier.
        """
        from train.models.qwen_image_21.network import PackedQwenImage21

        network = PackedQwenImage21(self.sizes(channels, text_width), self.attention)
        network.initialise()
        return network

    def sizes(self, channels: int, text_width: int) -> QwenImage21Sizes:
        """Of the network that ``build`` would build. Raises ``UsageError`` as it does."""
        try:
            return QwenImage21Sizes(
                patch_size=self.patch,
                in_channels=channels,
                out_channels=channels,
                num_layers=self.layers,
                attention_head_dim=self.head_width,
                num_attention_heads=self.heads,
                context_in_dim=text_width,
                mlp_ratio=self.mlp_ratio,
                axes_dims_rope=self.rope_axes,
                causal_condition=self.causal_condition,
            )
        except ValueError as error:
            raise UsageError(f"model: {error}") from None

    def sample(self, text: Sequence[int], target: Grid, references: Sequence[Grid]) -> Sample:
        """Each reference behind the stretch of text before its place, and last the target."""
        spans: list[Span] = []
        for tokens, grid in zip_longest(text, references):
            spans += [TextSpan(tokens)] if tokens else []
            spans += [ImageSpan(grid[0], grid[1], target=False)] if grid else []
        return (*spans, ImageSpan(*target, target=True))

    def guide(self, conditional: "Tensor", unconditional: "Tensor", guidance: "Tensor") -> "Tensor":
        """Not rescaled, as ``QwenImage21Pipeline`` does."""
        return guided(conditional, unconditional, guidance)

    def begin(self, network: Any, packed: "Packed") -> "Callable[[Tensor, Tensor, int], Tensor]":
        """With ``causal_condition``, keys and values of text and references are computed once."""
        if not self.causal_condition:
            return super().begin(network, packed)
        prefix = network.prefix(packed)
        return lambda tokens, sigma, _: network.step(prefix, tokens, sigma)

    def of_targets(self, block_output: Any, layout: Layout) -> "Tensor":
        """As ``Family``, of joined tokens; the last block gives those of targets alone."""
        import torch

        tokens: Tensor = block_output
        if len(tokens) < layout.tokens:
            return tokens
        places = layout.image_places[layout.is_target]
        return tokens[torch.from_numpy(places).to(tokens.device)]

    def flops(self, network: Any, layout: Layout) -> int:
        """As ``Family``; neither channels nor the width of features count."""
        return self.sizes(1, 1).flops(layout)

    def load(self, folder: Path, channels: int, text_width: int) -> "nn.Module":
        """A published folder, or one of ours."""
        from train.models.qwen_image_21.network import load

        return load(folder, self.attention)

    def outline(self, folder: Path) -> "nn.Module":
        """As ``Family``."""
        from train.models.qwen_image_21.network import outline

        return outline(folder)

    @classmethod
    def recognised(cls, content: Mapping[str, Any]) -> Self | None:
        """A published folder, or one of ours: both are those of diffusers."""
        if content.get("_class_name") != PUBLISHED_CLASS:
            return None
        sizes = QwenImage21Sizes.of(content)
        return cls(
            patch=sizes.patch_size,
            layers=sizes.num_layers,
            heads=sizes.num_attention_heads,
            head_width=sizes.attention_head_dim,
            mlp_ratio=sizes.mlp_ratio,
            rope_axes=sizes.axes_dims_rope,
            causal_condition=sizes.causal_condition,
        )
