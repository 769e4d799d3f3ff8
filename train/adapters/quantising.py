"""In which numbers the frozen base of an adapter is held (QLoRA, arXiv 2305.14314): to save memory.

Only the matrices of blocks are quantised, by torchao; products are taken in the type of the
activations, and gradients go through them to what is before.
"""

import math
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from curation.failures.errors import UsageError
from train.tuning import BaseNumbers

# Bits of a weight in a block: int8 has a scale for each row, nf4 one of a byte for each 64 values,
# which themselves share one for each 256.
BITS: dict[BaseNumbers, float] = {"float32": 32, "bfloat16": 16, "int8": 8.02, "nf4": 4.13}
_VALUES, _SCALES = 64, 256  # that share a scale, and the scale of scales


def quantise(network: Any, base: BaseNumbers) -> None:
    """Let a frozen ``network`` hold its weights so. Raises ``UsageError`` without torchao, and for
    blocks that nf4 does not divide.
    """
    kinds = {"float32": torch.float32, "bfloat16": torch.bfloat16}
    if base in kinds:
        network.to(kinds[base])
    if base not in ("int8", "nf4"):
        return
    try:
        from torchao.quantization import Int8WeightOnlyConfig, quantize_, to_nf4
    except ImportError:
        raise UsageError(
            f"adapter.base: {base} needs torchao: pip install 'inkstone[train]'"
        ) from None
    if base == "int8":
        quantize_(network.blocks, Int8WeightOnlyConfig(), filter_fn=_is_linear)
        for module in network.blocks.modules():
            if isinstance(module, nn.Linear):
                module.__class__ = _Held
        return
    for name, module in network.blocks.named_modules():
        if _is_linear(module, name):
            groups, rest = divmod(module.weight.numel(), _VALUES)
            if rest:
                raise UsageError(
                    f"adapter.base: nf4 divides weights into {_VALUES} values, and blocks.{name}"
                    f" has {module.weight.numel():,}; base: int8 divides nothing"
                )
            held = to_nf4(module.weight.detach(), _VALUES, math.gcd(groups, _SCALES))
            module.weight = nn.Parameter(held, requires_grad=False)


class _Held(nn.Linear):
    """With a quantised weight, of which the backward pass keeps no other copy: torchao's product of
    int8 would keep the matrix as it is computed back; that of nf4 does not.
    """

    def forward(self, input: Tensor) -> Tensor:
        product: Tensor = _Through.apply(input, self.weight)
        return product if self.bias is None else product + self.bias.to(product.dtype)


class _Through(torch.autograd.Function):
    """Tokens (T, n) times a frozen weight (m, n), computed back in each pass."""

    @staticmethod
    def forward(ctx: Any, tokens: Tensor, weight: Any) -> Tensor:
        ctx.weight = weight
        return functional.linear(tokens, weight.dequantize().to(tokens.dtype))

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor, None]:
        (gradient,) = gradients
        return gradient @ ctx.weight.dequantize().to(gradient.dtype), None


def _is_linear(module: nn.Module, _name: str) -> bool:
    return isinstance(module, nn.Linear)
