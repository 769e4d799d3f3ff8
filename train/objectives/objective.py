"""What an objective is: what a step minimises."""

from abc import abstractmethod
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, ClassVar, Self

from curation.strict_yaml import Chosen

if TYPE_CHECKING:
    from torch import Tensor

    from train.configuration import Configuration
    from train.parts import Parts


@dataclass(frozen=True)
class Losses:
    """The losses of some samples of a step, ``of_sample`` (n,), each of which counts with ``share``
    to that of the step. ``groups`` are, for each sample, the groups by which losses are reported,
    such as "task/t2i"; of none where there are none. ``flops`` are those of the forward pass, over
    real tokens, where they are known. ``apart`` are terms (n,) of the losses by name, to be
    reported by themselves; ``figures`` (m,) what else the log says of the step, by name, the mean
    of all that the losses of a step bring.
    """

    of_sample: "Tensor"
    share: float
    groups: tuple[tuple[str, ...], ...] = ()
    flops: int = 0
    apart: "Mapping[str, Tensor]" = field(default_factory=dict)
    figures: "Mapping[str, Tensor]" = field(default_factory=dict)

    @classmethod
    def nothing(cls, figures: "Mapping[str, Tensor]") -> Self:
        """Of a step that nothing is learnt from: a loss of 0 without a gradient."""
        import torch

        return cls(torch.zeros(1), 0.0, figures=figures)

    @property
    def total(self) -> "Tensor":
        """What these add to the loss of the step, a scalar."""
        return self.of_sample.sum() * self.share


class Objective(Chosen):
    """What is minimised; its fields are its settings. A new one is a file in ``train/objectives``
    with a class that derives from this one, or from ``FlowMatching`` for another loss of it.
    ``trains`` says what is trained: the "network" of a generator, or an "autoencoder"
    (``train.reconstruction``).

    One with a ``reference`` is compared with the network that it started with (``Parts.reference``)
    and leaves the text encoder as it is. One with a ``fake`` also trains another network, on what
    the run's own generates (``Parts.fake``). What is trained by one of a ``student`` generates in
    the objective's ``steps`` without guidance.
    """

    trains: ClassVar[str] = "network"
    reference: ClassVar[bool] = False
    fake: ClassVar[bool] = False
    student: ClassVar[bool] = False

    @property
    def stride(self) -> int:
        """A run stops, saves and is judged behind a multiple of so many steps."""
        return 1

    def first(self, step: int) -> int:
        """The first of the steps that belong together with a 1-based ``step``, by ``stride``."""
        return step - (step - 1) % self.stride

    @property
    def moves(self) -> bool:
        """Whether its losses at a step depend on the number of all steps, so that a run of another
        number is another one from its first step on.
        """
        return False

    def check(self, configuration: "Configuration") -> None:
        """Raise ``UsageError`` for what is missing, or does not go together, before the data is
        read.
        """

    def settled(self) -> Self:
        """With what tells the files that it names from others, by which a run that goes on is
        compared. Raises ``UsageError``.
        """
        return self

    def passes(self, passes: float, configuration: "Configuration") -> float:
        """Forward passes that a sample of a batch costs, of which training on an image takes so
        many ``passes``.
        """
        return passes

    @abstractmethod
    def losses(self, parts: "Parts", step: int) -> Iterator[Losses]:
        """Losses whose totals add up to that of the 1-based ``step``.

        The gradient of each total is taken before the next is asked for, and after the last the
        rest of the generator runs. Everything random is a function of ``step`` and
        ``parts.configuration.seed`` (``train.seeds``), so that a resumed run is the undisturbed
        one.
        """
