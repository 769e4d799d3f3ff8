"""Sampling images: Euler steps along the flow from noise to data, of images of any sizes together.

Shapes: N images, G of them guided, A target tokens of all of them, C values of a token; c latent
channels, h w latent cells.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from train.flow import Flow
from train.models.family import Family
from train.packing import patches
from train.packing.packed import Item, Packed, Text, pack

Velocity = Callable[[Packed], Tensor]  # a network's, (A, C)
# Of target tokens (A, C) at noise levels (N,), in the step of a number from 0: (A, C).
Step = Callable[[Tensor, Tensor, int], Tensor]
Begin = Callable[[Packed], Step]  # what no step changes is computed here
# From tokens with a velocity (A, C) in a step of a number, of levels (A,) float64 before and behind
# it, to the next tokens (A, C).
Advance = Callable[[Tensor, Tensor, Tensor, Tensor, int], Tensor]


@dataclass(frozen=True)
class Asked:
    """An image to sample, of latents ``shape`` (c, h, w): the ``text`` of its prompt, the latents
    (c, h, w) of the ``references`` that it is made from, and its noise's seed, or the ``noise``
    itself. ``guidance`` other than 1 leads away from the ``negative`` text.
    """

    text: Text
    shape: tuple[int, int, int]
    seed: int
    negative: Text | None = None
    guidance: float = 1.0
    references: tuple[Tensor, ...] = ()
    noise: Tensor | None = None

    def __post_init__(self) -> None:
        if self.is_guided and self.negative is None:
            raise ValueError("guidance other than 1 needs a negative text")

    @property
    def is_guided(self) -> bool:
        """Whether it costs a second pass."""
        return self.guidance != 1

    def start(self) -> Tensor:
        """The latents (c, h, w) that sampling begins with."""
        return noise(self.shape, self.seed) if self.noise is None else self.noise


def anew(velocity: Velocity) -> Begin:
    """Every step computes everything: what any network can do."""

    def begin(packed: Packed) -> Step:
        return lambda tokens, sigma, _: velocity(packed.with_targets(tokens, sigma))

    return begin


def noise(shape: tuple[int, int, int], seed: int) -> Tensor:
    """Standard normal latents (c, h, w)."""
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed))


def euler(
    tokens: Tensor, velocity: Tensor, sigma: Tensor, following: Tensor, number: int
) -> Tensor:
    """A step along the flow, the same for the same noise."""
    return tokens + (following - sigma).float()[:, None].to(tokens.device) * velocity


@torch.no_grad()
def sample(
    begin: Begin,
    family: Family,
    asked: Sequence[Asked],
    *,
    steps: int,
    flow: Flow | None = None,
    device: torch.device | str = "cpu",
    advance: Advance = euler,
) -> list[Tensor]:
    """Sample latents (c, h, w) of each image. Prompts and negative prompts go through the network
    in one pass; ``advance`` takes the steps.
    """
    flow = flow or Flow()
    noises = [each.start().to(device) for each in asked]
    split = [patches.pack(each, family.patch) for each in noises]
    counts = [len(each) for each in split]
    tokens, mixing = torch.cat(split), _Mixing.of(asked, counts, family, device)
    packed = _packed(family, asked, noises)
    step = begin(packed)
    levels = torch.tensor([flow.schedule(steps, count) for count in counts], dtype=torch.float64)
    branches = [*range(len(asked)), *(k for k, each in enumerate(asked) if each.is_guided)]
    sizes = torch.tensor(counts)
    for number in range(steps):
        sigma = levels[branches, number].float().to(device)
        velocity = step(mixing.doubled(tokens), sigma, number).float()
        before, behind = (
            levels[:, place].repeat_interleave(sizes) for place in (number, number + 1)
        )
        tokens = advance(tokens, mixing.guided(velocity), before, behind, number)
    images = zip(torch.split(tokens, counts), asked, strict=True)
    return [patches.unpack(own, family.patch, *each.shape[1:]) for own, each in images]


@dataclass(frozen=True)
class _Mixing:
    """``places`` (B,) of the tokens of guided images among all A, and the ``guidance`` (B, 1) of
    each; both are None where no image is guided.
    """

    count: int
    family: Family
    places: Tensor | None = None
    guidance: Tensor | None = None

    @classmethod
    def of(
        cls,
        asked: Sequence[Asked],
        counts: Sequence[int],
        family: Family,
        device: torch.device | str,
    ) -> "_Mixing":
        sizes = torch.tensor(counts)
        guidance = torch.tensor([each.guidance for each in asked]).repeat_interleave(sizes)
        is_guided = torch.tensor([each.is_guided for each in asked]).repeat_interleave(sizes)
        if not is_guided.any():
            return cls(sum(counts), family)
        places = is_guided.nonzero()[:, 0]
        return cls(sum(counts), family, places.to(device), guidance[places, None].to(device))

    def doubled(self, tokens: Tensor) -> Tensor:
        """(A, C) and behind them those that are guided once more, (A + B, C)."""
        return tokens if self.places is None else torch.cat([tokens, tokens[self.places]])

    def guided(self, velocity: Tensor) -> Tensor:
        """(A + B, C) to (A, C)."""
        if self.places is None or self.guidance is None:
            return velocity
        given, away = velocity[: self.count], velocity[self.count :]
        mixed = self.family.guide(given[self.places], away, self.guidance)
        return given.index_copy(0, self.places, mixed)


def _packed(family: Family, asked: Sequence[Asked], noises: Sequence[Tensor]) -> Packed:
    """The prompts' batch, and behind it that of the negative ones."""
    items = [
        Item(each.text, latents, each.references)
        for each, latents in zip(asked, noises, strict=True)
    ]
    items += [
        Item(each.negative, latents, each.references)
        for each, latents in zip(asked, noises, strict=True)
        if each.is_guided and each.negative is not None
    ]
    sigma = torch.ones(len(items), device=noises[0].device)
    return pack(items, [family.order(item) for item in items], sigma, family.patch)
