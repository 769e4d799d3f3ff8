"""AdamW whose two moments take a byte each, in blocks with a scale of their own (arXiv 2110.02861).

By torchao, which leaves weights of less than 4,096 values, or of no whole number of blocks, alone.
"""

from collections.abc import Iterable, Mapping
from typing import Any, Literal

import torch
from torch import Tensor, nn

from curation.failures.errors import UsageError

try:
    from torchao.optim.adam import AdamW8bit as _AdamW8bit
    from torchao.optim.subclass_8bit import OptimState8bit
except ImportError as error:
    raise UsageError(
        "optimiser.states int8 needs torchao: pip install 'inkstone[train]', or set"
        " optimiser.states: fp32"
    ) from error

_BLOCK = 256


class AdamW8bit(_AdamW8bit):  # type: ignore[misc]
    """torchao's, which compiles each step; on a CPU it runs uncompiled, and needs no compiler."""

    def step(self, closure: Any = None) -> Any:
        """Move all weights that have a gradient."""
        weight = self.param_groups[0]["params"][0]
        stance: Literal["default", "force_eager"] = "force_eager"
        if weight.device.type == "cuda":
            stance = "default"
        with torch.compiler.set_stance(stance):
            return super().step(closure)


def adamw(
    weights: Iterable[nn.Parameter], rate: float, betas: tuple[float, float], decay: float
) -> torch.optim.Optimizer:
    """AdamW of these weights, with learning rate and weight decay."""
    made: torch.optim.Optimizer = AdamW8bit(
        weights, lr=rate, betas=betas, weight_decay=decay, block_size=_BLOCK
    )
    return made


def joined(parts: Mapping[str, Tensor]) -> Tensor:
    """The moment made of what ``train.optimisers.states.plain`` took apart."""
    codes, scale, qmap = (parts[name] for name in OptimState8bit.tensor_attrs)
    made: Tensor = OptimState8bit(codes, scale, qmap, bool(qmap.min() < 0), torch.float32)
    return made
