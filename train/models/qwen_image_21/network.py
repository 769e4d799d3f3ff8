"""Qwen-Image-2.1 without padding: the tokens of all samples of a batch in one sequence.

It computes what diffusers' ``QwenImage21Transformer2DModel`` does, loads and saves its files, and
takes samples of any sizes, tasks and lengths of text together.

Shapes: N samples; T text, S image, J = T + S joined and A target tokens; R rows of modulation; d
width.
"""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.functional import gelu, silu

from train.models.qwen_image_21.block import Block, Modulation
from train.models.qwen_image_21.keys import keys
from train.models.qwen_image_21.places import Places, attention, places, routed
from train.models.qwen_image_21.prefix import PrefixCache, recording
from train.models.qwen_image_21.sizes import QwenImage21Sizes
from train.packing import compiling, routing, weights
from train.packing.attention import Attend
from train.packing.by_head import ByHead
from train.packing.keys import Keys
from train.packing.layout import Layout
from train.packing.norms import rms_norm
from train.packing.packed import Packed
from train.packing.published import Published
from train.packing.rows import modulated, reorder
from train.packing.time_embedding import TimeEmbedding


class TextIn(nn.Module):
    """Features of text to tokens; the weight of the norm is stored minus 1."""

    def __init__(self, sizes: QwenImage21Sizes) -> None:
        super().__init__()
        self.norm = nn.Parameter(torch.zeros(sizes.context_in_dim))
        self.first = nn.Linear(sizes.context_in_dim, sizes.width, bias=False)
        self.second = nn.Linear(sizes.width, sizes.width, bias=False)

    def forward(self, features: Tensor) -> Tensor:
        """(T, D) to (T, d)."""
        normed = rms_norm(features, self.norm.float() + 1).to(features.dtype)
        tokens: Tensor = self.second(gelu(self.first(normed), approximate="tanh"))
        return tokens


class PackedQwenImage21(Published):
    """The network. ``attention`` names the kernel (``train.packing.kernels``).

    The switch ``rounds_timestep`` rounds it as diffusers does, for parity (``TimeEmbedding``).
    """

    def __init__(self, sizes: QwenImage21Sizes, attention: str = "pass_by_pass") -> None:
        super().__init__()
        width = sizes.width
        self.sizes, self.attention = sizes, attention
        self.time = TimeEmbedding(width, bias=False)
        self.text_in = TextIn(sizes)
        self.image_in = nn.Linear(sizes.values_in, width, bias=False)
        self.modulation = nn.Linear(width, 4 * width, bias=False)
        self.blocks = nn.ModuleList(Block(sizes) for _ in range(sizes.num_layers))
        self.modulation_out = nn.Linear(width, width, bias=False)
        self.out = nn.Linear(width, sizes.values_out, bias=False)

    @property
    def rounds_timestep(self) -> bool:
        """Whether noise levels are rounded to the numbers of the activations."""
        return self.time.rounds

    @rounds_timestep.setter
    def rounds_timestep(self, rounds: bool) -> None:
        self.time.rounds = rounds

    def forward(self, packed: Packed) -> Tensor:
        """The velocity, noise - data, of all target tokens, (A, patch side^2 x channels out).

        Raises ``ValueError`` for samples in another order than the family's, ``UsageError`` for
        attention that does not run here.
        """
        image, text = self.image_in(self._typed(packed.image)), self._text(packed.text)
        where = places(packed.layout, self.sizes, image.device)
        attend = attention(packed.layout, self.attention, image.device)
        tokens = reorder(torch.cat([text, image]), where.to_joint, where.from_joint)
        condition = self._condition(packed.sigma, tokens.dtype)
        if packed.kept is None:
            targets = self._through(tokens, where, condition, [attend] * len(self.blocks))
        else:
            route = routed(packed, where, self.attention)
            targets = self._routed(tokens, where, condition, attend, route)
        return self._velocity(targets, where, condition)

    def prefix(self, packed: Packed) -> PrefixCache:
        """What targets of any noise level see of the text and references before them; ``image``
        may hold anything for the targets themselves.

        Raises ``ValueError`` without ``causal_condition``, with which alone it is the same at all
        noise levels; else as ``forward``.
        """
        if not self.sizes.causal_condition:
            raise ValueError("no prefix without causal_condition: it depends on the noise level")
        references = packed.image[
            torch.from_numpy(~packed.layout.is_target).to(packed.image.device)
        ]
        image, text = self.image_in(self._typed(references)), self._text(packed.text)
        where = places(packed.layout, self.sizes, image.device, "prefix")
        attend = attention(packed.layout, self.attention, image.device, prefix=True)
        kept: list[tuple[Tensor, Tensor]] = []
        tokens = reorder(torch.cat([text, image]), where.to_joint, where.from_joint)
        condition = self._condition(packed.sigma, tokens.dtype)
        self._through(tokens, where, condition, [recording(attend, kept)] * len(self.blocks))
        return PrefixCache(packed.layout, tuple(kept))

    def step(self, prefix: PrefixCache, targets: Tensor, sigma: Tensor) -> Tensor:
        """As ``forward``, of the ``targets`` (A, C) behind a prefix, at levels ``sigma`` (N,)."""
        tokens = self.image_in(self._typed(targets))
        where = places(prefix.layout, self.sizes, tokens.device, "target")
        condition = self._condition(sigma, tokens.dtype)
        targets = self._through(tokens, where, condition, prefix.attends())
        return self._velocity(targets, where, condition)

    def initialise(self) -> None:
        """Weights of a new network, from torch's random state: modulation and output are zero, so
        that blocks start as the identity (DiT, arXiv 2212.09748); all other matrices are Xavier,
        each published one by itself.
        """
        sources = keys(self.sizes)
        for name, parameter in self.named_parameters():
            if name.startswith(("modulation", "out.")):
                nn.init.zeros_(parameter)
            elif parameter.ndim == 2:
                rows, columns = parameter.shape
                bound = (6 / (rows // len(sources[name].parts) + columns)) ** 0.5
                nn.init.uniform_(parameter, -bound, bound)

    def parameter_count(self) -> int:
        """All of them."""
        return self.sizes.parameter_count()

    def flops(self, layout: Layout) -> int:
        """Of one forward pass (``QwenImage21Sizes.flops``)."""
        return self.sizes.flops(layout)

    def sources(self) -> Keys:
        """What each parameter is made of."""
        return keys(self.sizes)

    def by_head(self) -> ByHead:
        """How it is divided among processes."""
        blocks = [f"blocks.{number}" for number in range(len(self.blocks))]
        return ByHead(
            self.sizes.num_attention_heads,
            tuple(f"{block}.{layer}" for block in blocks for layer in ("qkv", "mlp_in")),
            tuple(f"{block}.{layer}" for block in blocks for layer in ("attended", "mlp_out")),
            tuple(f"{block}.qk_norm" for block in blocks),
        )

    def compile_blocks(self, **options: Any) -> None:
        """Compile what blocks do before and after attention, for any number of tokens."""
        compiling.compile_parts(self.blocks, **options)

    def content(self) -> dict[str, Any]:
        """Of the published config.json."""
        return self.sizes.content()

    def _typed(self, values: Tensor) -> Tensor:
        return values.to(self.image_in.weight.dtype)

    def _text(self, features: Tensor) -> Tensor:
        tokens: Tensor = self.text_in(self._typed(features))
        return tokens

    def _condition(self, sigma: Tensor, activations: torch.dtype) -> Tensor:
        """(R, d) of each sample, and with ``causal_condition`` a last row of noise level 0."""
        if self.sizes.causal_condition:
            sigma = torch.cat([sigma, sigma.new_zeros(1)])
        return silu(self.time(sigma, activations))

    def _through(
        self, tokens: Tensor, where: Places, condition: Tensor, attends: Sequence[Attend]
    ) -> Tensor:
        """``tokens`` (J, d) to what becomes of the targets among them (A, d), by an attention for
        each block.
        """
        modulation = self._modulation(condition)
        kept: list[Tensor | None] = [None] * (len(self.blocks) - 1) + [where.target]
        for block, attend, places_kept in zip(self.blocks, attends, kept, strict=True):
            tokens = block(tokens, modulation, where.rows, where.turn, attend, places_kept)
        return tokens

    def _routed(
        self,
        tokens: Tensor,
        where: Places,
        condition: Tensor,
        attend: Attend,
        route: tuple[Tensor, Places, Attend],
    ) -> Tensor:
        """As ``_through``, but some tokens go around the middle blocks (``routing``)."""
        modulation, middle = self._modulation(condition), routing.middle(len(self.blocks))
        kept, inside, attend_inside = route
        around = tokens
        for number, block in enumerate(self.blocks):
            if number == middle.start:
                around, tokens = tokens, tokens.index_select(0, kept)
            at, seeing = (inside, attend_inside) if number in middle else (where, attend)
            targets = where.target if number == len(self.blocks) - 1 else None
            tokens = block(tokens, modulation, at.rows, at.turn, seeing, targets)
            if number == middle[-1]:
                tokens = around.index_copy(0, kept, tokens)
        return tokens

    def _modulation(self, condition: Tensor) -> Modulation:
        scale, gate, scale_mlp, gate_mlp = self.modulation(condition).chunk(4, dim=-1)
        return Modulation(scale, gate.tanh(), scale_mlp, gate_mlp.tanh())

    def _velocity(self, targets: Tensor, where: Places, condition: Tensor) -> Tensor:
        """(A, d) to (A, patch side^2 x channels out)."""
        scale = self.modulation_out(condition)
        velocity: Tensor = self.out(modulated(targets, scale, where.target_rows))
        return velocity


def load(
    folder: Path, attention: str = "pass_by_pass", device: torch.device | str = "cpu"
) -> PackedQwenImage21:
    """The network of a published folder, in the type of numbers that it is stored in.

    Raises ``OSError`` for missing files, ``ValueError`` for those of another network.
    """
    network = outline(folder, attention)
    weights.load(network, network.sources(), folder, device)
    return network


def outline(folder: Path, attention: str = "pass_by_pass") -> PackedQwenImage21:
    """The same without weights, on the meta device. Raises ``OSError``, ``ValueError``."""
    sizes = QwenImage21Sizes.of(json.loads((folder / weights.CONFIGURATION).read_text("utf-8")))
    with torch.device("meta"):
        return PackedQwenImage21(sizes, attention)
