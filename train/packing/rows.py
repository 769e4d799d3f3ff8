"""Rows of packed tokens taken by index, with gradients that are fast and always summed alike.

Indices are made outside of the network, once for a batch. What a token reads of a table is read
again in the backward pass, so that nothing of the size of the tokens is kept for it.

Shapes: J tokens, d their width, R rows of a table.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

from train.packing.layout import Integers
from train.packing.norms import EPSILON


@dataclass(frozen=True)
class Rows:
    """Which row of a table each token reads, ``index`` (J,); where the table is read in order, each
    row by as many tokens (``even``), nothing is looked up.
    """

    index: Tensor
    even: bool = False

    @classmethod
    def of(cls, index: Integers, count: int, device: torch.device | str) -> "Rows":
        """Of a table of ``count`` rows."""
        in_order = np.repeat(np.arange(count), len(index) // count)
        even = np.array_equal(index, in_order)
        return cls(torch.from_numpy(np.ascontiguousarray(index)).to(device), even)

    def of_tokens(self, places: Tensor) -> "Rows":
        """Those of some tokens, at ``places`` (K,)."""
        return Rows(self.index.index_select(0, places))


def reorder(values: Tensor, order: Tensor, inverse: Tensor) -> Tensor:
    """``values`` (J, ...) in the ``order`` (J,), a permutation with its ``inverse``."""
    reordered: Tensor = _Reordered.apply(values, order, inverse)
    return reordered


def modulated(tokens: Tensor, table: Tensor, rows: Rows) -> Tensor:
    """LayerNorm (J, d), without weights, times 1 + scale, plus shift: adaptive as in adaLN-Zero
    (arXiv 2212.09748). ``rows`` say where in the ``table`` each token has its shift and scale
    (R, 2 d), or its scale alone (R, d).
    """
    result: Tensor = _Modulated.apply(tokens, table, rows.index, rows.even)
    return result


def gated(tokens: Tensor, change: Tensor, table: Tensor, rows: Rows) -> Tensor:
    """``tokens`` (J, d) plus the ``change`` (J, d) times each token's gate, its row of the
    ``table`` (R, d).
    """
    result: Tensor = _Gated.apply(tokens, change, table, rows.index, rows.even)
    return result


class _Reordered(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, values: Tensor, order: Tensor, inverse: Tensor) -> Tensor:
        ctx.save_for_backward(inverse)
        return values.index_select(0, order)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, None, None]:
        (inverse,) = ctx.saved_tensors
        return gradient.index_select(0, inverse), None, None


class _Modulated(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, tokens: Tensor, table: Tensor, index: Tensor, even: bool) -> Tensor:
        width = tokens.shape[-1]
        normed, mean, deviation = torch.native_layer_norm(tokens, [width], None, None, EPSILON)
        ctx.save_for_backward(tokens, mean, deviation, table, index)
        ctx.even = even
        by_row = _by_row(normed, table, even)
        scale = _taken(1 + table[:, -width:], index, even)
        if table.shape[1] == width:
            return (by_row * scale).view_as(tokens)
        shift = _taken(table[:, :width], index, even)
        return torch.addcmul(shift, by_row, scale).view_as(tokens)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, Tensor, None, None]:
        tokens, mean, deviation, table, index = ctx.saved_tensors
        width = tokens.shape[-1]
        normed = torch.addcmul(-mean * deviation, tokens, deviation).to(gradient.dtype)
        sums = [_summed(normed.mul_(gradient), table, index, ctx.even)]
        if table.shape[1] > width:
            sums.insert(0, _summed(gradient, table, index, ctx.even))
        scale = _taken(1 + table[:, -width:], index, ctx.even)
        inner = (_by_row(gradient, table, ctx.even) * scale).view_as(tokens)
        of_tokens = torch.ops.aten.native_layer_norm_backward(
            inner, tokens, [width], mean, deviation, None, None, [True, False, False]
        )[0]
        return of_tokens, torch.cat(sums, dim=1), None, None


class _Gated(torch.autograd.Function):
    @staticmethod
    def forward(
        ctx: Any, tokens: Tensor, change: Tensor, table: Tensor, index: Tensor, even: bool
    ) -> Tensor:
        ctx.save_for_backward(change, table, index)
        ctx.even = even
        by_row = [_by_row(each, table, even) for each in (tokens, change)]
        return torch.addcmul(by_row[0], _taken(table, index, even), by_row[1]).view_as(tokens)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, Tensor, Tensor, None, None]:
        change, table, index = ctx.saved_tensors
        of_table = _summed(gradient * change, table, index, ctx.even)
        gate = _taken(table, index, ctx.even)
        of_change = (_by_row(gradient, table, ctx.even) * gate).view_as(change)
        return gradient, of_change, of_table, None, None


def _by_row(values: Tensor, table: Tensor, even: bool) -> Tensor:
    """``values`` (J, d) as they go with what is ``_taken``: (R, J / R, d) where rows are even."""
    return values.view(len(table), -1, values.shape[-1]) if even else values


def _taken(table: Tensor, index: Tensor, even: bool) -> Tensor:
    if even:
        return table[:, None]
    return table.contiguous().index_select(0, index)  # of rows with gaps it would be slow


def _summed(values: Tensor, table: Tensor, index: Tensor, even: bool) -> Tensor:
    """(R, d) the sum of the tokens of each row, in the same order each time: on a GPU, and where a
    compiler would do as it likes, as a product of matrices.
    """
    if even:
        return _by_row(values, table, even).sum(1)
    rows = len(table)
    if values.is_cuda or torch.compiler.is_compiling():
        belongs = torch.arange(rows, device=index.device)[:, None] == index
        return belongs.to(values.dtype) @ values
    return values.new_zeros(rows, values.shape[1]).index_add_(0, index, values)
