"""Parameters of ours and the published tensors that they are made of.

Rows are moved, never changed: a parameter is some published tensors behind one another, or, of
tensors of heads, those of the first head behind one another, then those of the second, so that any
range of heads is a range of rows. Loaded and saved again, every tensor has the bytes that it had.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from train.packing.rotary import halves


@dataclass(frozen=True)
class Published:
    """A published tensor, by its ``key``. Where it is ``turned``, the rows of each head are
    reordered from pairs to halves (``rotary.halves``).
    """

    key: str
    turned: bool = False


@dataclass(frozen=True)
class Source:
    """What a parameter is made of: ``parts`` of equal shape, of ``heads`` heads (1: of none)."""

    parts: tuple[Published, ...]
    heads: int = 1


Keys = Mapping[str, Source]  # by the name of a parameter


def joined(source: Source, parts: Sequence[Tensor]) -> Tensor:
    """The parameter made of the published tensors, in the order of ``source.parts``."""
    pairs = zip(source.parts, parts, strict=True)
    return torch.stack([ordered(source, *pair) for pair in pairs], dim=1).flatten(0, 2)


def ordered(source: Source, part: Published, rows: Tensor) -> Tensor:
    """``rows`` (m, ...) of a published tensor as they stand in a parameter: (heads, m / heads, ...)
    in our order.
    """
    by_head = rows.reshape(source.heads, -1, *rows.shape[1:])
    return by_head[:, halves(by_head.shape[1])] if part.turned else by_head


def views(source: Source, parameter: Tensor) -> Iterator[tuple[Published, Tensor]]:
    """Each published tensor in a parameter, as its ``ordered`` rows there: written to, they change
    the parameter.
    """
    by_head = parameter.view(source.heads, len(source.parts), -1, *parameter.shape[1:])
    return zip(source.parts, by_head.unbind(1), strict=True)


def parted(source: Source, parameter: Tensor) -> Iterator[tuple[str, Tensor]]:
    """(key, tensor) of each published tensor in a parameter, copied."""
    by_head = parameter.reshape(source.heads, len(source.parts), -1, *parameter.shape[1:])
    for number, part in enumerate(source.parts):
        rows = by_head[:, number]
        if part.turned:
            rows = rows[:, np.argsort(halves(rows.shape[1])).tolist()]
        yield part.key, rows.flatten(0, 1).clone(memory_format=torch.contiguous_format)


def apart(source: Source, parameter: Tensor) -> Tensor:
    """(parts, m, n) the matrices fused in a parameter (or in its gradient), each by itself, with
    their rows in our order: what an optimiser of matrices moves.
    """
    by_head = parameter.reshape(source.heads, len(source.parts), -1, *parameter.shape[1:])
    return by_head.transpose(0, 1).flatten(1, 2)


def together(source: Source, matrices: Tensor) -> Tensor:
    """The parameter of which ``apart`` makes the ``matrices`` (parts, m, n)."""
    by_head = matrices.reshape(len(source.parts), source.heads, -1, *matrices.shape[2:])
    return by_head.transpose(0, 1).flatten(0, 2)


def plain(names: Mapping[str, str], suffixes: Sequence[str]) -> dict[str, Source]:
    """Of modules that are stored as they are: names of ours by the published ones."""
    return {
        f"{ours}.{suffix}": Source((Published(f"{published}.{suffix}"),))
        for published, ours in names.items()
        for suffix in suffixes
    }
