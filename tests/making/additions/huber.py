"""An objective of a newcomer's: flow matching that large errors pull less at."""

from torch.nn.functional import huber_loss

from train import flow
from train.objectives.flow_matching import FlowMatching


class Huber(FlowMatching):
    """Huber loss of the velocity, quadratic up to errors of ``delta``."""

    delta: float = 0.5

    def error(self, portion):
        """The error of every value."""
        target = flow.target(portion.data, portion.noise)
        return huber_loss(portion.predicted.float(), target, delta=self.delta, reduction="none")
