"""Pixels that are off: mean absolute error (L1), or that of squares (L2)."""

from typing import TYPE_CHECKING, Literal

from train.terms.term import Measure, Seen, Term

if TYPE_CHECKING:
    from torch import Tensor

    from train.autoencoders.trainable import Trainable


class Pixels(Term):
    """The mean over all values of a sample, in [-1, 1], alpha too where it is known."""

    error: Literal["l1", "l2"] = "l1"

    def begin(self, network: "Trainable", device: str) -> Measure:
        """As ``Term``."""
        return self._measure

    def _measure(self, seen: Seen) -> "Tensor":
        off = seen.output - seen.target
        return (off.abs() if self.error == "l1" else off.square()).mean((1, 2, 3))
