"""One step of training: gradients, and what moves by them; or nothing, where they are not finite.

A step is skipped where its loss or the norm of its gradient is not finite: neither weights nor the
optimisers' state nor averages change, and the next step sees another batch. Likewise where its
objective learns nothing from it: momentum of steps before moves nothing then. What a fake network
learnt before that (``train.fake``), each of its updates skipped for itself, stays.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import torch
from torch import Tensor

from curation.failures.errors import UsageError
from train import not_finite, phases
from train.distributed import sharded
from train.objectives.objective import Losses, Objective
from train.optimisers import schedule
from train.parts import Parts

TERM = "term"  # of the groups by which losses are reported: what a loss is a sum of
WINDOW = 100  # steps, the latest, of which so many may be skipped as ``optimiser.skips`` says


@dataclass
class Tally:
    """Sums of losses and numbers of samples by group."""

    sums: dict[str, float] = field(default_factory=dict)
    counts: dict[str, int] = field(default_factory=dict)

    def add(self, losses: float, samples: int, group: str) -> None:
        """``samples`` of a group, whose ``losses`` add up to so much."""
        self.sums[group] = self.sums.get(group, 0.0) + losses
        self.counts[group] = self.counts.get(group, 0) + samples

    def merge(self, other: "Tally") -> None:
        """Add all of another one."""
        for group, count in other.counts.items():
            self.add(other.sums[group], count, group)

    def means(self) -> dict[str, float]:
        """The mean loss of each group, by name."""
        return {group: self.sums[group] / self.counts[group] for group in sorted(self.sums)}


@dataclass(frozen=True)
class Taken:
    """What a step came to: its ``loss``, the ``norm`` of its gradient before clipping, the losses
    of its samples by group, and the FLOPs of its forward passes over real tokens; the ``cause``
    of what is not finite, where that is known; the ``figures`` of its objective; whether it was
    ``idle``, without anything to learn from.
    """

    loss: float
    norm: float
    tally: Tally
    flops: int
    cause: str = ""
    figures: Mapping[str, float] = field(default_factory=dict)
    idle: bool = False

    @property
    def skipped(self) -> bool:
        """Whether nothing moved, for a loss or gradient that is not finite."""
        return not (math.isfinite(self.loss) and math.isfinite(self.norm))

    def metrics(self) -> dict[str, Any]:
        """Plain data for ``metrics.jsonl``; null is what is not finite."""
        values: dict[str, Any] = {"loss": _known(self.loss), "grad_norm": _known(self.norm)}
        if self.skipped:
            values["skipped"] = True
        if self.idle:
            values["idle"] = True
        if self.figures:
            values["figures"] = {name: _known(value) for name, value in self.figures.items()}
        means = self.tally.means()
        if means:
            counts = self.tally.counts
            values["groups"] = {name: [_known(means[name]), counts[name]] for name in means}
        return values


def _known(value: float) -> float | None:
    return value if math.isfinite(value) else None


def train_step(parts: Parts, step: int) -> Taken:
    """Take the 1-based ``step``, or skip it."""
    configuration = parts.configuration
    loss, tally, flops, figures = _of_all(parts, *backward(parts, step))
    weights = [weight for group in parts.optimisers for weight in _weights(group)]
    if all(weight.grad is None for weight in weights):
        return Taken(loss, 0.0, tally, flops, figures=figures.means(), idle=True)
    norm = sharded.clip(weights, configuration.optimiser.clip)
    taken = Taken(loss, norm, tally, flops, figures=figures.means())
    if taken.skipped:
        taken = replace(taken, cause=not_finite.cause(parts, step))
    else:
        phase = phases.at(parts.data.phases, step)
        schedule.set_at(parts.optimisers, step, configuration, phase.learning_rate)
        for each in parts.optimisers:
            each.step()
        for average in parts.averages:
            average.update(parts.raw, step)
    for each in parts.optimisers:
        each.zero_grad(set_to_none=True)
    return taken


def _weights(group: torch.optim.Optimizer) -> list[Tensor]:
    return [weight for entry in group.param_groups for weight in entry["params"]]


def backward(parts: Parts, step: int) -> tuple[float, Tally, int, Tally]:
    """Take the gradient of a step by the objective; returns its loss, that of groups, FLOPs, and
    the figures of the objective.

    Nothing waits for the device before all of it is asked for.
    """
    objective: Objective = parts.configuration.objective
    shown: list[tuple[Losses, Tensor]] = []
    for losses in objective.losses(parts, step):
        if losses.total.requires_grad:
            losses.total.backward()  # type: ignore[no-untyped-call]
        shown.append((losses, losses.of_sample.detach()))
    lengths = [len(values) for _, values in shown]
    together = torch.cat([values for _, values in shown]).double().cpu()
    values = torch.split(together, lengths)
    tally, total, flops, figures = Tally(), 0.0, 0, Tally()
    for (losses, _), own in zip(shown, values, strict=True):
        total += float(own.sum()) * losses.share
        flops += losses.flops
        for name, values_apart in losses.apart.items():
            tally.add(float(values_apart.double().sum()), len(own), f"{TERM}/{name}")
        for value, groups in zip(own.tolist(), losses.groups, strict=bool(losses.groups)):
            for group in groups:
                tally.add(value, 1, group)
        for name, figure in losses.figures.items():
            figures.add(float(figure.detach().double().sum()), len(figure), name)
    return total, tally, flops, figures


def _of_all(
    parts: Parts, loss: float, tally: Tally, flops: int, figures: Tally
) -> tuple[float, Tally, int, Tally]:
    """What the processes among which a batch is divided come to together."""
    parts.sum_gradients()
    own = [loss, tally.sums, tally.counts, flops, figures.sums, figures.counts]
    everyone = parts.world.parts(own)
    together, all_figures = Tally(), Tally()
    for _, sums, counts, _, of_figures, numbers in everyone:
        together.merge(Tally(sums, counts))
        all_figures.merge(Tally(of_figures, numbers))
    losses, all_flops = (sum(each[place] for each in everyone) for place in (0, 3))
    return losses, together, all_flops, all_figures


def check_skips(skipped: Sequence[int], step: int, taken: Taken, most: int) -> str:
    """The sentence that says that a ``step`` was skipped, the last of those ``skipped``.

    Raises ``UsageError`` where more than ``most`` of the latest ``WINDOW`` steps were.
    """
    lately = sum(each > step - WINDOW for each in skipped)
    what = f"the loss is {taken.loss}, the norm of its gradient {taken.norm}"
    remedy = (
        taken.cause or "lower optimiser.learning_rate (and muon_learning_rate) in a --config file"
    )
    if lately > most:
        raise UsageError(
            f"step {step}: {what}; {lately} of the last {WINDOW} steps were not finite, and"
            f" optimiser.skips allows {most}: {remedy}"
        )
    skipped_so_far = f"{lately} of the last {WINDOW} steps, {most} may be"
    because = f"; {taken.cause}" if taken.cause else ""
    return f"step {step} skipped: {what} ({skipped_so_far}){because}"
