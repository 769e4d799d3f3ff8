"""What trains a model step by step, and what a step of it says."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Protocol

from train.enhancer.evaluating import Judged


@dataclass(frozen=True)
class Update:
    """The ``loss`` of gradients that stand in the weights, over so many tokens of answers and of
    ``rows`` in all, and what else there is to say. Without any ``tokens`` there is no gradient.
    """

    loss: float
    tokens: int
    rows: int
    figures: Mapping[str, float] = field(default_factory=dict)


class Task(Protocol):
    """A training: a step of it has so many ``updates`` of the weights."""

    @property
    def updates(self) -> int:
        """How many."""

    def update(self, step: int, number: int) -> Update:
        """Compute the gradients of an update of a step, a function of step and weights alone."""

    def evaluate(self, step: int) -> Judged:
        """Judge the weights after a step."""
