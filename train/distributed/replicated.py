"""What every process has whole, and trains alike: weights beside a network that stays as it is."""

from collections.abc import Iterable

import torch
from torch import distributed, nn

from curation.failures.errors import UsageError
from train.distributed.world import World


def check(tensor: int) -> None:
    """Raise ``UsageError`` where ``tensor`` processes share out the heads of a network that
    something is trained beside: it is whole in each.
    """
    if tensor > 1:
        raise UsageError(
            f"distributed.tensor {tensor}: the network that a LoRA or a ControlNet is trained"
            " beside is whole in every process, and its heads are not shared out: set 1"
        )


@torch.no_grad()
def sum_gradients(modules: Iterable[nn.Module], world: World) -> None:
    """Sum the gradients of the weights of ``modules`` over the parts of a batch, in every process:
    losses have their shares of it already. All processes call it at once.
    """
    if world.mesh is None:
        return
    weights = [
        weight for module in modules for weight in module.parameters() if weight.requires_grad
    ]
    for weight in weights:  # of none there is none where a part has no sample that it is used for
        weight.grad = torch.zeros_like(weight) if weight.grad is None else weight.grad
    gradients = [weight.grad for weight in weights if weight.grad is not None]
    together = torch.cat([gradient.flatten() for gradient in gradients])
    distributed.all_reduce(together)
    sizes = [gradient.numel() for gradient in gradients]
    for gradient, summed in zip(gradients, torch.split(together, sizes), strict=True):
        gradient.copy_(summed.view_as(gradient))
