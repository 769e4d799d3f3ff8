"""In which numbers the weights of a network are held, to save memory.

Only the matrices of blocks are quantised: the rest is a hundredth of a large network, and its
rounding would be seen in every token. Weights alone are (W8A16 and the like): products are taken in
the type of the activations, by torchao. Heavy imports come late.
"""

from typing import TYPE_CHECKING, Any, Literal

from curation.failures.errors import UsageError

if TYPE_CHECKING:
    import torch
    from torch import nn

Precision = Literal["stored", "float32", "bfloat16", "int8", "int4", "float8"]
PRECISIONS: tuple[Precision, ...] = ("stored", "float32", "bfloat16", "int8", "int4", "float8")
# Bits of a weight in a block, with those of its scales: one in bfloat16 for each row (int8, float8)
# of some thousands, and a scale and a zero point for each 32 (int4, on a GPU).
BITS: dict[Precision, float] = {
    "float32": 32,
    "bfloat16": 16,
    "int8": 8.02,
    "float8": 8.02,
    "int4": 5,
}
_GROUP = 32  # values that share a scale


def held(network: Any, precision: Precision) -> None:
    """Let a network, on its device, hold its weights so. int8, int4 and float8 compute in the type
    that is stored; int4 on a GPU needs bfloat16, and takes a byte a weight on a CPU, where it is
    there to try what it costs in quality.

    Raises ``UsageError`` without torchao.
    """
    if precision == "stored":
        return
    import torch
    from torch import nn

    kinds = {"float32": torch.float32, "bfloat16": torch.bfloat16}
    if precision in kinds:
        network.to(kinds[precision])
        return
    on_gpu = next(network.parameters()).is_cuda
    if precision == "int4" and on_gpu:
        network.to(torch.bfloat16)
    try:
        from torchao.quantization import quantize_
    except ImportError:
        raise UsageError(
            f"--precision {precision} needs torchao: pip install 'inkstone[train]'"
        ) from None
    quantize_(
        network.blocks,
        _configuration(precision, on_gpu),
        filter_fn=lambda module, _: isinstance(module, nn.Linear),
    )


def _configuration(precision: Precision, on_gpu: bool) -> Any:
    import torch
    from torchao import quantization

    if precision == "int8":
        return quantization.Int8WeightOnlyConfig()
    if precision == "float8":
        return quantization.Float8WeightOnlyConfig()
    if on_gpu:
        return quantization.Int4WeightOnlyConfig(
            group_size=_GROUP, int4_packing_format="tile_packed_to_4d"
        )
    return quantization.IntxWeightOnlyConfig(
        weight_dtype=getattr(torch, "int4"),  # noqa: B009 mypy does not know it
        granularity=quantization.PerGroup(_GROUP),
    )


def bytes_of(network: "nn.Module") -> int:
    """What its weights and tables take."""
    from itertools import chain

    return sum(map(_bytes, chain(network.parameters(), network.buffers())))


def _bytes(tensor: "torch.Tensor") -> int:
    """Also of a quantised one, which is made of several."""
    flatten = getattr(tensor, "__tensor_flatten__", None)
    if flatten is None:
        return tensor.nbytes
    names, _ = flatten()
    return sum(_bytes(getattr(tensor, name)) for name in names)
