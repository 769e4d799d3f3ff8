"""The rollouts of GRPO: groups of images of a prompt, their advantages, and the steps trained on.

Shapes: N images of all groups, n pairs of an image and a sampling step in a portion, A tokens of C
values.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import Tensor

from train import flow, noising, rewarding, rollouts
from train.packing import patches
from train.packing.packed import Item, Packed, Text, pack
from train.precision import autocast
from train.rollouts import Asking, Generating
from train.seeds import seed_for
from train.stochastic import Step

if TYPE_CHECKING:
    from train.parts import Parts
    from train.rewards.reward import Reward

Place = tuple[int, int]  # an image and a sampling step, by number


@dataclass(frozen=True)
class Manner:
    """How groups of so many images (``size``) are generated and judged, and how many sampling steps
    (``trained``) each of the ``updates`` trains on; advantages are at most ``most``. Images of a
    group have the ``same_start``, or noise of their own.
    """

    generating: Generating
    rewards: "Sequence[Reward]"
    size: int
    trained: int
    updates: int
    most: float
    same_start: bool


@dataclass(frozen=True)
class Rollout:
    """So many ``images``. Of the ``informative`` ones, by number, in groups that differ: what was
    ``asking``, the ``states`` of their tokens, by sampling step, the ``levels`` (N, steps + 1), and
    ``advantages`` (N,). ``chosen`` are the sampling steps of each update, ``before`` the
    log-probabilities before the first of them, where there are several. ``figures`` say how it
    went.
    """

    images: int
    informative: list[int]
    asking: list[Asking]
    states: list[list[Tensor]]
    levels: Tensor
    advantages: Tensor
    chosen: list[list[int]]
    before: Mapping[Place, Tensor]
    figures: Mapping[str, Tensor]
    amount: float


@dataclass(frozen=True)
class Part:
    """Images in sampling steps that go through the network together: ``packed`` with their
    ``tokens`` before a ``step``, which led to the tokens ``reached``, (A, C) each; (n,) the tokens
    and the advantage of each.
    """

    packed: Packed
    tokens: Tensor
    step: Step
    reached: Tensor
    lengths: Tensor
    advantages: Tensor
    before: Tensor | None
    flops: int

    def log_probability(self, velocity: Tensor) -> Tensor:
        """Of the step that was taken, (n,), the mean over the values of a latent."""
        mean = self.step.mean(self.tokens, velocity)
        return self._by_image(self.step.log_probability(self.reached, mean))

    def divergence(self, velocity: Tensor, other: Tensor) -> Tensor:
        """Of the step by one velocity from that by another, likewise."""
        return self._by_image(self.step.divergence(velocity, other))

    def _by_image(self, of_token: Tensor) -> Tensor:
        return torch.segment_reduce(of_token, "mean", lengths=self.lengths)


def rollout(parts: "Parts", step: int, manner: Manner) -> Rollout:
    """Generate and judge the images of the prompts of the 1-based ``step``."""
    seed, size = parts.configuration.seed, manner.size
    placed = parts.data.batches.at(step)
    texts = rollouts.prompts(parts, [shown for _, shown in placed])
    asking = [
        Asking(
            shown,
            shown.caption,
            text,
            seed_for(seed, "rollout", step, place, 0 if manner.same_start else number),
            seed_for(seed, "steps of rollout", step, place, number),
        )
        for (place, shown), text in zip(placed, texts, strict=True)
        for number in range(size)
    ]
    generated = rollouts.generate(parts, parts.transformer, asking, manner.generating)
    images = rollouts.pixels(parts, generated.latents)
    judged = rewarding.rewarded(manner.rewards, images, [each.prompt for each in asking])
    advantages, differs = of_groups(judged.values.view(-1, size), manner.most)
    informative = differs.repeat_interleave(size).nonzero()[:, 0].tolist()
    values = judged.scores.values()
    spread = torch.stack([each.view(-1, size).std(1, correction=0) for each in values]).mean(0)
    known = ~judged.values.view(-1, size).isnan().any(1)
    figures = judged.figures() | {"spread": spread[known], "alike": (~differs[known]).double()}
    counts = [len(patches.pack(each, parts.family.patch)) for each in generated.latents]
    schedule = flow.build(parts.configuration.flow)
    levels = [schedule.schedule(manner.generating.steps, count) for count in counts]
    made = Rollout(
        images=len(asking),
        informative=informative,
        asking=asking,
        states=generated.states,
        levels=torch.tensor(levels, dtype=torch.float64),
        advantages=advantages.flatten().float(),
        chosen=list(_chosen(manner, seed, step)),
        before={},
        figures=figures,
        amount=manner.generating.amount,
    )
    return replace(made, before=_before(made, parts, manner))


def of_groups(values: Tensor, most: float) -> tuple[Tensor, Tensor]:
    """Advantages of groups (P, G) of rewards, at most so large, and which groups (P,) differ; none
    does in which a reward is unknown, NaN.
    """
    differs = values.max(1).values > values.min(1).values
    spread = values.std(1, correction=0, keepdim=True)
    relative = (values - values.mean(1, keepdim=True)) / torch.where(differs[:, None], spread, 1.0)
    return torch.where(differs[:, None], relative.clamp(-most, most), 0.0), differs


def _chosen(manner: Manner, seed: int, step: int) -> Iterator[list[int]]:
    """The sampling steps that each update trains on."""
    for number in range(manner.updates):
        random = np.random.default_rng(seed_for(seed, "sampling steps", step + number))
        yield sorted(random.choice(manner.generating.noisy, manner.trained, replace=False).tolist())


@torch.no_grad()
def _before(made: Rollout, parts: "Parts", manner: Manner) -> dict[Place, Tensor]:
    """The log-probabilities of all that the updates train on, in the same portions as they are
    trained in: a ratio is 1 until weights have moved. Of a single update they are its own.
    """
    before: dict[Place, Tensor] = {}
    if manner.updates == 1:
        return before
    for number in range(manner.updates):
        for places, part in _parts(made, number, parts):
            of_each = part.log_probability(velocity(parts, parts.transformer, part))
            before |= dict(zip(places, of_each, strict=True))
    return before


def portions(made: Rollout, number: int, parts: "Parts") -> Iterator[Part]:
    """What the update of a ``number`` trains on, in portions of at most ``tokens_at_once``."""
    for _, part in _parts(made, number, parts):
        yield part


def _parts(made: Rollout, number: int, parts: "Parts") -> Iterator[tuple[list[Place], Part]]:
    places = [(image, step) for image in made.informative for step in made.chosen[number]]
    items = {image: _item(made, image, parts) for image in made.informative}
    orders = {image: parts.family.order(item) for image, item in items.items()}
    lengths = [sum(span.tokens for span in orders[image]) for image, _ in places]
    for rows in noising.portions(lengths, parts.configuration.tokens_at_once):
        # those alike behind one another, which attention then takes as they are
        own = sorted((places[row] for row in rows), key=lambda at: _spans(orders[at[0]]))
        yield own, _part(made, own, [items[n] for n, _ in own], [orders[n] for n, _ in own], parts)


def _spans(order: Any) -> list[int]:
    return [span.tokens for span in order]


def _item(made: Rollout, image: int, parts: "Parts") -> Item:
    """Its latents are only of the right shape: tokens stand in their place."""
    asking = made.asking[image]
    text: Text = asking.text
    references = tuple(each.to(parts.device) for each in asking.shown.references)
    return Item(text, torch.zeros(asking.shown.latents.shape, device=parts.device), references)


def _part(
    made: Rollout, places: Sequence[Place], items: Sequence[Item], orders: Any, parts: "Parts"
) -> Part:
    device = parts.device
    levels = torch.stack([made.levels[image, step : step + 2] for image, step in places])
    sigma = levels[:, 0].float().to(device)
    packed = pack(items, orders, sigma, parts.family.patch)
    lengths = torch.tensor(packed.layout.target_lengths)
    tokens, reached = (
        torch.cat([made.states[step + later][image] for image, step in places]) for later in (0, 1)
    )
    of_tokens = levels.repeat_interleave(lengths, 0)
    before = [made.before[place] for place in places if place in made.before]
    return Part(
        packed=packed.with_targets(tokens, sigma),
        tokens=tokens,
        step=Step.between(of_tokens[:, 0], of_tokens[:, 1], made.amount).to(device),
        reached=reached,
        lengths=lengths.to(device),
        advantages=made.advantages[[image for image, _ in places]].to(device),
        before=torch.stack(before) if before else None,
        flops=parts.family.flops(parts.transformer, packed.layout),
    )


def velocity(parts: "Parts", network: Any, part: Part) -> Tensor:
    """Of the tokens of a part, (A, C), without guidance."""
    with autocast(parts.device, parts.configuration.precision):
        predicted: Tensor = network(part.packed)
    return predicted.float()
