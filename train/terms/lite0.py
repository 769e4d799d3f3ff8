"""What EfficientNet-Lite0 sees in an image and in its reconstruction: a perceptual loss whose
weights ship in a package (extra ``curate``), where those of LPIPS do not.
"""

from typing import TYPE_CHECKING, Annotated, Any

from pydantic import Field

from curation.failures.errors import UsageError
from train.terms.term import Measure, Seen, Term

if TYPE_CHECKING:
    from torch import Tensor

    from train.autoencoders.trainable import Trainable


class Lite0(Term):
    """Squared distances of features of unit length, as LPIPS (arXiv 1801.03924) has them without
    its learnt weights: the mean over places, the sum over ``layers``.

    ``layers`` are numbers of blocks, 0 to 15: 0 has a half of the sides, 2 a quarter, 4 an 8th, 10
    a 16th, 15 a 32nd.
    """

    layers: Annotated[tuple[int, ...], Field(min_length=1)] = (0, 2, 4, 10)

    def begin(self, network: "Trainable", device: str) -> Measure:
        """As ``Term``."""
        from train import lite0

        return _Measuring(lite0.network(device), self.layers)


class _Measuring:
    def __init__(self, network: Any, layers: tuple[int, ...]) -> None:
        count = len(network._blocks)
        if wrong := [layer for layer in layers if not 0 <= layer < count]:
            raise UsageError(
                f"objective.terms: lite0: layers {wrong}: expected numbers of blocks, 0 to"
                f" {count - 1}"
            )
        self._network, self._layers = network, layers

    def __call__(self, seen: Seen) -> "Tensor":
        import torch

        with torch.no_grad():
            wanted = self._features(seen.image)
        pairs = zip(self._features(seen.back), wanted, strict=True)
        apart = [(back - own).square().sum(1).mean((1, 2)) for back, own in pairs]
        return torch.stack(apart).sum(0)

    def _features(self, pixels: "Tensor") -> "list[Tensor]":
        """Of unit length at each place, (n, C, h, w) of each layer."""
        from torch.nn.functional import normalize

        from train import lite0

        maps = lite0.maps(self._network, pixels, self._layers)
        return [normalize(each, dim=1, eps=1e-6) for each in maps]
