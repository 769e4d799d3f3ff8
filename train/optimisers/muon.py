"""Muon: every matrix moves by its momentum, orthogonalised (K. Jordan et al., 2024), in steps as
long as AdamW's (Moonlight, arXiv 2502.16982), so that its learning rate and weight decay carry
over.

Shapes: B matrices of the same shape, m rows, n columns.
"""

import math
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import torch
from torch import Tensor, distributed, nn
from torch.distributed.tensor import DTensor
from torch.optim import Optimizer

from train.distributed import sharded
from train.packing.keys import Source, apart, together

_COEFFICIENTS = (3.4445, -4.7750, 2.0315)  # of Jordan's quintic: the steepest at 0
_ITERATIONS = 5
_RMS = 0.2  # of an update of AdamW, about (arXiv 2502.16982, 2.2)
_TINY = 1e-7


def orthogonalised(matrices_bmn: Tensor, numbers: torch.dtype) -> Tensor:
    """(B, m, n), each with singular values near 1 and the same singular vectors, computed in these
    ``numbers``.

    By Newton-Schulz iterations, after which singular values lie between 0.5 and 1.5. What is near 0
    grows by 3.4 in each, by 485 in all, and with it what rounding made of it.
    """
    wide = matrices_bmn.shape[1] > matrices_bmn.shape[2]
    x = matrices_bmn.to(numbers)
    x = x.mT if wide else x
    x = x / x.norm(dim=(1, 2), keepdim=True).clamp(min=_TINY)
    a, b, c = _COEFFICIENTS
    for _ in range(_ITERATIONS):
        gram = x @ x.mT
        x = torch.baddbmm(x, torch.baddbmm(gram, gram, gram, beta=b, alpha=c), x, beta=a)
    return x.mT if wide else x


class Muon(Optimizer):
    """``weights`` are matrices with what is fused in their rows, such as queries, keys and values
    (``train.packing.keys``): each of these is orthogonalised by itself.

    The step of a matrix does not depend on which others there are, but for rounding: those of the
    same shape are orthogonalised together. Weights that are divided among processes are gathered,
    each process orthogonalises some of them, and takes its part of all: the step is that of a
    process by itself.

    ``numbers`` are those that matrices are orthogonalised in. In float32 sums of gradients in
    another order, by other numbers of processes, stay next to each other; bfloat16, of a GPU whose
    gradients are rounded to it already, makes steps of them that differ.
    """

    def __init__(
        self,
        weights: Iterable[tuple[nn.Parameter, Source]],
        lr: float,
        momentum: float = 0.95,
        weight_decay: float = 0.0,
        numbers: torch.dtype = torch.float32,
    ) -> None:
        pairs = list(weights)
        self._numbers = numbers
        self._sources: Mapping[nn.Parameter, Source] = dict(pairs)
        for weight, source in pairs:
            count = len(source.parts)
            if weight.ndim != 2 or weight.shape[0] % (count * source.heads):
                raise ValueError(f"{tuple(weight.shape)}: expected {count} matrices, fused")
        defaults = {"lr": lr, "momentum": momentum, "weight_decay": weight_decay}
        super().__init__([weight for weight, _ in pairs], defaults)

    @torch.no_grad()
    def step(self, closure: Any = None) -> None:  # type: ignore[override]
        """Move all weights that have a gradient."""
        for group in self.param_groups:
            moved = {
                weight: self._momentum(weight, group["momentum"])
                for weight in group["params"]
                if weight.grad is not None
            }
            for weights in sharded.by_placement(moved):
                if isinstance(weights[0], DTensor):
                    self._move_divided(group, weights, moved)
                else:
                    self._move_here(group, weights, moved)

    def _momentum(self, weight: nn.Parameter, momentum: float) -> Tensor:
        """The gradient and its running mean, as Nesterov has them."""
        assert weight.grad is not None
        state = self.state[weight]
        if not state:
            state["momentum_buffer"] = torch.zeros_like(weight.grad)
        buffer: Tensor = state["momentum_buffer"]
        buffer.lerp_(weight.grad, 1 - momentum)
        return weight.grad.lerp(buffer, momentum)

    def _move_here(
        self,
        group: Mapping[str, Any],
        weights: Sequence[nn.Parameter],
        moved: Mapping[nn.Parameter, Tensor],
    ) -> None:
        """Move weights of a process by itself, those of the same shape together."""
        alike: dict[torch.Size, list[tuple[nn.Parameter, Tensor]]] = {}
        for weight in weights:
            matrices = apart(self._sources[weight], moved[weight])
            alike.setdefault(matrices.shape[1:], []).append((weight, matrices))
        for same in alike.values():
            counts = [len(matrices) for _, matrices in same]
            steps = orthogonalised(torch.cat([matrices for _, matrices in same]), self._numbers)
            for (weight, _), step in zip(same, torch.split(steps, counts), strict=True):
                self._move(group, weight, together(self._sources[weight], step))

    def _move_divided(
        self,
        group: Mapping[str, Any],
        weights: Sequence[nn.Parameter],
        moved: Mapping[nn.Parameter, Tensor],
    ) -> None:
        """Move weights that are divided alike: as many at a time as there are processes, each of
        which orthogonalises one.
        """
        rank, size = distributed.get_rank(), distributed.get_world_size()
        for start in range(0, len(weights), size):
            batch = weights[start : start + size]
            own = None
            for owner, weight in enumerate(batch):
                gathered = sharded.full(moved[weight])
                own = gathered if owner == rank else own
            if own is not None:
                source = self._sources[batch[rank]]
                own = together(source, orthogonalised(apart(source, own), self._numbers))
            for owner, weight in enumerate(batch):
                step = own.contiguous() if owner == rank and own is not None else None
                if step is None:
                    step = torch.empty(weight.shape, dtype=self._numbers, device=weight.device)
                distributed.broadcast(step, owner)
                self._move(group, weight, sharded.part_of(step, weight))

    def _move(self, group: Mapping[str, Any], weight: nn.Parameter, step: Tensor) -> None:
        """Move what there is here of a weight, by its part of an orthogonal ``step``."""
        rows = weight.shape[0] // len(self._sources[weight].parts)
        length = group["lr"] * _RMS * math.sqrt(max(rows, weight.shape[1]))
        here = sharded.local(weight)
        here.mul_(1 - group["lr"] * group["weight_decay"])
        here.add_(step.to(here.dtype), alpha=-length)
