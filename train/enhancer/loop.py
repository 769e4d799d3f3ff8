"""The steps of a training of an enhancer: updates, log lines, evaluations, checkpoints."""

import signal
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import torch
from torch.optim import AdamW

from curation import storage
from curation.failures.errors import UsageError
from curation.failures.interruption import Interruption
from train import records
from train.configuration import OptimiserConfiguration
from train.enhancer import checkpoints, recomputing
from train.enhancer.configuration import Shared
from train.enhancer.evaluating import Judged
from train.enhancer.language_model import LanguageModel
from train.enhancer.updating import Task, Update
from train.optimisers import schedule
from train.peak import passes, peak
from train.records import Records
from train.seeds import seed_for


class Loop:
    """Trains a ``model`` by a ``task`` from behind a ``step`` on, of whose checkpoint ``folder`` is
    that it goes on from.
    """

    def __init__(
        self,
        model: LanguageModel,
        task: Task,
        configuration: Shared,
        place: tuple[Path, str],
        tell: Callable[[str], None],
    ) -> None:
        self._model, self._task, self._configuration = model, task, configuration
        (self._directory, self._digest), self._tell = place, tell
        settings = configuration.optimiser
        self._optimiser = AdamW(
            model.trained,
            lr=settings.learning_rate,
            betas=settings.betas,
            weight_decay=settings.weight_decay,
        )
        self._rates = OptimiserConfiguration(warmup=settings.warmup, decay=settings.decay)
        if configuration.recompute:
            recomputing.recompute(model.network)
        self._top = peak(model.device, configuration.precision).flops

    def run(self, folder: Path | None, step: int, stopped: Callable[[], bool]) -> dict[str, Any]:
        """Train to the last step; the figures of the last evaluation. A stop that is asked for
        comes behind a step, with a checkpoint, and raises ``Interruption``.
        """
        if folder is not None:
            checkpoints.restore(folder, self._optimiser)
        settings = self._configuration
        self._records = Records(self._directory, step, self._tell)
        for path in (self._directory / records.SAMPLES).glob("step-*.txt"):
            if int(path.stem.removeprefix("step-")) > step:
                path.unlink()
        if folder is None:
            self._judge(0)
        judged = None
        self._since, self._tokens, self._rows, self._done = time.perf_counter(), 0, 0, 0
        for number in range(step + 1, settings.steps + 1):
            self._step(number)
            last = number == settings.steps
            if last or number % settings.evaluation.every == 0:
                judged = self._judge(number)
            ends = stopped() and not last
            if last or ends or number % settings.checkpoint.every == 0:
                made = (self._directory, number, self._model, self._optimiser)
                checkpoints.save(*made, settings, self._digest)
            if ends:
                self._records.close()
                raise Interruption(signal.SIGINT)  # what SIGTERM asked for is done, too
        if judged is None:  # a run that was killed before its result was written
            judged = self._judge(settings.steps)
        self._records.close()
        return dict(judged.values)

    def _step(self, step: int) -> None:
        settings, values = self._configuration, dict[str, float]()
        factor = schedule.learning_rate_factor(step, settings.steps, self._rates)
        schedule.set_learning_rates([self._optimiser], factor)
        for number in range(self._task.updates):
            with torch.random.fork_rng():
                torch.manual_seed(seed_for(settings.seed, "step", step, number))
                update = self._task.update(step, number)
            values = {"loss": update.loss, "grad_norm": self._move(update, step), **update.figures}
            self._tokens += update.tokens
            self._rows += update.rows
        values["learning_rate"] = settings.optimiser.learning_rate * factor
        self._records.step(step, values)
        self._done += 1
        if step % settings.log_every == 0 or step == settings.steps:
            self._log(step, values, update)

    def _move(self, update: Update, step: int) -> float:
        """Take a step by the gradients; their norm."""
        if not update.tokens:
            return 0.0
        clip = self._configuration.optimiser.clip
        norm = float(torch.nn.utils.clip_grad_norm_(self._model.trained, clip))
        if not norm < float("inf"):  # nor NaN
            raise UsageError(
                f"step {step}: the gradient is not finite; a lower optimiser.learning_rate may do,"
                " or precision: fp32"
            )
        self._optimiser.step()
        self._optimiser.zero_grad(set_to_none=True)
        return norm

    def _log(self, step: int, values: Mapping[str, float], update: Update) -> None:
        settings, seconds = self._configuration, time.perf_counter() - self._since
        frozen = len(self._model.trained) < sum(1 for _ in self._model.network.parameters())
        operations = 2 * passes(frozen=frozen) * self._model.parameters * self._rows
        share = operations / seconds / self._top
        left = round(seconds / self._done * (settings.steps - step))
        more = "".join(f"  {text}" for text in records.of_objective(update.figures))
        self._records.tell(
            f"step {step:>{len(str(settings.steps))}}/{settings.steps}"
            f"  loss {values['loss']:7.4f}  grad_norm {values['grad_norm']:7.3f}"
            f"  {self._tokens / seconds:6.0f} tokens/s"
            f"  MFU {100 * share:5.1f} %  {records.peak_memory():6.2f} GiB"
            f"  {left // 3600}:{left // 60 % 60:02d}:{left % 60:02d} left{more}"
        )
        self._records.curves(step, dict(values))
        self._since, self._tokens, self._rows, self._done = time.perf_counter(), 0, 0, 0

    def _judge(self, step: int) -> Judged:
        """Judge the weights; the time it takes is none of training."""
        begun = time.perf_counter()
        judged = self._task.evaluate(step)
        self._records.evaluation(step, judged.values, None)
        path = self._directory / records.SAMPLES / f"step-{step:06d}.txt"
        storage.write_bytes(str(path), judged.samples.encode())
        self._records.tell(f"evaluation after step {step}: {judged.sentence}")
        self._since = getattr(self, "_since", begun) + time.perf_counter() - begun
        return judged
