"""Qwen-Image without padding: the tokens of all samples of a batch in one sequence.

It computes what diffusers' ``QwenImageTransformer2DModel`` does, loads and saves its files, and
takes samples of any sizes, tasks and lengths of text together.

Shapes: N samples; T text, S image and A target tokens; R noise levels; d width.
"""

import json
from pathlib import Path

import torch
from torch import Tensor, nn

from train.models.qwen_image.block import LastText, Stream
from train.models.qwen_image.config import Config
from train.models.qwen_image.keys import keys
from train.models.qwen_image.places import Places, routed
from train.models.qwen_image.residuals import Residuals
from train.models.qwen_image.trunk import Trunk
from train.packing import routing, weights
from train.packing.by_head import ByHead
from train.packing.keys import Keys
from train.packing.layout import Layout
from train.packing.packed import Packed
from train.packing.rows import modulated


class PackedQwenImage(Trunk):
    """The network."""

    def __init__(self, config: Config, attention: str = "pass_by_pass") -> None:
        super().__init__(config, attention)
        self.modulation_out = nn.Linear(config.width, 2 * config.width)
        self.out = nn.Linear(config.width, config.values_out)

    def forward(
        self,
        packed: Packed,
        additional: Tensor | None = None,
        residuals: Residuals | None = None,
    ) -> Tensor:
        """The velocity, noise - data, of all target tokens, (A, patch side^2 x channels out).

        ``additional`` (N,) are rows of the condition that layered networks have; None is row 0, as
        the pipeline has it. ``residuals`` are those of a ControlNet. Raises ``ValueError`` for
        samples in another order than the family's, or residuals where tokens go around blocks,
        ``UsageError`` for attention that does not run here.
        """
        text, image = self.tokens(packed)
        where = self.places(packed.layout, image.device)
        condition = self.condition(packed.sigma, additional, image.dtype)
        if packed.kept is not None:
            if residuals is not None:
                raise ValueError("residuals for tokens of which some go around blocks")
            text, image = self._routed(text, image, condition, packed, where)
        else:
            text, image = self._through(text, image, condition, where, residuals)
        table = self.modulation_out(condition[: len(packed.sigma)])
        targets = image.index_select(0, where.target)
        scale, shift = table.chunk(2, dim=-1)  # the other order than in blocks
        velocity: Tensor = self.out(
            modulated(targets, torch.cat([shift, scale], dim=-1), where.target_rows)
        )
        return velocity

    def _through(
        self,
        text: Tensor,
        image: Tensor,
        condition: Tensor,
        where: Places,
        residuals: Residuals | None,
    ) -> tuple[Tensor, Tensor]:
        """Text (T, d) and image tokens (S, d) through all blocks."""
        for number, block in enumerate(self.blocks):
            text, image = block(text, image, condition, where)
            if residuals is not None:
                image = residuals.added(image, number, len(self.blocks))
        return text, image

    def _routed(
        self, text: Tensor, image: Tensor, condition: Tensor, packed: Packed, where: Places
    ) -> tuple[Tensor, Tensor]:
        """As ``_through``, but some tokens of the image go around the middle blocks."""
        assert packed.kept is not None
        middle = routing.middle(len(self.blocks))
        kept = torch.from_numpy(packed.kept).to(image.device)
        inside, around = routed(packed, where, self.attention), image
        for number, block in enumerate(self.blocks):
            if number == middle.start:
                around, image = image, image.index_select(0, kept)
            text, image = block(text, image, condition, inside if number in middle else where)
            if number == middle[-1]:
                image = around.index_copy(0, kept, image)
        return text, image

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

    def flops(self, layout: Layout) -> int:
        """Of one forward pass, of matrices and attention, over real tokens: 24 d^2 L for each
        token and for each sample (modulation), 4 d L for each pair in a sample. A step of training
        is three times that.
        """
        width, layers = self.config.width, self.config.num_layers
        pairs = sum(length**2 for length in layout.lengths)
        rows = layout.tokens + len(layout.samples)
        return 24 * width**2 * layers * rows + 4 * width * layers * pairs


def load(
    folder: Path, attention: str = "pass_by_pass", device: torch.device | str = "cpu"
) -> PackedQwenImage:
    """The network of a published folder, in the type of numbers that it is stored in.

    Raises ``OSError`` for missing files, ``ValueError`` for those of another network.
    """
    network = outline(folder, attention)
    weights.load(network, network.sources(), folder, device)
    return network


def outline(folder: Path, attention: str = "pass_by_pass") -> PackedQwenImage:
    """The same without weights, on the meta device. Raises ``OSError``, ``ValueError``."""
    config = Config.of(json.loads((folder / weights.CONFIGURATION).read_text("utf-8")))
    with torch.device("meta"):
        return PackedQwenImage(config, attention)


def _xavier(parameter: Tensor, parts: int) -> None:
    """Uniform, with the bound of one of the equal matrices that are fused in it."""
    rows, columns = parameter.shape
    bound = (6 / (rows // parts + columns)) ** 0.5
    nn.init.uniform_(parameter, -bound, bound)
