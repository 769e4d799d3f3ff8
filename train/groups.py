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
    from train.objectives.grpo import Grpo
    from train.parts import Parts

Place = tuple[int, int]  # an image and a sampling step, by number


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


def rollout(parts: "Parts", step: int, settings: "Grpo") -> Rollout:
    """Generate and judge the images of the prompts of the 1-based ``step``."""
    seed, size = parts.configuration.seed, settings.group
    placed = parts.data.batches.at(step)
    texts = rollouts.prompts(parts, [shown for _, shown in placed])
    asking = [
        Asking(shown, shown.caption, text, seed_for(seed, "rollout", step, place, number))
        for (place, shown), text in zip(placed, texts, strict=True)
        for number in range(size)
    ]
    manner = Generating(settings.steps, settings.guidance, settings.amount, settings.storage)
    made = rollouts.generate(parts, parts.transformer, asking, manner)
    images = rollouts.pixels(parts, made.latents)
    judged = rewarding.rewarded(settings.rewards, images, [each.prompt for each in asking])
    advantages, differs = of_groups(judged.values.view(-1, size), settings.advantage_clip)
    informative = differs.repeat_interleave(size).nonzero()[:, 0].tolist()
    values = judged.scores.values()
    spread = torch.stack([each.view(-1, size).std(1, correction=0) for each in values]).mean(0)
    figures = judged.figures() | {"spread": spread, "alike": (~differs).double()}
    counts = [len(patches.pack(each, parts.family.patch)) for each in made.latents]
    schedule = flow.build(parts.configuration.flow)
    levels = [schedule.schedule(settings.steps, count) for count in counts]
    whole = Rollout(
        images=len(asking),
        informative=informative,
        asking=asking,
        states=[list(torch.split(state, counts)) for state in made.states],
        levels=torch.tensor(levels, dtype=torch.float64),
        advantages=advantages.flatten().float(),
        chosen=list(_chosen(settings, seed, step)),
        before={},
        figures=figures,
    )
    return replace(whole, before=_before(whole, parts, settings))


def of_groups(values: Tensor, most: float) -> tuple[Tensor, Tensor]:
    """Advantages of groups (P, G) of rewards, at most so large, and which groups (P,) differ."""
    differs = values.max(1).values > values.min(1).values
    spread = values.std(1, correction=0, keepdim=True)
    relative = (values - values.mean(1, keepdim=True)) / torch.where(differs[:, None], spread, 1.0)
    return relative.clamp(-most, most) * differs[:, None], differs


def _chosen(settings: "Grpo", seed: int, step: int) -> Iterator[list[int]]:
    """The sampling steps that each update trains on."""
    for number in range(settings.updates):
        random = np.random.default_rng(seed_for(seed, "sampling steps", step + number))
        yield sorted(random.choice(settings.steps, settings.trained, replace=False).tolist())


@torch.no_grad()
def _before(whole: Rollout, parts: "Parts", settings: "Grpo") -> dict[Place, Tensor]:
    """The log-probabilities of all that the updates train on, in the same portions as they are
    trained in: a ratio is 1 until weights have moved. Of a single update they are its own.
    """
    before: dict[Place, Tensor] = {}
    if settings.updates == 1:
        return before
    for number in range(settings.updates):
        for places, part in _parts(whole, number, parts):
            of_each = part.log_probability(velocity(parts, parts.transformer, part))
            before |= dict(zip(places, of_each, strict=True))
    return before


def portions(whole: Rollout, number: int, parts: "Parts") -> Iterator[Part]:
    """What the update of a ``number`` trains on, in portions of at most ``tokens_at_once``."""
    for _, part in _parts(whole, number, parts):
        yield part


def _parts(whole: Rollout, number: int, parts: "Parts") -> Iterator[tuple[list[Place], Part]]:
    places = [(image, step) for image in whole.informative for step in whole.chosen[number]]
    items = {image: _item(whole, image, parts) for image in whole.informative}
    orders = {image: parts.family.order(item) for image, item in items.items()}
    lengths = [sum(span.tokens for span in orders[image]) for image, _ in places]
    for rows in noising.portions(lengths, parts.configuration.tokens_at_once):
        # those alike behind one another, which attention then takes as they are
        own = sorted((places[row] for row in rows), key=lambda at: _spans(orders[at[0]]))
        yield own, _part(whole, own, [items[n] for n, _ in own], [orders[n] for n, _ in own], parts)


def _spans(order: Any) -> list[int]:
    return [span.tokens for span in order]


def _item(whole: Rollout, image: int, parts: "Parts") -> Item:
    """Its latents are only of the right shape: tokens stand in their place."""
    asking = whole.asking[image]
    text: Text = asking.text
    references = tuple(each.to(parts.device) for each in asking.shown.references)
    return Item(text, torch.zeros(asking.shown.latents.shape, device=parts.device), references)


def _part(
    whole: Rollout, places: Sequence[Place], items: Sequence[Item], orders: Any, parts: "Parts"
) -> Part:
    device = parts.device
    levels = torch.stack([whole.levels[image, step : step + 2] for image, step in places])
    sigma = levels[:, 0].float().to(device)
    packed = pack(items, orders, sigma, parts.family.patch)
    lengths = torch.tensor(packed.layout.target_lengths)
    tokens, reached = (
        torch.cat([whole.states[step + later][image] for image, step in places]) for later in (0, 1)
    )
    of_tokens = levels.repeat_interleave(lengths, 0)
    amount = parts.configuration.objective.amount
    before = [whole.before[place] for place in places if place in whole.before]
    return Part(
        packed=packed.with_targets(tokens, sigma),
        tokens=tokens,
        step=Step.between(of_tokens[:, 0], of_tokens[:, 1], amount).to(device),
        reached=reached,
        lengths=lengths.to(device),
        advantages=whole.advantages[[image for image, _ in places]].to(device),
        before=torch.stack(before) if before else None,
        flops=parts.family.flops(parts.transformer, packed.layout),
    )


def velocity(parts: "Parts", network: Any, part: Part) -> Tensor:
    """Of the tokens of a part, (A, C), without guidance."""
    with autocast(parts.device, parts.configuration.precision):
        predicted: Tensor = network(part.packed)
    return predicted.float()
