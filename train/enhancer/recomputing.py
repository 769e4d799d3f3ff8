"""Less memory for a third more time: what is between the ends of a block is computed twice."""

from collections.abc import Callable
from typing import Any

import torch
from torch.utils.checkpoint import checkpoint

from curation.failures.errors import UsageError


def recompute(network: Any) -> None:
    """Have each block of a network of transformers forget what is between its ends until gradients
    are computed. ``gradient_checkpointing_enable`` does that to networks in training mode alone,
    in which there is dropout. Raises ``UsageError`` where there are no such blocks.
    """
    from transformers.modeling_layers import GradientCheckpointingLayer

    blocks = [each for each in network.modules() if isinstance(each, GradientCheckpointingLayer)]
    if not blocks:
        kind = type(network).__name__
        raise UsageError(f"recompute: {kind} has no blocks that can be computed twice: take it out")
    for block in blocks:
        block.forward = _forgetting(block.forward)


def _forgetting(forward: Callable[..., Any]) -> Callable[..., Any]:
    def twice(*given: Any, **named: Any) -> Any:
        if not torch.is_grad_enabled():
            return forward(*given, **named)
        return checkpoint(forward, *given, use_reentrant=False, **named)

    return twice
