"""The size and the options of a Qwen-Image network, by the names of its published config.json."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from typing import Any

PUBLISHED_CLASS = "QwenImageTransformer2DModel"
_PUBLISHED_WITH = "0.42.1"  # the version of diffusers that the facts here were checked against


@dataclass(frozen=True)
class Config:
    """Of the published T2I network, unless told otherwise.

    ``zero_cond_t``: references are seen as of noise level 0 (edit models since 2511).
    ``use_layer3d_rope``, ``use_additional_t_cond``: layered images. ``guidance_embeds`` does
    nothing, and is stored again.
    """

    patch_size: int = 2
    in_channels: int = 64
    out_channels: int | None = 16
    num_layers: int = 60
    attention_head_dim: int = 128
    num_attention_heads: int = 24
    joint_attention_dim: int = 3584
    guidance_embeds: bool = False
    axes_dims_rope: tuple[int, int, int] = (16, 56, 56)
    zero_cond_t: bool = False
    use_additional_t_cond: bool = False
    use_layer3d_rope: bool = False

    def __post_init__(self) -> None:
        axes = self.axes_dims_rope
        if sum(axes) != self.attention_head_dim or any(axis % 2 for axis in axes):
            raise ValueError(
                f"axes_dims_rope {axes}: expected even numbers that sum up to attention_head_dim,"
                f" {self.attention_head_dim}"
            )

    @property
    def width(self) -> int:
        """d."""
        return self.num_attention_heads * self.attention_head_dim

    @property
    def values_out(self) -> int:
        """Of a token of the velocity."""
        return self.patch_size**2 * (self.out_channels or self.in_channels)

    @classmethod
    def of(cls, content: Mapping[str, Any], published_class: str = PUBLISHED_CLASS) -> "Config":
        """The ``content`` of a config.json; what a network does not have is passed over, as
        diffusers does. Raises ``ValueError`` for one of another class.
        """
        if content.get("_class_name") != published_class:
            raise ValueError(
                f"config.json of a {content.get('_class_name')}; expected {published_class}"
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
