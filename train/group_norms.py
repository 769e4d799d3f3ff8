"""Gradients by group: how much each noise level, size, task and source pulls at the weights."""

from collections import Counter
from collections.abc import Iterator, Mapping

from train.distributed import sharded
from train.objectives.objective import Losses
from train.parts import Parts
from train.stepping import TERM


def by_group(parts: Parts, step: int, counts: Mapping[str, int]) -> dict[str, float]:
    """The norm of the gradient of the mean loss of each group in the batch of a ``step``, where
    ``counts`` is how many samples each has, such as {"task/t2i": 96, "task/ti2i": 32}; no weight
    moves.

    A group with all samples of its kind is left out: that norm is the step's. Each other costs a
    pass through the network forth and back.
    """
    kinds = Counter(_kind(group) for group in counts)
    norms: dict[str, float] = {}
    some = (group for group in counts if kinds[_kind(group)] > 1 and _kind(group) != TERM)
    for group in sorted(some):
        for losses in parts.configuration.objective.losses(parts, step):
            of_group = losses.of_sample * losses.of_sample.new_tensor(list(_weights(losses, group)))
            (of_group.sum() / counts[group]).backward()
        norms[group] = _norm(parts)
    return norms


def _kind(group: str) -> str:
    return group.split("/", 1)[0]


def _weights(losses: Losses, group: str) -> Iterator[float]:
    """Of each sample: whether it is of the group."""
    if not losses.groups:  # samples that only keep other processes company
        yield from [0.0] * len(losses.of_sample)
    for own in losses.groups:
        yield float(group in own)


def _norm(parts: Parts) -> float:
    """Of the gradient that was taken, which goes."""
    parts.sum_gradients()
    weights = [weight for module in parts.raw.values() for weight in module.parameters()]
    gradients = [weight.grad for weight in weights if weight.grad is not None]
    norm = sharded.norm(gradients)
    for weight in weights:
        weight.grad = None
    return float(norm) if gradients else 0.0
