"""Edges that are off: differences of neighbouring pixels, at several scales, without weights."""

from typing import TYPE_CHECKING

from train.kinds import Count
from train.terms.term import Measure, Seen, Term

if TYPE_CHECKING:
    from torch import Tensor

    from train.autoencoders.trainable import Trainable


class Gradient(Term):
    """The mean absolute error of horizontal and vertical differences, the mean over ``scales``,
    each of half the sides of the one before.
    """

    scales: Count = 3

    @property
    def least_side(self) -> int:
        """Two pixels at the smallest scale."""
        return int(2**self.scales)

    def begin(self, network: "Trainable", device: str) -> Measure:
        """As ``Term``."""
        return self._measure

    def _measure(self, seen: Seen) -> "Tensor":
        from torch.nn.functional import avg_pool2d

        off, total = seen.output - seen.target, seen.output.new_zeros(len(seen.output))
        for scale in range(self.scales):
            if scale:
                off = avg_pool2d(off, 2)
            across, down = off.diff(dim=3), off.diff(dim=2)
            total = total + across.abs().mean((1, 2, 3)) + down.abs().mean((1, 2, 3))
        return total / self.scales
