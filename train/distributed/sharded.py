"""Weights of which every process has a part (``DTensor``), and those that are whole."""

from collections.abc import Iterable, Sequence
from typing import Any, TypeVar

import torch
from torch import Tensor, nn
from torch.distributed.tensor import DTensor, Replicate
from torch.nn.utils import get_total_norm

_Kind = TypeVar("_Kind", bound=Tensor)
_TINY = 1e-6  # as torch.nn.utils.clip_grad_norm_ has it


def local(tensor: Tensor) -> Tensor:
    """What this process has of a tensor, sharing its memory."""
    return tensor.to_local() if isinstance(tensor, DTensor) else tensor


def is_divided(module: object) -> bool:
    """Whether processes have parts of the weights of a module."""
    return isinstance(module, nn.Module) and any(
        isinstance(weight, DTensor) for weight in module.parameters()
    )


def full(tensor: Tensor) -> Tensor:
    """All of a tensor, in every process; they all call it at once."""
    return tensor.full_tensor() if isinstance(tensor, DTensor) else tensor


def part_of(values: Tensor, like: Tensor) -> Tensor:
    """The part of full ``values``, which are the same everywhere, that this process has of a tensor
    ``like``.
    """
    if not isinstance(like, DTensor):
        return values
    mesh = like.device_mesh
    everywhere = DTensor.from_local(values, mesh, [Replicate()] * mesh.ndim, run_check=False)
    return everywhere.redistribute(mesh, like.placements).to_local()


def by_placement(tensors: Iterable[_Kind]) -> list[list[_Kind]]:
    """The tensors in lists of those that are divided alike, which alone go together."""
    groups: dict[Any, list[_Kind]] = {}
    for tensor in tensors:
        key = (tensor.device_mesh, tensor.placements) if isinstance(tensor, DTensor) else None
        groups.setdefault(key, []).append(tensor)
    return list(groups.values())


def norm(gradients: Sequence[Tensor]) -> Tensor:
    """A scalar, of gradients that may be divided in several ways; all processes call it at once."""
    norms = [full(get_total_norm(group)) for group in by_placement(gradients)]
    return norms[0] if len(norms) == 1 else torch.linalg.vector_norm(torch.stack(norms))


@torch.no_grad()
def clip(weights: Iterable[Tensor], most: float) -> float:
    """Scale all gradients down so that their norm is at most so much; returns what it was.

    As ``torch.nn.utils.clip_grad_norm_``, of weights that are divided in several ways, too.
    """
    gradients = [weight.grad for weight in weights if weight.grad is not None]
    total = norm(gradients)
    factor = torch.clamp(most / (total + _TINY), max=1.0)
    torch._foreach_mul_([local(gradient) for gradient in gradients], factor)
    return float(total)
