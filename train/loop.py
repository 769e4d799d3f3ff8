"""The training loop: every step a pure function of configuration, data, weights and step number."""

import signal
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NoReturn

from curation.failures.interruption import Interruption
from train import (
    checkpoint_folder,
    checkpoint_state,
    checkpoint_writing,
    early,
    ema,
    group_norms,
    peak,
    phases,
    records,
    stepping,
)
from train.checkpoint import Progress
from train.checkpoint_writing import Writer
from train.early import Early
from train.evaluators.evaluator import Evaluation
from train.generating import Generator
from train.optimisers import schedule
from train.parts import Parts
from train.phases import Phase
from train.producers.prefetching import StoppedWaitingError
from train.producers.supply import Supply
from train.records import Records, Unwritten
from train.stepping import Taken, Tally, train_step


@dataclass
class _Lately:
    """What came since the last line of the log, after ``step``; FLOPs are those that are needed,
    on real tokens: nothing that is computed again counts.
    """

    step: int
    since: float
    images: int = 0
    flops: int = 0
    tally: Tally = field(default_factory=Tally)


class Loop:
    """Steps, log lines, evaluations and checkpoints of one run from ``progress`` on; ``cut``
    counts the captions shown that were too long for the text encoder. ``best`` is the step whose
    weights a run with ``evaluation.stop`` ended with.
    """

    def __init__(
        self,
        parts: Parts,
        progress: Progress,
        directory: Path,
        evaluations: Sequence[Evaluation],
        tell: Callable[[str], None],
        supply: Supply | None = None,
    ) -> None:
        self._parts, self.directory, self._evaluations = parts, directory, evaluations
        self.configuration, self._supply = parts.configuration, supply
        self._progress = progress
        self._world = parts.world
        kind = Records if self._world.is_first else Unwritten
        self._records = kind(directory, progress.step, tell)
        self._checkpoints = Writer(directory, self._world)
        self._cpu = time.process_time() - progress.cpu_seconds
        self._wall = time.monotonic() - progress.wall_seconds
        self._loss = 0.0
        self._skipped, self._idle = list(progress.skipped), progress.idle
        self._passes = peak.passes(frozen=self.configuration.beside)
        self._peak = peak.peak(parts.device, parts.configuration.precision)
        self._lately = _Lately(progress.step, time.monotonic())
        self.cut = progress.cut
        self._early: Early | None = None
        self.best: int | None = None

    def run(self, stopped: Callable[[], bool]) -> dict[str, Any]:
        """Train to the last step; returns the last evaluation's figures.

        When ``stopped`` says so, a checkpoint is written and ``Interruption`` raised.
        """
        if self._supply:
            self._supply.ends_when(stopped)
        with self._checkpoints:
            figures = self._run(stopped)
        self._records.close()
        if self._supply:
            self._supply.finish()
        idle = {"idle_steps": self._idle} if self._idle else {}
        return {**figures, "loss": self._loss, "skipped_steps": len(self._skipped), **idle}

    def _run(self, stopped: Callable[[], bool]) -> dict[str, Any]:
        settings = self._parts.configuration
        first = self._progress.step
        self._records.tell(f"peak for MFU: {self._peak}")
        self._early = self._begun_early(first)
        if not first and self._evaluations and (settings.weights or self._early):
            self._judge(0)
            if self._is_best(0):
                self._save(0)
        self._lately = _Lately(first, time.monotonic())
        phase = None
        for step in range(first + 1, settings.steps + 1):
            if self._early and self._early.is_over:
                return self._end_with_best(step - 1, self._early)
            before = self._parts.text_encoder.cut
            try:
                if self._supply:
                    self._parts = self._supply.advance(self._parts, step, self._records.tell)
                if phase is not phases.at(self._parts.data.phases, step):
                    phase = phases.at(self._parts.data.phases, step)
                    self._begin(phase)
                taken = train_step(self._parts, step)
            except StoppedWaitingError:
                self._end_before(step)
            self.cut += self._parts.text_encoder.cut - before
            self._lately.images += phase.batch
            self._count(step, taken)
            if step % settings.log_every == 0 or step == settings.steps:
                self._log(step, taken)
            last = step == settings.steps or self._world.any(stopped() and self._is_between(step))
            with self._aside():
                self._look_and_keep(step, taken, last=last)
            if last and step < settings.steps:
                self._end()
        if self._early:
            if self._early.best is None:  # it was not judged while there was a checkpoint of it
                self._judge(settings.steps)
            return self._end_with_best(settings.steps, self._early)
        figures = self._evaluate(settings.steps, None)
        self._records.before_and_after(settings.steps)
        return figures

    def _look_and_keep(self, step: int, taken: Taken, *, last: bool) -> None:
        """What comes after some steps, and after the ``last`` of this start: averages written down,
        an evaluation, a checkpoint.
        """
        settings = self.configuration
        if settings.ema.kind == "power" and step % settings.ema.snapshots == 0:
            ema.snapshot(self.directory, self._parts.averages, step, self._world)
        judges = step % settings.evaluation.every == 0 or step == settings.steps
        if settings.evaluation.gradients and judges:
            norms = group_norms.by_group(self._parts, step, taken.tally.counts)
            self._records.gradients(step, norms)
        if judges and (self._early or not last):
            self._judge(step)
        fork = schedule.full_until(settings.steps, settings.optimiser)
        fork -= fork % settings.objective.stride
        if last or self._is_best(step) or step % settings.checkpoint.every == 0 or step == fork:
            self._save(step)

    def _is_between(self, step: int) -> bool:
        """Whether a run may stop behind a step: not within those that belong together."""
        stride: int = self.configuration.objective.stride
        return step % stride == 0

    def _is_best(self, step: int) -> bool:
        return self._early is not None and self._early.best == step

    def _begun_early(self, first: int) -> Early | None:
        """What ends the run early, with its evaluations up to step ``first``."""
        settings = self._parts.configuration.evaluation.stop
        if settings is None:
            return None
        own = early.stored(self.directory) if self._world.is_first and first else []
        begun = Early(settings, early.since(self._parts.data.phases))
        begun.recall(self._world.everyone(own)[0])
        while (best := begun.best) is not None:
            folder = self.directory / checkpoint_folder.name(best)
            if folder.is_dir():
                break
            self._records.tell(f"{folder} is gone: evaluation.stop does without its evaluation")
            begun.forget(best)
        return begun

    def _judge(self, step: int) -> None:
        """An evaluation in the midst of a run."""
        values = self._evaluate(step, self.configuration.evaluation.images)
        if self._early:
            self._early.add(step, values)

    def _end_with_best(self, step: int, ended: Early) -> dict[str, Any]:
        """Judge the weights of the best evaluation by all images, and make theirs the latest
        checkpoint; the run ends after ``step``.
        """
        parts, best = self._parts, ended.best
        assert best is not None
        if ended.is_over:
            self._records.tell(ended.sentence())
        self._checkpoints.wait()
        self._world.wait()
        folder = self.directory / checkpoint_folder.name(best)
        modules = [average.modules for average in parts.averages]
        state = folder / checkpoint_folder.STATE
        checkpoint_state.restore(state, parts.raw, modules, parts.optimisers, self._world.group)
        values, grid = self._judged(best, None)
        self._records.of_best(step, best, values, grid)
        self._records.before_and_after(best)
        if self._world.is_first:
            checkpoint_writing.end_with(folder)
        self.best = best
        return {**values, "stopped_after": step, records.OF_STEP: best}

    @contextmanager
    def _aside(self) -> Iterator[None]:
        """What is no training, and not to be counted as such by the next line of the log."""
        began = time.monotonic()
        yield
        self._lately.since += time.monotonic() - began

    def _end_before(self, step: int) -> NoReturn:
        """Of a run that waits for units; where there are several processes, others may not."""
        if self._world.size == 1 and step - 1 > self._progress.step:
            self._save(step - 1)
        self._end()

    def _end(self) -> NoReturn:
        self._checkpoints.wait()
        self._records.close()
        raise Interruption(signal.SIGINT)  # what SIGTERM asked for is done, too

    def _count(self, step: int, taken: Taken) -> None:
        self._records.step(step, taken.metrics())
        self._lately.flops += self._passes * taken.flops
        if taken.skipped:
            self._skipped.append(step)
            most = self.configuration.optimiser.skips
            self._records.tell(stepping.check_skips(self._skipped, step, taken, most))
            return
        self._idle += taken.idle
        self._loss = taken.loss
        self._lately.tally.merge(taken.tally)

    def _begin(self, phase: Phase) -> None:
        self._parts.freeze(phase.frozen)
        if len(self._parts.data.phases) > 1:
            self._records.tell(phase.sentence())

    def _log(self, step: int, taken: Taken) -> None:
        lately, steps = self._lately, self.configuration.steps
        seconds = time.monotonic() - lately.since
        values = {
            "loss": taken.loss,
            "grad_norm": taken.norm,
            "images_per_second": lately.images / seconds,
            "mfu": lately.flops / seconds / (self._world.size * self._peak.flops),
            "memory_gib": records.peak_memory(),
        }
        left = seconds / (step - lately.step) * (steps - step)
        line = records.line(step, steps, values, left)
        self._records.tell("  ".join([line, *records.of_objective(taken.figures)]))
        values |= taken.figures
        curves = {f"train/{name}": value for name, value in values.items()}
        curves |= {f"loss/{group}": value for group, value in lately.tally.means().items()}
        self._records.curves(step, {**curves, "train/skipped_steps": len(self._skipped)})
        if self._supply:
            self._records.arrivals(step, self._supply.figures(self._world))
        self._lately = _Lately(step, time.monotonic())

    def _evaluate(self, step: int, images: int | None) -> dict[str, Any]:
        values, grid = self._judged(step, images)
        self._records.evaluation(step, values, grid)
        return values

    def _judged(self, step: int, images: int | None) -> tuple[dict[str, Any], Any]:
        generator = self._generator()
        judged = [each.evaluate(generator, images) for each in self._evaluations]
        cpu_seconds = round(self.cpu_seconds, 1)
        values: dict[str, Any] = {"cpu_seconds": cpu_seconds}
        for figures in judged:
            values |= figures.values
        grid = next((figures.grid for figures in judged if figures.grid), None)
        sentences = [figures.sentence for figures in judged if figures.sentence]
        self._records.tell("  ".join([f"step {step}  {cpu_seconds:.0f} CPU-s", *sentences]))
        return values, grid

    def _generator(self) -> Generator:
        """The averaged weights, ready to generate."""
        parts = self._parts
        return Generator(
            *parts.averaged,
            parts.data.autoencoder,
            parts.configuration,
            parts.device,
            parts.world,
        )

    def _save(self, step: int) -> None:
        self._progress = Progress(
            step,
            self._progress.data,
            self._progress.sizes,
            self.cpu_seconds,
            self.wall_seconds,
            tuple(self._skipped),
            tuple(self._supply.versions) if self._supply else (),
            self.cut,
            self._idle,
        )
        self._checkpoints.save(self._parts.state(self._progress))

    @property
    def cpu_seconds(self) -> float:
        """CPU seconds of this run and those it continues."""
        return time.process_time() - self._cpu

    @property
    def wall_seconds(self) -> float:
        """Wall seconds of this run and those it continues."""
        return time.monotonic() - self._wall
