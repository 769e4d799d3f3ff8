"""A block of Qwen-Image-2.1: attention and SwiGLU of joined tokens, both modulated and gated.

Shapes: J joined tokens, A of them targets, R rows of modulation; d width, H heads, E = d / H.
"""

from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn.functional import silu

from train.models.qwen_image_21.sizes import QwenImage21Sizes
from train.packing.attention import Attend
from train.packing.rotary import Rotation, normed_and_turned
from train.packing.rows import Rows, gated, modulated


@dataclass(frozen=True)
class Modulation:
    """(R, d) each, the same in all blocks: what is added to 1 and multiplies normed tokens, and
    what multiplies a branch.
    """

    scale: Tensor
    gate: Tensor
    scale_mlp: Tensor
    gate_mlp: Tensor


class Block(nn.Module):
    """``before`` and ``after`` hold all but attention itself, and each may be compiled."""

    def __init__(self, sizes: QwenImage21Sizes) -> None:
        super().__init__()
        width, inner = sizes.width, sizes.mlp_ratio * sizes.width
        self.by_head = (-1, 3, sizes.attention_head_dim)  # of all heads, or of some
        self.mlp_by_head = (-1, 2, inner // sizes.num_attention_heads)
        self.qkv = nn.Linear(width, 3 * width, bias=False)
        self.qk_norm = nn.Parameter(torch.ones(2 * sizes.attention_head_dim))
        self.attended = nn.Linear(width, width, bias=False)
        self.mlp_in = nn.Linear(width, 2 * inner, bias=False)
        self.mlp_out = nn.Linear(inner, width, bias=False)

    def forward(
        self,
        tokens: Tensor,
        modulation: Modulation,
        rows: Rows,
        turn: Rotation,
        attend: Attend,
        kept: Tensor | None,
    ) -> Tensor:
        """(J, d), each with its own of the ``rows`` of modulation, to (J, d), or to (A, d) of those
        places that are ``kept``.
        """
        attended = attend(*self.before(tokens, modulation, rows, turn))
        if kept is not None:
            tokens, attended = tokens.index_select(0, kept), attended.index_select(0, kept)
            rows = rows.of_tokens(kept)
        return self.after(tokens, attended, modulation, rows)

    def before(
        self, tokens: Tensor, modulation: Modulation, rows: Rows, turn: Rotation
    ) -> tuple[Tensor, Tensor, Tensor]:
        """Queries, keys and values (J, H, E)."""
        qkv = self.qkv(modulated(tokens, modulation.scale, rows)).unflatten(-1, self.by_head)
        query_key, value = torch.split(qkv, [2, 1], dim=2)
        query, key = normed_and_turned(query_key, self.qk_norm.view(2, -1), turn).unbind(2)
        return query, key, value[:, :, 0]

    def after(self, tokens: Tensor, attended: Tensor, modulation: Modulation, rows: Rows) -> Tensor:
        """What ``tokens`` (J, d) become by what they ``attended`` (J, H, E) to."""
        tokens = gated(tokens, self.attended(attended.flatten(1)), modulation.gate, rows)
        inner = self.mlp_in(modulated(tokens, modulation.scale_mlp, rows))
        gate, values = inner.unflatten(-1, self.mlp_by_head).unbind(2)
        change = self.mlp_out((silu(gate) * values).flatten(1))
        return gated(tokens, change, modulation.gate_mlp, rows)
