"""What optimisers remember of a weight, as plain tensors, and back.

A moment of 8-bit states is three tensors: its codes, the scale of each block, and what codes mean.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import torch
from torch import Tensor, nn
from torch.distributed.tensor import DTensor
from torch.optim import Optimizer


def plain(optimisers: Sequence[Optimizer]) -> Iterator[tuple[Tensor, str, Tensor]]:
    """(weight, name of what is remembered of it, such as "exp_avg", tensor); numbers as tensors of
    one value.
    """
    for optimiser in optimisers:
        for weight, entry in optimiser.state.items():
            for slot, value in entry.items():
                for name, tensor in _parts(slot, value):
                    yield weight, name, tensor.reshape(1) if tensor.ndim == 0 else tensor


def _parts(slot: str, value: Any) -> Iterator[tuple[str, Tensor]]:
    if isinstance(value, DTensor) or not hasattr(value, "__tensor_flatten__"):
        yield slot, torch.as_tensor(value).detach()
        return
    for part in value.__tensor_flatten__()[0]:
        yield f"{slot}.{part}", getattr(value, part)


def load(
    optimisers: Sequence[Optimizer], stored: Mapping[nn.Parameter, Mapping[str, Tensor]]
) -> None:
    """Put what ``plain`` gave into optimisers of the same weights."""
    for owner in optimisers:
        weights = [weight for group in owner.param_groups for weight in group["params"]]
        entries = {
            index: _entry(weight, stored[weight])
            for index, weight in enumerate(weights)
            if weight in stored
        }
        owner.load_state_dict({**owner.state_dict(), "state": entries})


def _entry(weight: nn.Parameter, stored: Mapping[str, Tensor]) -> dict[str, Tensor]:
    entry: dict[str, Any] = {}
    for name, tensor in stored.items():
        slot, _, part = name.partition(".")
        if part:
            entry.setdefault(slot, {})[part] = tensor
        else:
            scalar = tensor.numel() == 1 and tensor.shape != weight.shape
            entry[slot] = tensor.reshape(()) if scalar else tensor
    return {slot: _joined(value) for slot, value in entry.items()}


def _joined(value: Any) -> Tensor:
    if isinstance(value, Tensor):
        return value
    from train.optimisers import eight_bit

    return eight_bit.joined(value)
