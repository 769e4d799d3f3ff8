"""How a network is carried out in training: what is kept for the backward pass, what is compiled,
and which products are taken in float8. What it computes is the same, up to rounding.

It takes networks with ``blocks`` whose ``before`` and ``after`` hold all but attention itself.
"""

from collections.abc import Callable
from functools import partial
from typing import Any

import torch
from torch import nn
from torch.utils.checkpoint import (
    CheckpointPolicy,
    checkpoint,
    create_selective_checkpoint_contexts,
)

from curation.failures.errors import UsageError
from train.configuration import Configuration

_PARTS = ("before", "after")
_MATMULS = (torch.ops.aten.mm.default, torch.ops.aten.addmm.default, torch.ops.aten.bmm.default)
_FLOAT8_SINCE = (8, 9)  # compute capability of a GPU
_FLOAT8_MULTIPLE = 16  # rows and columns of a matrix must be


def prepare(network: nn.Module, configuration: Configuration, device: str) -> None:
    """Change how ``network`` is carried out, as configured; it must not be copied afterwards.

    Raises ``UsageError`` for what the network or this machine does not have.
    """
    if configuration.precision == "float8":
        to_float8(network)
    recompute(network, configuration.recompute)
    if configuration.compile:
        compile_blocks(network, device)


def recompute(network: nn.Module, kind: str) -> None:
    """Compute activations again in the backward pass: of ``kind`` "block" all but what enters a
    block; "selective" all but what matrices and attention gave, which cost most to compute.
    """
    if kind == "none":
        return
    for block in _blocks(network, f"recompute {kind}"):
        if kind == "block":
            setattr(block, "forward", _checkpointed(block.forward, None))  # noqa: B010
            continue
        for part in _PARTS:
            keeping = partial(create_selective_checkpoint_contexts, _policy)
            setattr(block, part, _checkpointed(getattr(block, part), keeping))


def _policy(_context: Any, operation: Any, *_arguments: Any, **_named: Any) -> CheckpointPolicy:
    if operation in _MATMULS:
        return CheckpointPolicy.MUST_SAVE
    return CheckpointPolicy.PREFER_RECOMPUTE


def _checkpointed(forward: Callable[..., Any], keeping: Callable[[], Any] | None) -> Any:
    """A function whose activations are computed again, but for those that ``keeping`` keeps."""
    options: dict[str, Any] = {"context_fn": keeping} if keeping else {}

    def through(*given: Any) -> Any:
        if not torch.is_grad_enabled():
            return forward(*given)
        return checkpoint(forward, *given, use_reentrant=False, preserve_rng_state=False, **options)

    return through


def compile_blocks(network: Any, device: str, **options: Any) -> None:
    """Compile what blocks do before and after attention; ``options`` are those of
    ``torch.compile``. Raises ``UsageError`` where there is no compiler.
    """
    _blocks(network, "compile")
    if torch.device(device).type == "cpu" and not options:
        from torch._inductor.cpp_builder import get_cpp_compiler
        from torch._inductor.exc import InvalidCxxCompiler

        try:
            get_cpp_compiler()
        except InvalidCxxCompiler:
            raise UsageError(
                "compile: true needs a C++ compiler on a CPU, such as g++; install one, or leave"
                " compile out"
            ) from None
    network.compile_blocks(**options)


def check_float8(device: str) -> None:
    """Raise ``UsageError`` where the hardware does not multiply in float8."""
    place = torch.device(device)
    if place.type == "cuda":
        has = torch.cuda.get_device_capability(place)
        if has >= _FLOAT8_SINCE:
            return
        here = f"this one has {has[0]}.{has[1]}"
    else:
        here = f"the device is {place.type}"
    raise UsageError(
        "precision float8 needs a GPU of compute capability 8.9 (Ada, Hopper) or later, and"
        f" {here}; precision bf16 runs anywhere"
    )


def to_float8(network: nn.Module, emulate: bool = False) -> list[str]:
    """Let the matrices inside blocks multiply in float8, with a scale for each tensor; those of
    modulation and outside of blocks stay. Returns the names of their modules.

    ``emulate`` computes the same in float32, anywhere, and slowly.
    """
    from torchao.float8 import Float8LinearConfig, convert_to_float8_training

    _blocks(network, "precision float8")
    changed: list[str] = []

    def chosen(module: nn.Module, name: str) -> bool:
        if not name.startswith("blocks.") or not isinstance(module, nn.Linear):
            return False
        sides = (module.in_features, module.out_features)
        able = "modulation" not in name and not any(side % _FLOAT8_MULTIPLE for side in sides)
        if able and module.weight.requires_grad:
            changed.append(name)
            return True
        return False

    settings = Float8LinearConfig(emulate=emulate, pad_inner_dim=True)
    convert_to_float8_training(network, module_filter_fn=chosen, config=settings)
    return changed


def _blocks(network: nn.Module, asked: str) -> Any:
    blocks = getattr(network, "blocks", ())
    if not all(hasattr(block, part) for block in blocks for part in _PARTS) or not blocks:
        raise UsageError(f"{asked}: {type(network).__name__} has no blocks that this could be for")
    return blocks
