"""Images in the midst of being sampled: their states before some steps, in portions that go through
a network together.

Shapes: n states of a portion, A tokens of all of them, C values of a token.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from train import flow, noising
from train.packing.packed import Item, Packed, Text, pack
from train.precision import autocast
from train.rollouts import Asking

if TYPE_CHECKING:
    from train.parts import Parts

Place = tuple[int, int]  # an image and a sampling step, by number


@dataclass(frozen=True)
class StatePortion:
    """The states at ``places``: ``packed`` with their ``tokens`` (A, C), the ``levels`` (n, 2) of
    each before and behind its step, float64, and how many tokens are its own, ``lengths`` (n,).
    ``flops`` are those of a forward pass. ``away`` is the same with negative texts, where there are
    any, which guidance leads away from.
    """

    places: Sequence[Place]
    packed: Packed
    tokens: Tensor
    levels: Tensor
    lengths: Tensor
    flops: int
    away: Packed | None = None

    def by_state(self, of_token: Tensor) -> Tensor:
        """The mean (n,) of each state's tokens (A,)."""
        return torch.segment_reduce(of_token, "mean", lengths=self.lengths)

    def of_tokens(self, of_state: Tensor) -> Tensor:
        """What states (n, ..) have, for each of their tokens (A, ..), on the device of these."""
        return of_state.to(self.lengths.device).repeat_interleave(self.lengths, 0)


def levels(parts: "Parts", asking: Sequence[Asking], steps: int) -> Tensor:
    """Those that images of what is ``asking`` are generated through, (N, steps + 1) float64."""
    schedule, patch = flow.build(parts.configuration.flow), parts.family.patch
    counts = [each.shown.latents[0].numel() // patch**2 for each in asking]
    return torch.tensor([schedule.schedule(steps, count) for count in counts], dtype=torch.float64)


def portions(
    parts: "Parts",
    asking: Sequence[Asking],
    states: Mapping[Place, Tensor],
    levels: Tensor,
    negatives: Sequence[Text] | None = None,
) -> Iterator[StatePortion]:
    """Of the tokens of ``states`` of what was ``asking``, by place, in portions of at most
    ``tokens_at_once``; ``levels`` (N, steps + 1) are those of all images, float64.
    """
    items = {n: _item(asking[n], asking[n].text, parts.device) for n, _ in states}
    orders = {image: parts.family.order(item) for image, item in items.items()}
    places = list(states)
    lengths = [sum(span.tokens for span in orders[image]) for image, _ in places]
    for rows in noising.portions(lengths, parts.configuration.tokens_at_once):
        # those alike behind one another, which attention then takes as they are
        own = sorted((places[row] for row in rows), key=lambda at: _spans(orders[at[0]]))
        around = torch.stack([levels[image, step : step + 2] for image, step in own])
        sigma = around[:, 0].float().to(parts.device)
        of = [items[image] for image, _ in own], [orders[image] for image, _ in own]
        packed = pack(*of, sigma, parts.family.patch)
        away = None
        if negatives:
            others = [_item(asking[n], negatives[n], parts.device) for n, _ in own]
            away = pack(others, [*map(parts.family.order, others)], sigma, parts.family.patch)
        tokens = torch.cat([states[place] for place in own])
        yield StatePortion(
            own,
            packed.with_targets(tokens, sigma),
            tokens,
            around,
            torch.tensor(packed.layout.target_lengths, device=parts.device),
            parts.family.flops(parts.transformer, packed.layout),
            away,
        )


def _spans(order: Any) -> list[int]:
    return [span.tokens for span in order]


def _item(asking: Asking, text: Text, device: str) -> Item:
    """Its latents are only of the right shape: tokens stand in their place."""
    references = tuple(each.to(device) for each in asking.shown.references)
    return Item(text, torch.zeros(asking.shown.latents.shape, device=device), references)


def velocity(parts: "Parts", network: Any, packed: Packed) -> Tensor:
    """Of the target tokens of what is ``packed``, (A, C) float32, without guidance."""
    with autocast(parts.device, parts.configuration.precision):
        predicted: Tensor = network(packed)
    return predicted.float()
