"""Rows of packed tokens taken by index, with gradients that are fast and always summed alike.

Indices are made outside of the network, once for a batch. What a token reads of a table is read
again in the backward pass, so that nothing of the size of the tokens is kept for it.

Shapes: J tokens, d their width, R rows of a table.
"""

from typing import Any

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

from train.packing.norms import EPSILON


def reorder(values: Tensor, order: Tensor, inverse: Tensor) -> Tensor:
    """``values`` (J, ...) in the ``order`` (J,), a permutation with its ``inverse``."""
    reordered: Tensor = _Reordered.apply(values, order, inverse)
    return reordered


def modulated(tokens: Tensor, table: Tensor, row: Tensor) -> Tensor:
    """LayerNorm (J, d), without weights, times 1 + scale, plus shift: adaptive as in adaLN-Zero
    (arXiv 2212.09748). ``row`` (J,) says where in the ``table`` each token has its shift and scale
    (R, 2 d), or its scale alone (R, d).
    """
    result: Tensor = _Modulated.apply(tokens, table, row)
    return result


def gated(tokens: Tensor, change: Tensor, table: Tensor, row: Tensor) -> Tensor:
    """``tokens`` (J, d) plus the ``change`` (J, d) times each token's gate, its ``row`` (J,) of
    the ``table`` (R, d).
    """
    result: Tensor = _Gated.apply(tokens, change, table, row)
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
    def forward(ctx: Any, tokens: Tensor, table: Tensor, row: Tensor) -> Tensor:
        width = tokens.shape[-1]
        normed, mean, deviation = torch.native_layer_norm(tokens, [width], None, None, EPSILON)
        ctx.save_for_backward(tokens, mean, deviation, table, row)
        scale = _taken(1 + table[:, -width:], row)
        if table.shape[1] == width:
            return normed * scale
        return torch.addcmul(_taken(table[:, :width], row), normed, scale)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, Tensor, None]:
        tokens, mean, deviation, table, row = ctx.saved_tensors
        rows, width = table.shape[0], tokens.shape[-1]
        normed = torch.addcmul(-mean * deviation, tokens, deviation).to(gradient.dtype)
        sums = [_summed(gradient * normed, row, rows)]
        if table.shape[1] > width:
            sums.insert(0, _summed(gradient, row, rows))
        inner = gradient * _taken(1 + table[:, -width:], row)
        of_tokens = torch.ops.aten.native_layer_norm_backward(
            inner, tokens, [width], mean, deviation, None, None, [True, False, False]
        )[0]
        return of_tokens, torch.cat(sums, dim=1), None


class _Gated(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, tokens: Tensor, change: Tensor, table: Tensor, row: Tensor) -> Tensor:
        ctx.save_for_backward(change, table, row)
        return torch.addcmul(tokens, _taken(table, row), change)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, Tensor, Tensor, None]:
        change, table, row = ctx.saved_tensors
        of_table = _summed(gradient * change, row, table.shape[0])
        return gradient, gradient * _taken(table, row), of_table, None


def _taken(table: Tensor, row: Tensor) -> Tensor:
    return table.contiguous().index_select(0, row)  # of rows with gaps it would be slow


def _summed(values: Tensor, row: Tensor, rows: int) -> Tensor:
    """(R, d) the sum of the tokens of each row, in the same order each time: on a GPU, and where a
    compiler would do as it likes, as a product of matrices.
    """
    if values.is_cuda or torch.compiler.is_compiling():
        belongs = torch.arange(rows, device=row.device)[:, None] == row
        return belongs.to(values.dtype) @ values
    return values.new_zeros(rows, values.shape[1]).index_add_(0, row, values)
