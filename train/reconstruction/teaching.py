"""The network and the formula of ``train.terms.semantic_alignment``."""

from collections.abc import Callable
from typing import Any

from torch import Tensor, nn
from torch.nn.functional import adaptive_avg_pool2d, interpolate, normalize

from train.alignment import Features
from train.terms.term import Seen

Margins = tuple[float, float]  # of cosines, and of similarities


def loss(projected: Tensor, features: Tensor, margins: Margins) -> Tensor:
    """(n,) of (n, F, h, w) both: the mean over places of relu(1 - margin - cosine), and that over
    pairs of places of relu(|difference of their similarities| - margin).
    """
    cosine_margin, similarity_margin = margins
    ours, theirs = (normalize(each.flatten(2), dim=1) for each in (projected, features))  # n, F, T
    apart = (1 - cosine_margin - (ours * theirs).sum(1)).relu()
    off = (ours.mT @ ours - theirs.mT @ theirs).abs()
    return apart.mean(1) + (off - similarity_margin).relu().mean((1, 2))


class Teacher:
    """What is frozen: an average of the module that has it is with the same, not with a copy."""

    def __init__(self, features: Features) -> None:
        self._features = features

    def __deepcopy__(self, _memo: Any) -> "Teacher":
        return self

    def __call__(self, image: Tensor, grid: tuple[int, int]) -> Tensor:
        """(n, F, h, w) on a ``grid`` of h x w places, of images (n, 3, H, W) in [-1, 1]."""
        sides = [cells * self._features.stride for cells in grid]
        if list(image.shape[2:]) != sides:
            image = interpolate(image, sides, mode="bicubic", antialias=True)
        maps = self._features(image)
        return maps if maps.shape[2:] == grid else adaptive_avg_pool2d(maps, grid)


class Taught(nn.Module):
    """The measure of the term, with the projection that is trained: of latents of so many
    ``channels``, with margins that depend on the 1-based step.
    """

    def __init__(
        self, margins_at: Callable[[int], Margins], features: Features, channels: int
    ) -> None:
        super().__init__()
        self.projection = nn.Conv2d(channels, features.width, 1, bias=False)
        self._margins_at, self._teacher = margins_at, Teacher(features)

    def forward(self, seen: Seen) -> Tensor:
        """(n,)"""
        height, width = seen.latents.shape[2:]
        wanted = self._teacher(seen.image, (height, width)).float()
        return loss(self.projection(seen.latents), wanted, self._margins_at(seen.step))
