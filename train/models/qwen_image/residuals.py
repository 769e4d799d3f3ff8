"""What a ControlNet adds to the image tokens of a batch, behind the blocks of a network.

Shapes: S image tokens of the batch; K tokens of the ControlNet; M additions; d width.
"""

import math
from dataclasses import dataclass

from torch import Tensor


@dataclass(frozen=True)
class Residuals:
    """``samples`` (K, d) of each of the ControlNet's blocks, where token ``of`` (M,) is added to
    image token ``to`` (M,): a token may be added in several places, as with and without the prompt,
    and several in a place, of several conditions.
    """

    samples: tuple[Tensor, ...]
    of: Tensor
    to: Tensor

    def added(self, image: Tensor, block: int, blocks: int) -> Tensor:
        """``image`` tokens (S, d) behind a ``block`` of so many ``blocks``. Each sample serves as
        many blocks behind one another, rounded up, as in diffusers.
        """
        served = math.ceil(blocks / len(self.samples))
        change = self.samples[block // served].index_select(0, self.of)
        return image.index_add(0, self.to, change.to(image.dtype))
