"""What an objective is: what a step minimises."""

from abc import abstractmethod
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, ClassVar

from curation.strict_yaml import Chosen

if TYPE_CHECKING:
    from torch import Tensor

    from train.parts import Parts


@dataclass(frozen=True)
class Losses:
    """The losses of some samples of a step, ``of_sample`` (n,), each of which counts with ``share``
    to that of the step. ``groups`` are, for each sample, the groups by which losses are reported,
    such as "task/t2i"; of none where there are none. ``flops`` are those of the forward pass, over
    real tokens, where they are known. ``apart`` are terms (n,) of the losses by name, to be
    reported by themselves.
    """

    of_sample: "Tensor"
    share: float
    groups: tuple[tuple[str, ...], ...] = ()
    flops: int = 0
    apart: "Mapping[str, Tensor]" = field(default_factory=dict)

    @property
    def total(self) -> "Tensor":
        """What these add to the loss of the step, a scalar."""
        return self.of_sample.sum() * self.share


class Objective(Chosen):
    """What is minimised; its fields are its settings. A new one is a file in ``train/objectives``
    with a class that derives from this one, or from ``FlowMatching`` for another loss of it.
    ``trains`` says what is trained: the "network" of a generator, or an "autoencoder"
    (``train.reconstruction``).
    """

    trains: ClassVar[str] = "network"

    @abstractmethod
    def losses(self, parts: "Parts", step: int) -> Iterator[Losses]:
        """Losses whose totals add up to that of the 1-based ``step``.

        The gradient of each total is taken before the next is asked for, and after the last the
        rest of the generator runs. Everything random is a function of ``step`` and
        ``parts.configuration.seed`` (``train.seeds``), so that a resumed run is the undisturbed
        one.
        """
