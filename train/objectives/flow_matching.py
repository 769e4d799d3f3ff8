"""Rectified flow: the mean squared error of the velocity at a random noise level."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

from train.objectives.objective import Losses, Objective

if TYPE_CHECKING:
    from torch import Tensor

    from train.noising import Portion
    from train.parts import Parts


class FlowMatching(Objective):
    """Flow matching (arXiv 2210.02747), at noise levels by ``flow`` of the configuration."""

    def losses(self, parts: "Parts", step: int) -> Iterator[Losses]:
        """As ``Objective``, for each portion of the batch: the mean over the values of a sample, so
        that every image counts the same, whatever its size.
        """
        from train import noising

        for portion in noising.through_network(parts, noising.noised(parts, step)):
            of_sample = portion.by_sample(self.error(portion).mean(-1))
            if portion.alignment is not None:
                of_sample = of_sample + portion.alignment
            yield Losses(of_sample, portion.share, portion.groups, portion.flops)

    def error(self, portion: "Portion") -> "Tensor":
        """The error of every value, (A, C)."""
        from train import flow

        target = flow.target(portion.data, portion.noise)
        return (portion.predicted.float() - target.float()).square()
