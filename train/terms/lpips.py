"""LPIPS (arXiv 1801.03924): what VGG-16 sees in an image and in its reconstruction, where somebody
has the weights. They ship in no package: the one of that name has its learnt heads alone.
"""

from pathlib import Path
from typing import TYPE_CHECKING, Any

from curation.failures.errors import UsageError
from train.terms.term import Measure, Seen, Term

if TYPE_CHECKING:
    from torch import Tensor

    from train.autoencoders.trainable import Trainable

_WIDTHS = ((64, 64), (128, 128), (256, 256, 256), (512, 512, 512), (512, 512, 512))
_NAMES = ("weight", "bias")
_SHIFT, _SCALE = (-0.030, -0.088, -0.188), (0.458, 0.448, 0.450)


class Lpips(Term):
    """Squared distances of VGG-16's features of unit length after each of its five groups of
    convolutions, weighted by learnt heads where they are there: the sum over the groups.

    ``folder`` has ``*.safetensors`` with torchvision's names of VGG-16 (``features.0.weight``) and,
    where they are known, the heads of LPIPS (``lin0.model.1.weight`` to ``lin4``).
    """

    folder: str

    @property
    def least_side(self) -> int:
        """One pixel after four halvings."""
        return int(2 ** (len(_WIDTHS) - 1))

    def begin(self, network: "Trainable", device: str) -> Measure:
        """As ``Term``."""
        tensors = _read(Path(self.folder))
        heads = [tensors.get(f"lin{number}.model.1.weight") for number in range(len(_WIDTHS))]
        if any(head is not None for head in heads) and any(head is None for head in heads):
            raise UsageError(f"objective.terms: lpips: {self.folder} has some heads, and not all")
        return _Measuring(tensors, heads, device)


def _read(folder: Path) -> "dict[str, Tensor]":
    """All tensors of a folder. Raises ``UsageError`` where VGG-16 is not among them."""
    from safetensors import SafetensorError
    from safetensors.torch import load_file

    tensors: dict[str, Tensor] = {}
    try:
        for path in sorted(folder.glob("*.safetensors")):
            tensors |= load_file(str(path))
    except (OSError, SafetensorError) as error:
        raise UsageError(f"objective.terms: lpips: {path}: {error}") from error
    wanted = [f"features.{place}.weight" for place in _places()]
    if missing := [name for name in wanted if name not in tensors]:
        raise UsageError(
            f"objective.terms: lpips: no {missing[0]} in {folder}/*.safetensors: expected VGG-16 as"
            " torchvision names it; term lite0 needs no weights of yours"
        )
    return tensors


def _places() -> list[int]:
    """The numbers that the convolutions have among torchvision's layers."""
    places, place = [], 0
    for widths in _WIDTHS:
        for _ in widths:
            places.append(place)
            place += 2  # with what follows it
        place += 1  # the pooling
    return places


class _Measuring:
    def __init__(
        self, tensors: "dict[str, Tensor]", heads: "list[Tensor | None]", device: str
    ) -> None:
        import torch

        self._layers = [
            tuple(tensors[f"features.{place}.{name}"].float().to(device) for name in _NAMES)
            for place in _places()
        ]
        self._heads = [None if head is None else head.float().to(device) for head in heads]
        self._shift, self._scale = (
            torch.tensor(values, device=device).view(1, 3, 1, 1) for values in (_SHIFT, _SCALE)
        )

    def __call__(self, seen: Seen) -> "Tensor":
        import torch

        with torch.no_grad():
            wanted = self._features(seen.image)
        apart = []
        for own, other, head in zip(self._features(seen.back), wanted, self._heads, strict=True):
            square = (own - other).square()
            apart.append((square if head is None else square * head).sum(1).mean((1, 2)))
        return torch.stack(apart).sum(0)

    def _features(self, pixels: "Tensor") -> "list[Tensor]":
        """Of unit length at each place, (n, C, h, w) of each group."""
        from torch.nn.functional import conv2d, max_pool2d, normalize, relu

        maps: Any = (pixels - self._shift) / self._scale
        layers, kept = iter(self._layers), []
        for number, widths in enumerate(_WIDTHS):
            maps = max_pool2d(maps, 2) if number else maps
            for _ in widths:
                weight, bias = next(layers)
                maps = relu(conv2d(maps, weight, bias, padding=1))
            kept.append(normalize(maps, dim=1, eps=1e-10))
        return kept
