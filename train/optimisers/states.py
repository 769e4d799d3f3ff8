"""What optimisers remember, as plain tensors by name, and back.

A moment of 8-bit states is three tensors: its codes, the scale of each block, and what codes mean.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import torch
from torch import Tensor
from torch.optim import Optimizer


def plain(optimisers: Sequence[Optimizer]) -> dict[str, Tensor]:
    """The states of all optimisers on the CPU, by the number of the optimiser, that of the weight
    and the name of what is remembered of it: "0.3.exp_avg".
    """
    return {
        f"{number}.{index}.{name}": tensor.detach().cpu().contiguous()
        for number, optimiser in enumerate(optimisers)
        for index, entry in optimiser.state_dict()["state"].items()
        for slot, value in entry.items()
        for name, tensor in _parts(slot, value)
    }


def _parts(slot: str, value: Any) -> Iterator[tuple[str, Tensor]]:
    if not hasattr(value, "__tensor_flatten__"):
        yield slot, torch.as_tensor(value)
        return
    for part in value.__tensor_flatten__()[0]:
        yield f"{slot}.{part}", getattr(value, part)


def load(optimisers: Sequence[Optimizer], stored: Mapping[str, Tensor]) -> None:
    """Put states that ``plain`` gave into optimisers of the same weights."""
    for number, owner in enumerate(optimisers):
        entries: dict[int, dict[str, Any]] = {}
        for key, value in stored.items():
            own, index, slot, *part = key.split(".")
            if int(own) == number:
                entry = entries.setdefault(int(index), {})
                if part:
                    entry.setdefault(slot, {})[part[0]] = value
                else:
                    entry[slot] = value
        state = {
            index: {slot: _joined(value) for slot, value in entry.items()}
            for index, entry in entries.items()
        }
        owner.load_state_dict({**owner.state_dict(), "state": state})


def _joined(value: Any) -> Tensor:
    if isinstance(value, Tensor):
        return value
    from train.optimisers import eight_bit

    return eight_bit.joined(value)
