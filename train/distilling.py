"""What students of few steps have in common: what they are checked for, and the path of a teacher.

The teacher is the network that a run started with (``train.reference``).
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Self

import torch
from torch import Tensor

from curation.failures.errors import UsageError
from train import flow, reference, rollouts, sampling_states
from train.rollouts import Asking, Generating
from train.sampling_states import Place, StatePortion
from train.seeds import seed_for

if TYPE_CHECKING:
    from train.configuration import Configuration
    from train.parts import Parts


def check(configuration: "Configuration") -> None:
    """Raise ``UsageError`` where an objective of ``steps`` is judged, and its checkpoints generate,
    otherwise than it trains.
    """
    reference.check(configuration)
    objective, judged = configuration.objective, configuration.evaluation
    named = f"objective {objective.name}"
    if judged.steps != objective.steps:
        raise UsageError(
            f"evaluation.steps: {judged.steps}: {named} trains a student of {objective.steps}"
            f" steps, which its checkpoints then generate with: set it to {objective.steps}"
        )
    if judged.guidance != 1:
        raise UsageError(
            f"evaluation.guidance: {judged.guidance:g}: {named} trains a student without guidance,"
            " which has that of its teacher in it: set it to 1, and the teacher's by"
            " objective.guidance"
        )


def asking(parts: "Parts", step: int) -> list[Asking]:
    """An image of each prompt of the batch of the 1-based ``step``."""
    placed = parts.data.batches.at(step)
    texts = rollouts.prompts(parts, [shown for _, shown in placed])
    seed = parts.configuration.seed
    return [
        Asking(shown, shown.caption, text, seed_for(seed, "student", step, place))
        for (place, shown), text in zip(placed, texts, strict=True)
    ]


@dataclass(frozen=True)
class Path:
    """What was ``asking``, the ``levels`` (N, steps + 1) of the student, and by place ``states``
    before steps of its, and the ``ends`` that they are to lead to, or do lead to.
    """

    asking: Sequence[Asking]
    levels: Tensor
    states: dict[Place, Tensor]
    ends: dict[Place, Tensor]


def path(
    parts: "Parts", asked: Sequence[Asking], steps: int, times: int, guidance: float, *, own: bool
) -> Path:
    """From noise in so many ``steps`` of the student, in each of which the teacher takes so many
    ``times``, with ``guidance``. The next step begins where the teacher ended, or, of the student's
    ``own`` path, where the student itself goes.
    """
    states, ends = dict[Place, Tensor](), dict[Place, Tensor]()
    going = list(asked)
    for number in range(steps):
        finer = Generating(times, guidance, within=(steps, number))
        made = rollouts.generate(parts, parts.reference, going, finer)
        for image, (before, *_, behind) in enumerate(zip(*made.states, strict=True)):
            states[image, number], ends[image, number] = before, behind
        if own and number + 1 < steps:
            single = Generating(1, 1.0, within=(steps, number))
            made = rollouts.generate(parts, parts.transformer, going, single)
        going = [
            replace(each, start=latents) for each, latents in zip(going, made.latents, strict=True)
        ]
    return Path(asked, sampling_states.levels(parts, asked, steps), states, ends)


def student(parts: "Parts", step: int, steps: int) -> Path:
    """A state of the student's own path of so many ``steps`` for each prompt of the batch of the
    1-based ``step``, by chance, and as its end what it expects there behind the noise.
    """
    asked = asking(parts, step)
    made = rollouts.generate(parts, parts.transformer, asked, Generating(steps, 1.0))
    of_all = sampling_states.levels(parts, asked, steps)
    states, ends = dict[Place, Tensor](), dict[Place, Tensor]()
    for image in range(len(asked)):
        number = seed_for(parts.configuration.seed, "state", step, image) % steps
        before, behind = (made.states[place][image] for place in (number, number + 1))
        sigma, following = of_all[image, number : number + 2].tolist()
        states[image, number] = before
        ends[image, number] = before - sigma / (following - sigma) * (behind - before)
    return Path(asked, of_all, states, ends)


def groups(portion: StatePortion) -> tuple[tuple[str, ...], ...]:
    """By which losses of states are reported: the step of each, from 1."""
    return tuple((f"step/{number + 1}",) for _, number in portion.places)


@dataclass(frozen=True)
class Diffused:
    """Samples of a ``portion``, their tokens ``data`` (A, C) with ``noise`` of the share ``sigma``
    (n,): ``packed``, and ``away`` with negative texts, where there are any.
    """

    portion: StatePortion
    data: Tensor
    noise: Tensor
    sigma: Tensor

    @classmethod
    def of(cls, parts: "Parts", portion: StatePortion, data: Tensor, *purpose: object) -> Self:
        """Noise and level are by the seed of the run, the ``purpose`` and each place; levels are
        uniform in [0.001, 0.999), as in DiffSynth.
        """
        noises, shares = list[Tensor](), list[float]()
        for place, count in zip(portion.places, portion.lengths.tolist(), strict=True):
            seed = seed_for(parts.configuration.seed, *purpose, *place)
            random = torch.Generator().manual_seed(seed)
            shares.append(0.001 + 0.998 * float(torch.rand((), generator=random)))
            noises.append(torch.randn(count, data.shape[-1], generator=random))
        noise = torch.cat(noises).to(parts.device)
        return cls(portion, data, noise, torch.tensor(shares, device=parts.device))

    @property
    def tokens(self) -> Tensor:
        """With their noise, (A, C)."""
        return flow.path(self.data, self.noise, self.portion.of_tokens(self.sigma))

    def velocity(self, parts: "Parts", network: Any, guidance: float = 1.0) -> Tensor:
        """By a ``network``, (A, C)."""
        portion, tokens = self.portion, self.tokens
        given = portion.packed.with_targets(tokens, self.sigma)
        velocity = sampling_states.velocity(parts, network, given)
        if portion.away is None or guidance == 1:
            return velocity
        away = portion.away.with_targets(tokens, self.sigma)
        other = sampling_states.velocity(parts, network, away)
        much = torch.full_like(velocity[:, :1], guidance)
        return parts.family.guide(velocity, other, much)

    def denoised(self, parts: "Parts", network: Any, guidance: float = 1.0) -> Tensor:
        """What data a ``network`` expects behind the noise, (A, C)."""
        level = self.portion.of_tokens(self.sigma)[:, None]
        return self.tokens - level * self.velocity(parts, network, guidance)
