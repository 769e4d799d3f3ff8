"""The training loop: every step a pure function of configuration, data, weights and step number."""

import math
import signal
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from curation.failures.errors import UsageError
from curation.failures.interruption import Interruption
from train import checkpoint, ema, phases, records
from train.checkpoint import Progress
from train.evaluators.evaluator import Evaluation
from train.generating import Generator
from train.objectives.objective import Objective
from train.optimisers import schedule
from train.parts import Parts
from train.phases import Phase
from train.records import Records


def train_step(parts: Parts, step: int) -> tuple[float, float]:
    """One optimiser step, the 1-based ``step``; returns loss and gradient norm before clipping.

    Raises ``UsageError`` when the loss is not finite.
    """
    configuration = parts.configuration
    value = _backward(parts, step)
    weights = [weight for group in parts.optimisers for weight in _weights(group)]
    norm = float(nn.utils.clip_grad_norm_(weights, configuration.optimiser.clip))
    phase = phases.at(parts.data.phases, step)
    factor = schedule.learning_rate_factor(step, configuration.steps, configuration.optimiser)
    relative = phase.learning_rate / configuration.optimiser.learning_rate
    schedule.set_learning_rates(parts.optimisers, factor * relative)
    for each in parts.optimisers:
        each.step()
        each.zero_grad(set_to_none=True)
    ema.update(parts.ema, parts.raw, ema.decay_at(step, configuration.ema))
    return value, norm


def _weights(group: torch.optim.Optimizer) -> list[Tensor]:
    return [weight for entry in group.param_groups for weight in entry["params"]]


def _backward(parts: Parts, step: int) -> float:
    """The loss of the step by the objective; its gradient."""
    objective: Objective = parts.configuration.objective
    total = 0.0
    for loss in objective.losses(parts, step):
        value = float(loss.detach())
        if not math.isfinite(value):
            raise UsageError(
                f"step {step}: the loss is {value}; lower"
                " optimiser.learning_rate (and muon_learning_rate) in a --config file"
            )
        loss.backward()  # type: ignore[no-untyped-call]
        total += value
    return total


class Loop:
    """Steps, log lines, evaluations and checkpoints of one run from ``progress`` on."""

    def __init__(
        self,
        parts: Parts,
        progress: Progress,
        directory: Path,
        evaluations: Sequence[Evaluation],
        tell: Callable[[str], None],
    ) -> None:
        self._parts, self.directory, self._evaluations = parts, directory, evaluations
        self.configuration = parts.configuration
        self._progress = progress
        self._records = Records(directory, progress.step, tell)
        self._cpu = time.process_time() - progress.cpu_seconds
        self._wall = time.monotonic() - progress.wall_seconds
        self._loss = 0.0

    def run(self, stopped: Callable[[], bool]) -> dict[str, Any]:
        """Train to the last step; returns the last evaluation's figures.

        When ``stopped`` says so, a checkpoint is written and ``Interruption`` raised.
        """
        settings = self._parts.configuration
        since, images = time.monotonic(), 0
        first = logged = self._progress.step
        fork = schedule.full_until(settings.steps, settings.optimiser)
        phase = None
        for step in range(first + 1, settings.steps + 1):
            if phase is not phases.at(self._parts.data.phases, step):
                phase = phases.at(self._parts.data.phases, step)
                self._begin(phase)
            self._loss, norm = train_step(self._parts, step)
            images += phase.batch
            self._records.step(step, {"loss": self._loss, "grad_norm": norm})
            if step % settings.log_every == 0 or step == settings.steps:
                now = time.monotonic()
                pace = (now - since) / (step - logged)
                self._log(step, norm, images / (now - since), pace * (settings.steps - step))
                since, images, logged = now, 0, step
            last = step == settings.steps or stopped()
            if not last and step % settings.evaluation.every == 0:
                self._evaluate(step, settings.evaluation.images)
                since = time.monotonic()
            if last or step % settings.checkpoint.every == 0 or step == fork:
                self._save(step)
                since = time.monotonic()
            if last and step < settings.steps:
                self._records.close()
                raise Interruption(signal.SIGINT)  # what SIGTERM asked for is done, too
        figures = self._evaluate(settings.steps, None)
        self._records.close()
        return {**figures, "loss": self._loss}

    def _begin(self, phase: Phase) -> None:
        self._parts.freeze(phase.frozen)
        if len(self._parts.data.phases) > 1:
            self._records.tell(f"phase {phase.label}: steps {phase.first} to {phase.last}")

    def _log(self, step: int, norm: float, speed: float, seconds: float) -> None:
        values = {
            "loss": self._loss,
            "grad_norm": norm,
            "images_per_second": speed,
            "memory_gib": records.peak_memory(),
        }
        self._records.tell(records.line(step, self._parts.configuration.steps, values, seconds))
        self._records.curves(step, {f"train/{name}": value for name, value in values.items()})

    def _evaluate(self, step: int, images: int | None) -> dict[str, Any]:
        generator = self._generator()
        judged = [each.evaluate(generator, images) for each in self._evaluations]
        cpu_seconds = round(self.cpu_seconds, 1)
        values: dict[str, Any] = {"cpu_seconds": cpu_seconds}
        for figures in judged:
            values |= figures.values
        grid = next((figures.grid for figures in judged if figures.grid), None)
        self._records.evaluation(step, values, grid)
        sentences = [figures.sentence for figures in judged if figures.sentence]
        self._records.tell("  ".join([f"step {step}  {cpu_seconds:.0f} CPU-s", *sentences]))
        return values

    def _generator(self) -> Generator:
        """The averaged weights, ready to generate."""
        parts = self._parts
        encoder: Any = parts.ema.get("text_encoder", parts.text_encoder)
        return Generator(
            parts.ema["transformer"],
            encoder,
            parts.data.autoencoder,
            parts.configuration,
            parts.device,
        )

    def _save(self, step: int) -> None:
        self._progress = Progress(
            step,
            self._progress.data,
            self._progress.sizes,
            self.cpu_seconds,
            self.wall_seconds,
        )
        checkpoint.save(self.directory, self._parts.state(self._progress))

    @property
    def cpu_seconds(self) -> float:
        """CPU seconds of this run and those it continues."""
        return time.process_time() - self._cpu

    @property
    def wall_seconds(self) -> float:
        """Wall seconds of this run and those it continues."""
        return time.monotonic() - self._wall
