"""What an evaluator is: a judge of the model while it trains."""

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, ClassVar

from curation.strict_yaml import Chosen

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from train.configuration import Configuration
    from train.data.examples import Example
    from train.data.loading import Data
    from train.figures import Figures
    from train.generating import Generator


class Evaluation(ABC):
    """The judging of one run. It must not depend on the steps before: a resumed run makes anew."""

    def watch(self, example: "Example", pixels: "NDArray[np.uint8]") -> bool:
        """Look at a training example and its pixels (H, W, 3) while the data is read; whether more
        of them are of use.
        """
        return False

    def prepare(self, data: "Data", configuration: "Configuration") -> "Figures | None":
        """Once, when the data is read: what there is to say before the first step."""
        return None

    @abstractmethod
    def evaluate(self, generator: "Generator", images: int | None) -> "Figures":
        """Judge the averaged weights by so many images, by all of them where that is None.

        Images come from ``generator.generate``, or from nowhere: a loss needs none.
        """


class Evaluator(Chosen):
    """Begins evaluations; its fields are its settings. A new one is a file in ``train/evaluators``
    with a class that derives from this one.
    """

    generates: ClassVar[bool] = True  # whether it needs a network that generates images

    @abstractmethod
    def begin(self) -> Evaluation:
        """The judging of a run that begins or goes on."""
