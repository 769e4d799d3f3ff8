"""The size and the options of a Qwen-Image-2.1 network, by the names of its published config.json,
and what they come to.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from typing import Any, Self

from train.packing.layout import Layout

EPSILON = 1e-6  # of all norms
PUBLISHED_CLASS = "QwenImage21Transformer2DModel"
_PUBLISHED_WITH = "0.42.1"  # the version of diffusers that the facts here were checked against
_TIME_WIDTH = 256  # sines and cosines of a noise level


@dataclass(frozen=True)
class QwenImage21Sizes:
    """Of the published network, unless told otherwise.

    An image token holds ``in_channels`` values of each of ``patch_size`` x ``patch_size`` latent
    cells. With ``causal_condition`` text and references are seen as of noise level 0.
    """

    patch_size: int = 1
    in_channels: int = 64
    out_channels: int | None = 64
    num_layers: int = 32
    attention_head_dim: int = 128
    num_attention_heads: int = 32
    context_in_dim: int = 4096
    mlp_ratio: int = 3
    axes_dims_rope: tuple[int, int, int] = (16, 56, 56)
    eps: float = EPSILON
    causal_condition: bool = True

    def __post_init__(self) -> None:
        axes = self.axes_dims_rope
        if sum(axes) != self.attention_head_dim or any(axis % 2 for axis in axes):
            raise ValueError(
                f"axes_dims_rope {axes}: expected even numbers that sum up to attention_head_dim,"
                f" {self.attention_head_dim}"
            )
        if self.eps != EPSILON:
            raise ValueError(f"eps {self.eps}: norms here are made for {EPSILON}")

    @property
    def width(self) -> int:
        """d, of a token in the blocks."""
        return self.num_attention_heads * self.attention_head_dim

    @property
    def values_in(self) -> int:
        """Of an image token."""
        return self.patch_size**2 * self.in_channels

    @property
    def values_out(self) -> int:
        """Of a token of the velocity."""
        return self.patch_size**2 * (self.out_channels or self.in_channels)

    def parameter_count(self) -> int:
        """Of all weights together, without making them."""
        width = self.width
        block = (4 + 3 * self.mlp_ratio) * width**2 + 2 * self.attention_head_dim
        text = self.context_in_dim * (1 + width) + width**2
        time = _TIME_WIDTH * width + width**2
        outside = width * (self.values_in + self.values_out) + 5 * width**2
        return self.num_layers * block + text + time + outside

    def flops(self, layout: Layout) -> int:
        """Of one forward pass, of matrices and attention, over real tokens: 26 d^2 L for each token
        (at the published ratio), 4 d L for each pair of tokens of which one sees the other; of a
        text seeing itself half the pairs. A step of training is three times that.

        What the last block spares of text and references is not taken off.
        """
        from train.packing.attention import block_causal

        matrices = 2 * (4 + 3 * self.mlp_ratio) * self.width**2 * layout.tokens
        twice_pairs = 0
        for part in block_causal(layout):
            count, seen = part.end - part.start, part.end - part.seen_from
            twice_pairs += count * (2 * seen - count if part.causal else 2 * seen)
        return self.num_layers * (matrices + 2 * self.width * twice_pairs)

    @classmethod
    def of(cls, content: Mapping[str, Any]) -> Self:
        """The ``content`` of a config.json; what a network does not have is passed over, as
        diffusers does. Raises ``ValueError`` for one of another class, or sizes that do not go
        together.
        """
        if content.get("_class_name") != PUBLISHED_CLASS:
            raise ValueError(
                f"config.json of a {content.get('_class_name')}; expected {PUBLISHED_CLASS}"
            )
        known = {field.name for field in fields(cls)}
        values = {name: value for name, value in content.items() if name in known}
        if "axes_dims_rope" in values:
            values["axes_dims_rope"] = tuple(values["axes_dims_rope"])
        return cls(**values)

    def content(self) -> dict[str, Any]:
        """As diffusers writes it."""
        values = {**asdict(self), "axes_dims_rope": list(self.axes_dims_rope)}
        return {"_class_name": PUBLISHED_CLASS, "_diffusers_version": _PUBLISHED_WITH, **values}
