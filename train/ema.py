"""Exponential moving average of weights."""

import copy
from collections.abc import Mapping

import torch
from torch import nn


def start(modules: Mapping[str, nn.Module]) -> dict[str, nn.Module]:
    """Copies of the modules that hold the average; never trained."""
    return {name: copy.deepcopy(module).requires_grad_(False) for name, module in modules.items()}


def decay_at(step: int, decay: float) -> float:
    """The decay of the 1-based ``step``: min(decay, (1 + step) / (10 + step)).

    The ramp lets the average forget the random start.
    """
    return min(decay, (1 + step) / (10 + step))


@torch.no_grad()
def update(average: Mapping[str, nn.Module], raw: Mapping[str, nn.Module], decay: float) -> None:
    """average <- decay average + (1 - decay) raw, parameter by parameter; buffers are copied."""
    for name, module in raw.items():
        held = [weight.detach() for weight in average[name].parameters()]
        torch._foreach_lerp_(held, [weight.detach() for weight in module.parameters()], 1 - decay)
        for kept, buffer in zip(average[name].buffers(), module.buffers(), strict=True):
            kept.copy_(buffer)
