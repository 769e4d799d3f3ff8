"""A block of Qwen-Image: text and image tokens with weights of their own, attending as one
sequence (MMDiT, arXiv 2403.03206).

Shapes: T text, S image and J = T + S joined tokens; d width, H heads, E = d / H; R rows of
modulation.
"""

from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn.functional import gelu

from train.models.qwen_image.config import Config
from train.models.qwen_image.places import Places
from train.packing.rotary import Rotation, normed_and_turned
from train.packing.rows import Rows, gated, modulated, reorder

_CHUNKS = 6  # of modulation: shift, scale, gate of attention, then those of the MLP


@dataclass(frozen=True)
class Modulation:
    """Of a kind of token: shift and scale (R, 2 d) before attention and before the MLP, and what
    multiplies what they change (R, d).
    """

    attention: Tensor
    gate: Tensor
    mlp: Tensor
    gate_mlp: Tensor


@dataclass(frozen=True)
class Table:
    """The modulation of a block, of both kinds of tokens."""

    image: Modulation
    text: Modulation


class Stream(nn.Module):
    """The weights that a block has for one kind of token."""

    def __init__(self, config: Config) -> None:
        super().__init__()
        width = config.width
        self.head = config.attention_head_dim
        self.qkv = nn.Linear(width, 3 * width)
        self.qk_norm = nn.Parameter(torch.ones(2 * self.head))
        self.out = nn.Linear(width, width)
        self.mlp_in = nn.Linear(width, 4 * width)
        self.mlp_out = nn.Linear(4 * width, width)

    def attended(self, tokens: Tensor, turn: Rotation) -> tuple[Tensor, Tensor]:
        """Queries and keys (T, H, 2, E), and values (T, H, E), of modulated ``tokens`` (T, d)."""
        qkv = self.qkv(tokens).view(len(tokens), -1, 3, self.head)
        query_key, value = torch.split(qkv, [2, 1], dim=2)
        weight = self.qk_norm.view(2, self.head)
        return normed_and_turned(query_key, weight, turn), value[:, :, 0]

    def mlp(self, tokens: Tensor) -> Tensor:
        """(T, d) to (T, d)."""
        changed: Tensor = self.mlp_out(gelu(self.mlp_in(tokens), approximate="tanh"))
        return changed


class LastText(nn.Module):
    """Text in the last block, of which only keys and values are ever seen: the other weights have
    no gradient, and are there to be stored.
    """

    def __init__(self, config: Config) -> None:
        super().__init__()
        width = config.width
        self.head = config.attention_head_dim
        self.key_value = nn.Linear(width, 2 * width)
        self.key_norm = nn.Parameter(torch.ones(self.head))
        self.query = nn.Linear(width, width)
        self.query_norm = nn.Parameter(torch.ones(self.head))
        self.out = nn.Linear(width, width)
        self.mlp_in = nn.Linear(width, 4 * width)
        self.mlp_out = nn.Linear(4 * width, width)
        for module in (self.query, self.out, self.mlp_in, self.mlp_out):
            module.requires_grad_(False)
        self.query_norm.requires_grad_(False)

    def attended(self, tokens: Tensor, turn: Rotation) -> tuple[Tensor, Tensor]:
        """As ``Stream``, with queries of zero, of which nobody sees the answer."""
        key_value = self.key_value(tokens).view(len(tokens), -1, 2, self.head)
        key, value = key_value.chunk(2, dim=2)
        key = normed_and_turned(key, self.key_norm[None], turn)
        return torch.cat([torch.zeros_like(key), key], dim=2), value[:, :, 0]


class Block(nn.Module):
    """Text and image tokens to text and image tokens.

    ``before`` and ``after`` hold all but attention itself, and each may be compiled.
    """

    def __init__(self, config: Config, last: bool) -> None:
        super().__init__()
        self.modulation = nn.Linear(config.width, 2 * _CHUNKS * config.width)
        self.image = Stream(config)
        self.text = LastText(config) if last else Stream(config)

    def forward(
        self, text: Tensor, image: Tensor, condition: Tensor, places: Places
    ) -> tuple[Tensor, Tensor]:
        """(T, d) and (S, d) for both; ``condition`` is what ``modulation`` takes, of R rows."""
        table = _table(self.modulation(condition))
        attended = places.attend(*self.before(text, image, table, places))
        return self.after(text, image, attended, table, places)

    def before(
        self, text: Tensor, image: Tensor, table: Table, places: Places
    ) -> tuple[Tensor, Tensor, Tensor]:
        """Queries, keys and values (J, H, E) in joined order."""
        text = modulated(text, table.text.attention, places.text_rows)
        image = modulated(image, table.image.attention, places.image_rows)
        text_qk, text_value = self.text.attended(text, places.text_turn)
        image_qk, image_value = self.image.attended(image, places.image_turn)
        order = (places.to_joint, places.from_joint)
        query, key = reorder(torch.cat([text_qk, image_qk]), *order).unbind(2)
        return query, key, reorder(torch.cat([text_value, image_value]), *order)

    def after(
        self, text: Tensor, image: Tensor, attended: Tensor, table: Table, places: Places
    ) -> tuple[Tensor, Tensor]:
        """What both kinds of tokens become by what they ``attended`` (J, H, E) to."""
        stream_order = reorder(attended.flatten(1), places.from_joint, places.to_joint)
        to_text, to_image = torch.split(stream_order, [len(text), len(image)])
        image = _changed(self.image, image, to_image, table.image, places.image_rows)
        if isinstance(self.text, Stream):
            text = _changed(self.text, text, to_text, table.text, places.text_rows)
        return text, image


def _table(modulation: Tensor) -> Table:
    """Of (R, 12 d), split once: the gradient of a slice would be as large as all of it."""
    width = modulation.shape[1] // (2 * _CHUNKS)
    parts = torch.split(modulation, [2 * width, width, 2 * width, width] * 2, dim=1)
    return Table(image=Modulation(*parts[:4]), text=Modulation(*parts[4:]))


def _changed(
    stream: Stream, tokens: Tensor, attended: Tensor, table: Modulation, rows: Rows
) -> Tensor:
    """``tokens`` (T, d) after attention and MLP, with both gates."""
    tokens = gated(tokens, stream.out(attended), table.gate, rows)
    return gated(tokens, stream.mlp(modulated(tokens, table.mlp, rows)), table.gate_mlp, rows)
