"""Muon: every matrix moves by its momentum, orthogonalised (K. Jordan et al., 2024), in steps as
long as AdamW's (Moonlight, arXiv 2502.16982), so that its learning rate and weight decay carry
over.

Shapes: B matrices of the same shape, m rows, n columns.
"""

import math
from collections.abc import Iterable, Mapping
from typing import Any

import torch
from torch import Tensor, nn
from torch.optim import Optimizer

from train.packing.keys import Source, apart, together

_COEFFICIENTS = (3.4445, -4.7750, 2.0315)  # of Jordan's quintic: the steepest at 0
_ITERATIONS = 5
_RMS = 0.2  # of an update of AdamW, about (arXiv 2502.16982, 2.2)
_TINY = 1e-7


def orthogonalised(matrices_bmn: Tensor) -> Tensor:
    """(B, m, n), each with singular values near 1 and the same singular vectors, in bfloat16.

    By Newton-Schulz iterations, after which singular values lie between 0.5 and 1.5.
    """
    wide = matrices_bmn.shape[1] > matrices_bmn.shape[2]
    x = matrices_bmn.bfloat16()
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
    same shape are orthogonalised together.
    """

    def __init__(
        self,
        weights: Iterable[tuple[nn.Parameter, Source]],
        lr: float,
        momentum: float = 0.95,
        weight_decay: float = 0.0,
    ) -> None:
        pairs = list(weights)
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
            alike: dict[tuple[int, int], list[tuple[nn.Parameter, Tensor]]] = {}
            for weight in group["params"]:
                if weight.grad is not None:
                    moved = self._momentum(weight, group["momentum"])
                    matrices = apart(self._sources[weight], moved)
                    alike.setdefault((matrices.shape[1], matrices.shape[2]), []).append(
                        (weight, matrices)
                    )
            for shape, entries in alike.items():
                self._move(group, shape, entries)

    def _momentum(self, weight: nn.Parameter, momentum: float) -> Tensor:
        """The gradient and its running mean, as Nesterov has them."""
        assert weight.grad is not None
        state = self.state[weight]
        if not state:
            state["momentum_buffer"] = torch.zeros_like(weight.grad)
        buffer: Tensor = state["momentum_buffer"]
        buffer.lerp_(weight.grad, 1 - momentum)
        return weight.grad.lerp(buffer, momentum)

    def _move(
        self,
        group: Mapping[str, Any],
        shape: tuple[int, int],
        entries: list[tuple[nn.Parameter, Tensor]],
    ) -> None:
        """Move weights whose matrices all have ``shape``."""
        steps = orthogonalised(torch.cat([matrices for _, matrices in entries]))
        length = group["lr"] * _RMS * math.sqrt(max(shape))
        start = 0
        for weight, matrices in entries:
            own = together(self._sources[weight], steps[start : start + len(matrices)])
            start += len(matrices)
            weight.mul_(1 - group["lr"] * group["weight_decay"])
            weight.add_(own.to(weight.dtype), alpha=-length)
