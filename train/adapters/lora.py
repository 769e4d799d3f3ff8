"""What a LoRA is: for some matrices of a network, a product of two thin ones that is added.

Shapes: m x n a published matrix, r the rank.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Protocol

from torch import Tensor, nn

from train.packing.keys import Keys


class Network(Protocol):
    """A packed network, which says what published tensors its parameters are made of."""

    def sources(self) -> Keys: ...

    def named_parameters(self) -> Iterator[tuple[str, nn.Parameter]]: ...


@dataclass(frozen=True)
class Pair:
    """``up`` (m, r) times ``down`` (r, n) times ``scale`` is what is added; ``scale`` is alpha / r.

    Raises ``ValueError`` for shapes that do not go together.
    """

    down: Tensor
    up: Tensor
    scale: float = 1.0

    def __post_init__(self) -> None:
        shapes = self.down.shape, self.up.shape
        if any(len(shape) != 2 for shape in shapes) or not 0 < self.rank == self.up.shape[1]:
            raise ValueError(f"{tuple(shapes[1])} times {tuple(shapes[0])} is no product of a LoRA")

    @property
    def rank(self) -> int:
        """r."""
        return self.down.shape[0]


Pairs = Mapping[str, Pair]  # by the published name of a layer, transformer_blocks.0.attn.to_q


def matrices(network: Network) -> dict[str, tuple[int, int]]:
    """The published layers of a ``network`` that a LoRA may change, with (m, n)."""
    sources = network.sources()
    return {
        part.key.removesuffix(".weight"): (weight.shape[0] // len(parts), weight.shape[1])
        for name, weight in network.named_parameters()
        if weight.ndim == 2
        for parts in [sources[name].parts]
        for part in parts
    }
