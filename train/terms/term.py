"""What a term is: a part of the loss by which an autoencoder is trained.

Shapes: n samples of a portion, H W pixels, c latent channels, f pixels of a latent cell, h = H/f,
w = W/f.
"""

from abc import abstractmethod
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, ClassVar

from pydantic import Field

from curation.strict_yaml import Chosen

if TYPE_CHECKING:
    from torch import Tensor

    from train.autoencoders.trainable import Posterior, Trainable

Amount = Annotated[float, Field(ge=0)]
BALANCE_FLOOR = 1e-4  # added to the gradient of a balanced term, as VA-VAE (arXiv 2501.01423) does


@dataclass(frozen=True)
class Seen:
    """What a portion came to. ``target`` and ``output`` are what the autoencoder reads and writes,
    (n, 3 or 4, H, W) in [-1, 1], the output not clipped; ``image`` and ``back`` the same over white
    where it knows alpha, (n, 3, H, W). ``latents`` (n, c, h, w) are what was decoded, not
    normalised; ``posterior`` of the images, None where the encoder is frozen. ``step`` is 1-based.
    """

    target: "Tensor"
    output: "Tensor"
    image: "Tensor"
    back: "Tensor"
    latents: "Tensor"
    posterior: "Posterior | None" = None
    step: int = 1


Measure = Callable[[Seen], "Tensor"]


class Term(Chosen):
    """A term of the loss; its fields are its settings. A new one is a file in ``train/terms`` with
    a class that derives from this one.

    It counts with ``weight``; of two numbers with the first at the start of training and the second
    at its end, linearly in between.
    """

    balanced: ClassVar[bool] = False  # see ``train.objectives.reconstruction``
    needs_encoder: ClassVar[bool] = False  # whether it says something of an encoder that is trained

    weight: Amount | tuple[Amount, Amount] = 1.0

    def weight_at(self, step: int, steps: int) -> float:
        """What it counts with at the 1-based ``step`` of ``steps``."""
        if isinstance(self.weight, tuple):
            first, last = self.weight
            return first + (last - first) * (step - 1) / max(steps - 1, 1)
        return self.weight

    @property
    def moves(self) -> bool:
        """Whether ``weight_at`` a step depends on the number of all steps."""
        return isinstance(self.weight, tuple) and len(set(self.weight)) > 1

    @property
    def least_side(self) -> int:
        """Pixels that an image has on each side at least, for the term to be taken of it."""
        return 1

    @abstractmethod
    def begin(self, network: "Trainable", device: str) -> Measure:
        """What gives the term (n,) of each sample of a portion.

        Where that is an ``nn.Module``, those of its weights that require a gradient are trained
        with the autoencoder, averaged and stored as it is. Made once for a run, with torch's random
        state by its seed. Raises ``UsageError``, ``MissingModelError``.
        """
