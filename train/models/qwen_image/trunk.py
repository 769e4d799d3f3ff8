"""What Qwen-Image and its ControlNet have in common: from a packed batch to tokens, and blocks.

Shapes: N samples; T text and S image tokens; R noise levels; d width.
"""

from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.functional import silu

from train.models.qwen_image.block import Block
from train.models.qwen_image.config import Config
from train.models.qwen_image.places import Places, places
from train.packing import compiling
from train.packing.layout import Layout
from train.packing.norms import RmsNorm
from train.packing.packed import Packed
from train.packing.published import Published
from train.packing.time_embedding import TimeEmbedding


class Conditioning(nn.Module):
    """Noise levels, and which kind of condition (``additional``, of layered images), to what
    modulation is made from.
    """

    def __init__(self, config: Config) -> None:
        super().__init__()
        self.time = TimeEmbedding(config.width, bias=True)
        self.additional = nn.Embedding(2, config.width) if config.use_additional_t_cond else None

    def forward(self, sigma: Tensor, additional: Tensor, activations: torch.dtype) -> Tensor:
        """``sigma`` and ``additional`` (R,) to (R, d)."""
        embedded = self.time(sigma, activations)
        if self.additional is not None:
            embedded = embedded + self.additional(additional).to(activations)
        return silu(embedded)


class Trunk(Published):
    """What comes in, and the blocks. ``attention`` names the kernel (``train.packing.kernels``).

    The switch ``rounds_timestep`` rounds it as diffusers does, for parity (``TimeEmbedding``).
    """

    def __init__(self, config: Config, attention: str) -> None:
        super().__init__()
        self.config = config
        self.attention = attention
        self.image_in = nn.Linear(config.in_channels, config.width)
        self.text_norm = RmsNorm(config.joint_attention_dim)
        self.text_in = nn.Linear(config.joint_attention_dim, config.width)
        self.conditioning = Conditioning(config)
        last = config.num_layers - 1
        self.blocks = nn.ModuleList(Block(config, k == last) for k in range(config.num_layers))

    @property
    def rounds_timestep(self) -> bool:
        """Whether noise levels are rounded to the numbers of the activations."""
        return self.conditioning.time.rounds

    @rounds_timestep.setter
    def rounds_timestep(self, rounds: bool) -> None:
        self.conditioning.time.rounds = rounds

    def tokens(self, packed: Packed) -> tuple[Tensor, Tensor]:
        """Text (T, d) and image tokens (S, d) as the first block takes them."""
        kind = self.image_in.weight.dtype
        text = self.text_in(self.text_norm(packed.text.to(kind)))
        return text, self.image_in(packed.image.to(kind))

    def places(self, layout: Layout, device: torch.device) -> Places:
        """Where the tokens of a batch stand. Raises ``ValueError`` for samples in another order
        than the family's, ``UsageError`` for attention that does not run here.
        """
        return places(layout, self.config, self.attention, device)

    def condition(
        self, sigma: Tensor, additional: Tensor | None, activations: torch.dtype
    ) -> Tensor:
        """(N, d), or (2N, d) with those of noise level 0 behind, by which references are seen."""
        if additional is None:
            additional = torch.zeros_like(sigma, dtype=torch.long)
        if self.config.zero_cond_t:
            sigma = torch.cat([sigma, torch.zeros_like(sigma)])
            additional = additional.repeat(2)
        condition: Tensor = self.conditioning(sigma, additional, activations)
        return condition

    def parameter_count(self) -> int:
        """All of them, those without a gradient too."""
        return sum(parameter.numel() for parameter in self.parameters())

    def compile_blocks(self, **options: Any) -> None:
        """Compile what blocks do before and after attention, for any number of tokens."""
        compiling.compile_parts(self.blocks, **options)

    def content(self) -> dict[str, Any]:
        """Of the published config.json."""
        return self.config.content()
