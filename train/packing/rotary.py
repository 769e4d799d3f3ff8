"""Rotary positions (RoPE, arXiv 2104.09864) in real numbers, the two halves of a head as pairs.

Published weights hold the pairs beside each other (2i, 2i + 1); ``halves`` is how their rows are
reordered once, when they are loaded. Attention scores are the same, and the rotation is plain
arithmetic that a compiler fuses.

Shapes: J tokens, H heads, E width of a head.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.autograd.function import once_differentiable

from train.packing.norms import inverse_rms

_BASE = 10_000


@dataclass(frozen=True)
class Rotation:
    """``cos`` and ``sin`` (J, 1, E / 2), float32, of each token's angles."""

    cos: Tensor
    sin: Tensor


def rotation(
    positions_j3: NDArray[np.int64], axes: Sequence[int], device: torch.device | str = "cpu"
) -> Rotation:
    """Of tokens at (frame, row, column), where each axis turns so many of the E values of a head:
    pair i of an axis of width w by position x 10000^(-2i / w), as diffusers computes it.
    """
    at = torch.from_numpy(np.ascontiguousarray(positions_j3)).to(device)
    angles = torch.cat(
        [torch.outer(at[:, axis], _turns(width, device)) for axis, width in enumerate(axes)], dim=1
    )
    unit = torch.polar(torch.ones_like(angles), angles)[:, None]  # to the bits of diffusers
    return Rotation(unit.real.contiguous(), unit.imag.contiguous())


def _turns(width: int, device: torch.device | str) -> Tensor:
    """(w / 2,) radians for each step along an axis."""
    shares = torch.arange(0, width, 2, device=device).to(torch.float32).div(width)
    return 1.0 / torch.pow(_BASE, shares)


def rotate(values: Tensor, by: Rotation) -> Tensor:
    """``values`` (J, ..., E) with each token's pairs (i, i + E/2) turned, in float32."""
    first, second = values.chunk(2, dim=-1)
    cos, sin = (_beside(values, each) for each in (by.cos, by.sin))
    return torch.cat([first * cos - second * sin, second * cos + first * sin], dim=-1)


def normed_and_turned(values: Tensor, weight: Tensor, by: Rotation) -> Tensor:
    """``rotate`` of ``rms_norm`` of queries and keys (J, H, k, E), with a ``weight`` (k, E), in
    float32 and then as they came. Nothing is kept for the gradient but what came in.
    """
    turned: Tensor = _NormedAndTurned.apply(values, weight, by.cos, by.sin)
    return turned


class _NormedAndTurned(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, values: Tensor, weight: Tensor, cos: Tensor, sin: Tensor) -> Tensor:
        wide = values.float()
        scale = inverse_rms(wide)
        ctx.save_for_backward(values, scale, weight, cos, sin)
        return _turned(wide * scale * weight.float(), cos, sin).to(values.dtype)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, Tensor, None, None]:
        values, scale, weight, cos, sin = ctx.saved_tensors
        normed = values.float() * scale
        of_weighted = _turned(gradient.float(), cos, -sin)
        of_weight = (of_weighted * normed).sum((0, 1)).to(weight.dtype)
        of_normed = of_weighted.mul_(weight.float())
        along = (of_normed * normed).mean(-1, keepdim=True)
        of_values = of_normed.addcmul_(normed, along, value=-1).mul_(scale)
        return of_values.to(values.dtype), of_weight, None, None


def _turned(values: Tensor, cos: Tensor, sin: Tensor) -> Tensor:
    """``rotate`` with fewer passes over memory, without a gradient."""
    cos, sin = _beside(values, cos), _beside(values, sin)
    first, second = values.chunk(2, dim=-1)
    turned = torch.empty_like(values)
    left, right = turned.chunk(2, dim=-1)
    left.copy_(first).mul_(cos).addcmul_(second, sin, value=-1)
    right.copy_(second).mul_(cos).addcmul_(first, sin)
    return turned


def _beside(values: Tensor, angles: Tensor) -> Tensor:
    """(J, 1, E / 2) as it broadcasts beside (J, ..., E)."""
    return angles.view(len(angles), *(1,) * (values.ndim - 2), -1)


def halves(width: int) -> list[int]:
    """Which published row of a head of ``width`` stands at each place of ours."""
    return [*range(0, width, 2), *range(1, width, 2)]
