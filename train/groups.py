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

from train import rewarding, rollouts, sampling_states
from train.rollouts import Asking, Generating
from train.sampling_states import Place, StatePortion
from train.seeds import seed_for
from train.stochastic import Step

if TYPE_CHECKING:
    from train.parts import Parts
    from train.rewards.reward import Reward


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
    """Images in sampling steps that go through the network together, as a ``portion``: the ``step``
    of its tokens, which led to the tokens ``reached`` (A, C), and the advantage (n,) of each.
    """

    portion: StatePortion
    step: Step
    reached: Tensor
    advantages: Tensor
    before: Tensor | None

    @property
    def flops(self) -> int:
        """Of a forward pass."""
        return self.portion.flops

    def log_probability(self, velocity: Tensor) -> Tensor:
        """Of the step that was taken, (n,), the mean over the values of a latent."""
        mean = self.step.mean(self.portion.tokens, velocity)
        return self.portion.by_state(self.step.log_probability(self.reached, mean))

    def divergence(self, velocity: Tensor, other: Tensor) -> Tensor:
        """Of the step by one velocity from that by another, likewise."""
        return self.portion.by_state(self.step.divergence(velocity, other))


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
    made = Rollout(
        images=len(asking),
        informative=informative,
        asking=asking,
        states=generated.states,
        levels=sampling_states.levels(parts, asking, manner.generating.steps),
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
        for part in portions(made, number, parts):
            of_each = part.log_probability(velocity(parts, parts.transformer, part))
            before |= dict(zip(part.portion.places, of_each, strict=True))
    return before


def portions(made: Rollout, number: int, parts: "Parts") -> Iterator[Part]:
    """What the update of a ``number`` trains on, in portions of at most ``tokens_at_once``."""
    places = [(image, step) for image in made.informative for step in made.chosen[number]]
    states = {(image, step): made.states[step][image] for image, step in places}
    for portion in sampling_states.portions(parts, made.asking, states, made.levels):
        own = portion.places
        levels = portion.of_tokens(portion.levels)
        before = [made.before[place] for place in own if place in made.before]
        yield Part(
            portion,
            Step.between(levels[:, 0], levels[:, 1], made.amount).to(parts.device),
            torch.cat([made.states[step + 1][image] for image, step in own]),
            made.advantages[[image for image, _ in own]].to(parts.device),
            torch.stack(before) if before else None,
        )


def velocity(parts: "Parts", network: Any, part: Part) -> Tensor:
    """Of the tokens of a part, (A, C), without guidance."""
    return sampling_states.velocity(parts, network, part.portion.packed)
