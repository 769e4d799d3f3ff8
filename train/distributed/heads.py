"""Tensor parallelism: each process computes some of the heads, and as much of the MLPs.

Rows of fused weights are ordered by head (``train.packing.keys``), so that a range of heads is a
range of rows. Weights that all heads share, those of the norms of queries and keys, are in every
process, where each sees the gradient of its own heads only: it is summed (``sum_shared``). All
other weights are in every process, too, and have the same gradient there.
"""

from collections.abc import Sequence
from typing import Any

import torch
from torch import distributed, nn

from curation.failures.errors import UsageError
from train.distributed.sharded import local
from train.distributed.world import World
from train.packing.by_head import ByHead


def split(network: nn.Module, by_head: ByHead | None, world: World) -> None:
    """Divide a ``network`` among the world's ``tensor`` processes.

    Raises ``UsageError`` for a family that is not divided, and for heads that are not a multiple.
    """
    from torch.distributed.tensor.parallel import (
        ColwiseParallel,
        RowwiseParallel,
        parallelize_module,
    )

    ways = world.tensor
    if ways == 1:
        return
    if by_head is None:
        raise UsageError("distributed.tensor: networks of this model are not divided by head")
    if by_head.heads % ways:
        raise UsageError(
            f"distributed.tensor {ways}: model.heads {by_head.heads} is not a multiple of it"
        )
    plan: dict[str, Any] = {name: ColwiseParallel() for name in by_head.outputs}
    plan |= {name: RowwiseParallel() for name in by_head.inputs}
    parallelize_module(network, world.mesh["tensor"], plan)


@torch.no_grad()
def sum_shared(network: nn.Module, names: Sequence[str], world: World) -> None:
    """Sum the gradients of the shared weights ``names`` over the heads of all processes."""
    if world.tensor == 1:
        return
    named = dict(network.named_parameters())
    gradients = [weight.grad for name in names if (weight := named[name]).grad is not None]
    parts = [local(gradient) for gradient in gradients if gradient is not None]
    if not parts:
        return
    together = torch.cat([part.flatten() for part in parts])
    distributed.all_reduce(together, group=world.mesh["tensor"].get_group())
    sizes = [part.numel() for part in parts]
    for part, summed in zip(parts, torch.split(together, sizes), strict=True):
        part.copy_(summed.view_as(part))
