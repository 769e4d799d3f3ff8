"""What an objective is: what a step minimises."""

from abc import abstractmethod
from collections.abc import Iterator
from typing import TYPE_CHECKING

from curation.strict_yaml import Chosen

if TYPE_CHECKING:
    from torch import Tensor

    from train.parts import Parts


class Objective(Chosen):
    """What is minimised; its fields are its settings. A new one is a file in ``train/objectives``
    with a class that derives from this one, or from ``FlowMatching`` for another loss of it.
    """

    @abstractmethod
    def losses(self, parts: "Parts", step: int) -> Iterator["Tensor"]:
        """Scalars whose sum is the loss of the 1-based ``step``.

        The gradient of each is taken before the next is asked for, and after the last the rest of
        the generator runs. Everything random is a function of ``parts.configuration.seed`` and
        ``step`` (``train.seeds``), so that a resumed run is the undisturbed one.
        """
