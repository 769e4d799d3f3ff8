"""Qwen-Image: diffusers' MMDiT, built small or large, fed with latents.

Shapes: B batch, C latent channels, h w latent cells, p patch side, L = (h/p)(w/p) image tokens.
"""

from collections.abc import Mapping
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal, Self

from pydantic import Field

from curation.failures.errors import UsageError
from train.models.family import Condition, Family

if TYPE_CHECKING:
    from torch import Tensor, nn

Count = Annotated[int, Field(ge=1)]
_CLASS = "QwenImageTransformer2DModel"
_STORED = {  # our settings by their names in a config.json of diffusers
    "patch": "patch_size",
    "layers": "num_layers",
    "heads": "num_attention_heads",
    "head_width": "attention_head_dim",
    "rope_axes": "axes_dims_rope",
}


class QwenImage(Family):
    """The size of the MMDiT. Width is ``heads`` x ``head_width``; ``rope_axes`` (frame, row,
    column) sum up to ``head_width``.

    ``attention`` is diffusers' name of the kernel: for short sequences on a CPU plain matrix
    products ("_native_math") cost less than the fused kernel ("native").
    """

    layers: Count = 60
    heads: Count = 24
    head_width: Count = 128
    rope_axes: tuple[int, int, int] = (16, 56, 56)
    attention: Literal["native", "_native_math"] = "native"

    def build(self, channels: int, text_width: int) -> Any:
        """A new ``QwenImageTransformer2DModel``.

        Blocks start as the identity (modulation and output are zero, as in DiT, arXiv 2212.09748),
        all other matrices Xavier.
        """
        from diffusers import QwenImageTransformer2DModel
        from torch import nn

        if sum(self.rope_axes) != self.head_width:
            raise UsageError(
                f"model.rope_axes {self.rope_axes} sum up to {sum(self.rope_axes)};"
                f" expected model.head_width, {self.head_width}"
            )
        if any(axis % 2 for axis in self.rope_axes):
            raise UsageError(f"model.rope_axes {self.rope_axes}: expected even numbers")
        transformer = QwenImageTransformer2DModel(
            patch_size=self.patch,
            in_channels=channels * self.patch**2,
            out_channels=channels,
            num_layers=self.layers,
            num_attention_heads=self.heads,
            attention_head_dim=self.head_width,
            joint_attention_dim=text_width,
            axes_dims_rope=self.rope_axes,
        )
        for name, weight in transformer.named_parameters():
            silent = any(part in name for part in ("img_mod", "txt_mod", "norm_out", "proj_out"))
            if silent or name.endswith("bias"):
                nn.init.zeros_(weight)
            elif weight.ndim == 2:
                nn.init.xavier_uniform_(weight)
        return transformer

    def velocity(
        self, network: Any, noisy: "Tensor", sigma: "Tensor", condition: Condition
    ) -> "Tensor":
        """As ``Family``: this is diffusers' convention, too."""
        from train import patches

        patch = network.config.patch_size
        batch, _, height, width = noisy.shape
        mask = condition.mask
        with _attention(self.attention):
            tokens = network(
                hidden_states=patches.pack(noisy, patch),
                timestep=sigma,
                encoder_hidden_states=condition.features,
                encoder_hidden_states_mask=None if bool(mask.all()) else mask,
                img_shapes=[[(1, height // patch, width // patch)]] * batch,
                return_dict=False,
            )[0]
        return patches.unpack(tokens, patch, height, width)

    def save(self, network: Any, directory: Path) -> dict[str, tuple[str, str]]:
        """As diffusers does."""
        network.save_pretrained(directory / "transformer")
        return {"transformer": ("diffusers", type(network).__name__)}

    def load(self, folder: Path, channels: int, text_width: int) -> "nn.Module":
        """As diffusers does."""
        from diffusers import QwenImageTransformer2DModel

        network: nn.Module = QwenImageTransformer2DModel.from_pretrained(
            folder, local_files_only=True
        )
        return network

    @classmethod
    def recognised(cls, content: Mapping[str, Any]) -> Self | None:
        """A published folder, or one of ours: both are those of diffusers."""
        if content.get("_class_name") != _CLASS:
            return None
        known = {ours: content[theirs] for ours, theirs in _STORED.items() if theirs in content}
        if "rope_axes" in known:
            known["rope_axes"] = tuple(known["rope_axes"])
        return cls(**known)


def _attention(kernel: str) -> AbstractContextManager[Any]:
    """Within the block every attention runs on this kernel of diffusers ("native": its own)."""
    if kernel == "native":
        return nullcontext()
    from diffusers.models.attention_dispatch import attention_backend

    context: AbstractContextManager[Any] = attention_backend(kernel)
    return context
