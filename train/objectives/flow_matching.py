"""Rectified flow: the mean squared error of the velocity at a random noise level."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

from train.objectives.objective import Objective

if TYPE_CHECKING:
    from torch import Tensor

    from train.noising import Portion
    from train.parts import Parts


class FlowMatching(Objective):
    """Flow matching (arXiv 2210.02747), at noise levels by ``flow`` of the configuration."""

    def losses(self, parts: "Parts", step: int) -> Iterator["Tensor"]:
        """As ``Objective``, one for each portion of the batch."""
        from train import noising

        for portion in noising.through_network(parts, noising.noised(parts, step)):
            yield self.loss(portion) * portion.share

    def loss(self, portion: "Portion") -> "Tensor":
        """The mean of some loss over a portion, a scalar."""
        from train import flow

        return flow.loss(portion.predicted, portion.data, portion.noise)
