"""Qwen-Image without padding: the tokens of all samples of a batch in one sequence.

It computes what diffusers' ``QwenImageTransformer2DModel`` does, loads and saves its files, and
takes samples of any sizes, tasks and lengths of text together.

Shapes: N samples; T text, S image and A target tokens; R noise levels; d width.
"""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.functional import silu

from train.models.qwen_image.block import Block, LastText, Stream
from train.models.qwen_image.config import Config
from train.models.qwen_image.keys import keys
from train.models.qwen_image.places import Places, places, routed
from train.packing import compiling, routing, weights
from train.packing.by_head import ByHead
from train.packing.keys import Keys
from train.packing.layout import Layout
from train.packing.norms import RmsNorm
from train.packing.packed import Packed
from train.packing.rows import modulated
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


class PackedQwenImage(nn.Module):
    """The network. ``attention`` names the kernel (``train.packing.kernels``).

    The switch ``rounds_timestep`` rounds it as diffusers does, for parity (``TimeEmbedding``).
    """

    def __init__(self, config: Config, attention: str = "pass_by_pass") -> None:
        super().__init__()
        self.config = config
        self.attention = attention
        width = config.width
        self.image_in = nn.Linear(config.in_channels, width)
        self.text_norm = RmsNorm(config.joint_attention_dim)
        self.text_in = nn.Linear(config.joint_attention_dim, width)
        self.conditioning = Conditioning(config)
        last = config.num_layers - 1
        self.blocks = nn.ModuleList(Block(config, k == last) for k in range(config.num_layers))
        self.modulation_out = nn.Linear(width, 2 * width)
        self.out = nn.Linear(width, config.values_out)

    @property
    def rounds_timestep(self) -> bool:
        """Whether noise levels are rounded to the numbers of the activations."""
        return self.conditioning.time.rounds

    @rounds_timestep.setter
    def rounds_timestep(self, rounds: bool) -> None:
        self.conditioning.time.rounds = rounds

    def forward(self, packed: Packed, additional: Tensor | None = None) -> Tensor:
        """The velocity, noise - data, of all target tokens, (A, patch side^2 x channels out).

        ``additional`` (N,) are rows of the condition that layered networks have; None is row 0, as
        the pipeline has it. Raises ``ValueError`` for samples in another order than the family's,
        ``UsageError`` for attention that does not run here.
        """
        kind = self.image_in.weight.dtype
        image = self.image_in(packed.image.to(kind))
        text = self.text_in(self.text_norm(packed.text.to(kind)))
        where = self.places(packed.layout, image.device)
        condition = self.condition(packed.sigma, additional, image.dtype)
        text, image = self._through(text, image, condition, packed, where)
        table = self.modulation_out(condition[: len(packed.sigma)])
        targets = image.index_select(0, where.target)
        scale, shift = table.chunk(2, dim=-1)  # the other order than in blocks
        velocity: Tensor = self.out(
            modulated(targets, torch.cat([shift, scale], dim=-1), where.target_rows)
        )
        return velocity

    def places(self, layout: Layout, device: torch.device) -> Places:
        """Where the tokens of a batch stand. Raises as ``forward``."""
        return places(layout, self.config, self.attention, device)

    def _through(
        self, text: Tensor, image: Tensor, condition: Tensor, packed: Packed, where: Places
    ) -> tuple[Tensor, Tensor]:
        """Text (T, d) and image tokens (S, d) through all blocks, but for those of the image that
        go around some.
        """
        if packed.kept is None:
            for block in self.blocks:
                text, image = block(text, image, condition, where)
            return text, image
        middle = routing.middle(len(self.blocks))
        kept, inside = (
            torch.from_numpy(packed.kept).to(image.device),
            routed(packed, where, self.attention),
        )
        around = image
        for number, block in enumerate(self.blocks):
            if number == middle.start:
                around, image = image, image.index_select(0, kept)
            text, image = block(text, image, condition, inside if number in middle else where)
            if number == middle[-1]:
                image = around.index_copy(0, kept, image)
        return text, image

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

    def initialise(self) -> None:
        """Weights of a new network, from torch's random state: modulation and output are zero, so
        that blocks start as the identity (DiT, arXiv 2212.09748), biases too; all other matrices
        are Xavier, each published one by itself.
        """
        sources = keys(self.config)
        for name, parameter in self.named_parameters():
            if name.endswith("bias") or name.startswith("out.") or "modulation" in name:
                nn.init.zeros_(parameter)
            elif parameter.ndim == 1:
                nn.init.ones_(parameter)
            else:
                _xavier(parameter, len(sources[name].parts))

    def sources(self) -> Keys:
        """What each parameter is made of."""
        return keys(self.config)

    def by_head(self) -> ByHead:
        """How it is divided among processes."""
        outputs, inputs, shared = list[str](), list[str](), list[str]()
        for name, module in self.named_modules():
            if isinstance(module, Stream):
                outputs += [f"{name}.qkv", f"{name}.mlp_in"]
                inputs += [f"{name}.out", f"{name}.mlp_out"]
                shared.append(f"{name}.qk_norm")
            elif isinstance(module, LastText):
                outputs.append(f"{name}.key_value")
                shared.append(f"{name}.key_norm")
        heads = self.config.num_attention_heads
        return ByHead(heads, tuple(outputs), tuple(inputs), tuple(shared))

    def parameter_count(self) -> int:
        """All of them, those without a gradient too."""
        return sum(parameter.numel() for parameter in self.parameters())

    def flops(self, layout: Layout) -> int:
        """Of one forward pass, of matrices and attention, over real tokens: 24 d^2 L for each
        token and for each sample (modulation), 4 d L for each pair in a sample. A step of training
        is three times that.
        """
        width, layers = self.config.width, self.config.num_layers
        pairs = sum(length**2 for length in layout.lengths)
        rows = layout.tokens + len(layout.samples)
        return 24 * width**2 * layers * rows + 4 * width * layers * pairs

    def compile_blocks(self, **options: Any) -> None:
        """Compile what blocks do before and after attention, for any number of tokens."""
        compiling.compile_parts(self.blocks, **options)

    def save(
        self,
        folder: Path,
        largest_part: int = weights.LARGEST_PART,
        values: Mapping[str, Tensor] | None = None,
    ) -> None:
        """Write the published files into the ``folder``, which is there; ``values`` as of
        ``weights.save``.
        """
        weights.save(dict(self.named_parameters()), self.sources(), folder, largest_part, values)
        weights.save_configuration(self.config.content(), folder)


def load(
    folder: Path, attention: str = "pass_by_pass", device: torch.device | str = "cpu"
) -> PackedQwenImage:
    """The network of a published folder, in the type of numbers that it is stored in.

    Raises ``OSError`` for missing files, ``ValueError`` for those of another network.
    """
    config = Config.of(json.loads((folder / weights.CONFIGURATION).read_text("utf-8")))
    with torch.device("meta"):
        network = PackedQwenImage(config, attention)
    weights.load(network, keys(config), folder, device)
    return network


def _xavier(parameter: Tensor, parts: int) -> None:
    """Uniform, with the bound of one of the equal matrices that are fused in it."""
    rows, columns = parameter.shape
    bound = (6 / (rows // parts + columns)) ** 0.5
    nn.init.uniform_(parameter, -bound, bound)
