"""By how much a LoRA counts: alpha over its rank, as peft has it."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Self


@dataclass(frozen=True)
class Scaling:
    """``alpha`` of all layers, but for those of the ``patterns``: layers, or the ends of their
    names. None: it is not said, and the scale is 1, as diffusers and ComfyUI have it.
    """

    alpha: float | None = None
    patterns: Mapping[str, float] = field(default_factory=dict)
    by_root: bool = False  # over the root of the rank (rsLoRA, arXiv 2312.03732)

    @property
    def is_said(self) -> bool:
        """Whether there is anything to go by."""
        return self.alpha is not None

    @classmethod
    def of(cls, content: Mapping[str, Any]) -> Self:
        """By a configuration of peft. Raises ``ValueError`` or ``TypeError`` for what is none, or
        is more than a LoRA.
        """
        if "lora_alpha" not in content:
            return cls()
        for name in ("use_dora", "lora_bias"):
            if content.get(name):
                raise ValueError(f"{name} is set; only plain LoRA can be merged")
        return cls(
            float(content["lora_alpha"]),
            {_literal(key): float(a) for key, a in (content.get("alpha_pattern") or {}).items()},
            bool(content.get("use_rslora")),
        )

    def of_layer(self, layer: str, rank: int) -> float:
        """The scale of a layer."""
        if self.alpha is None or not rank:
            return 1.0
        alpha = self.alpha
        for name, own in self.patterns.items():
            if layer == name or layer.endswith(f".{name}"):
                alpha = own
                break
        return float(alpha / (rank**0.5 if self.by_root else rank))


def _literal(pattern: str) -> str:
    """peft takes regular expressions; all that it and diffusers write are names. A stranger's
    expression is not carried out.
    """
    name = pattern.removeprefix("^").replace("\\.", ".")
    if not re.fullmatch(r"[\w.]+", name):
        raise ValueError(f"alpha_pattern {pattern!r}; expected the name of a layer")
    return name
