"""The training loop: every step a pure function of configuration, data, weights and step number."""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from curation.failures.errors import UsageError
from train import checkpoint, ema, flow, held_out, model, optimiser, records, text_encoder
from train.checkpoint import Progress, State
from train.configuration import Configuration
from train.data.loading import Data
from train.evaluation import Reader
from train.records import Records
from train.seeds import seed_for
from train.text_encoder import TextEncoder


@dataclass(frozen=True)
class Parts:
    """The objects of a run. ``raw`` are the trained modules by name, ``ema`` their EMA."""

    configuration: Configuration
    device: str
    data: Data
    transformer: Any
    text_encoder: TextEncoder
    raw: Mapping[str, nn.Module]
    ema: Mapping[str, nn.Module]
    optimisers: tuple[torch.optim.Optimizer, ...]

    def generator(self) -> held_out.Generator:
        """The averaged weights, ready to generate."""
        encoder: Any = self.ema.get("text_encoder", self.text_encoder)
        return held_out.Generator(
            self.ema["transformer"], encoder, self.data.autoencoder, self.configuration, self.device
        )

    def state(self, progress: Progress) -> State:
        """What a checkpoint holds."""
        return State(
            self.configuration,
            progress,
            self.raw,
            self.ema,
            self.data.autoencoder,
            self.text_encoder,
            self.optimisers,
            self.data.seen,
        )


def assemble(configuration: Configuration, data: Data, device: str) -> Parts:
    """Build everything with weights by the configuration's seed."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed_for(configuration.seed, "weights"))
        encoder = text_encoder.build(configuration.text_encoder)
        transformer = model.build(configuration.model, data.autoencoder.channels, encoder.width)
    raw: dict[str, nn.Module] = {"transformer": transformer.to(device).train()}
    if isinstance(encoder, nn.Module):
        encoder.to(device)
        if any(weight.requires_grad for weight in encoder.parameters()):
            raw["text_encoder"] = encoder.train()
    return Parts(
        configuration,
        device,
        data,
        transformer,
        encoder,
        raw,
        ema.start(raw),
        optimiser.build(configuration.optimiser, raw),
    )


def train_step(parts: Parts, step: int) -> tuple[float, float]:
    """One optimiser step, the 1-based ``step``; returns loss and gradient norm before clipping.

    Raises ``UsageError`` when the loss is not finite.
    """
    configuration = parts.configuration
    value = _backward(parts, step)
    weights = [weight for group in parts.optimisers for weight in _weights(group)]
    norm = float(nn.utils.clip_grad_norm_(weights, configuration.optimiser.clip))
    factor = optimiser.learning_rate_factor(step, configuration.steps, configuration.optimiser)
    optimiser.set_learning_rates(parts.optimisers, factor, configuration.optimiser)
    for each in parts.optimisers:
        each.step()
        each.zero_grad(set_to_none=True)
    ema.update(parts.ema, parts.raw, ema.decay_at(step, configuration.ema))
    return value, norm


def _weights(group: torch.optim.Optimizer) -> list[Tensor]:
    return [weight for entry in group.param_groups for weight in entry["params"]]


def _backward(parts: Parts, step: int) -> float:
    """The flow loss of the step's batch, with its noise, noise levels and captions; its gradient.

    The batch goes through the network in portions, so that long captions take no more memory than
    ``tokens_at_once`` asks for; loss and gradient are those of the whole.
    """
    configuration = parts.configuration
    batch = parts.data.at(step)
    random = torch.Generator().manual_seed(seed_for(configuration.seed, "step", step))
    noise = torch.randn(batch.latents.shape, generator=random)
    tokens = noise.shape[2] * noise.shape[3] // configuration.model.patch**2
    sigma = flow.build(configuration.flow).sample_levels(len(noise), tokens, random)
    captions = drop_captions(batch.captions, configuration.data.caption_dropout, random)
    x0, x1, level = (value.to(parts.device) for value in (batch.latents, noise, sigma))
    encoded, mask = parts.text_encoder.encode(captions)
    features = encoded.detach().requires_grad_(encoded.requires_grad)
    total = 0.0
    for rows, longest in portions(mask.sum(1).tolist(), tokens, configuration.tokens_at_once):
        text = features[rows, :longest].float()
        noisy = flow.path(x0[rows], x1[rows], level[rows])
        with (
            model.autocast(parts.device, configuration.precision),
            model.attention(configuration.model.attention),
        ):
            predicted = model.predict(
                parts.transformer, noisy, level[rows], text, mask[rows, :longest]
            )
        loss = flow.loss(predicted, x0[rows], x1[rows]) * (len(noisy) / len(noise))
        if not torch.isfinite(loss.detach()):
            raise UsageError(
                f"step {step}: the loss is {float(loss.detach())}; lower"
                " optimiser.learning_rate (and muon_learning_rate) in a --config file"
            )
        loss.backward()  # type: ignore[no-untyped-call]
        total += float(loss.detach())
    if features.grad is not None:
        encoded.backward(features.grad)  # type: ignore[no-untyped-call]
    return total


def portions(lengths: list[int], tokens: int, most: int) -> list[tuple[list[int] | slice, int]]:
    """The rows of a batch that go through the network together, and their longest caption.

    ``lengths`` are the text tokens of each row, ``tokens`` the image tokens; with its padding a
    portion has at most ``most`` of both, or one row. Where all do they stay as they are, else rows
    of about a length go together.
    """
    if len(lengths) * (tokens + max(lengths)) <= most:
        return [(slice(None), max(lengths))]
    divided: list[tuple[list[int] | slice, int]] = []
    rows: list[int] = []
    for row in sorted(range(len(lengths)), key=lengths.__getitem__):
        if rows and (len(rows) + 1) * (tokens + lengths[row]) > most:
            divided.append((rows, lengths[rows[-1]]))
            rows = []
        rows.append(row)
    return [*divided, (rows, lengths[rows[-1]])]


def drop_captions(captions: list[str], dropout: float, random: torch.Generator) -> list[str]:
    """The captions, each "" with chance ``dropout``."""
    chance = torch.rand(len(captions), generator=random).tolist()
    return [
        "" if drop < dropout else caption for caption, drop in zip(captions, chance, strict=True)
    ]


class Loop:
    """Steps, log lines, evaluations and checkpoints of one run from ``progress`` on."""

    def __init__(
        self,
        parts: Parts,
        progress: Progress,
        directory: Path,
        reader: Reader | None,
        tell: Callable[[str], None],
    ) -> None:
        self._parts, self.directory, self._reader = parts, directory, reader
        self.configuration = parts.configuration
        self._progress = progress
        self._records = Records(directory, progress.step, tell)
        self._tasks = held_out.tasks(parts.data, parts.configuration.seed)
        self._cpu = time.process_time() - progress.cpu_seconds
        self._wall = time.monotonic() - progress.wall_seconds
        self._loss = 0.0

    def run(self, stopped: Callable[[], bool]) -> dict[str, Any]:
        """Train to the last step; returns the last evaluation's figures.

        When ``stopped`` says so, a checkpoint is written and ``KeyboardInterrupt`` raised.
        """
        settings = self._parts.configuration
        since, images = time.monotonic(), 0
        first = self._progress.step
        fork = optimiser.full_until(settings.steps, settings.optimiser)
        for step in range(first + 1, settings.steps + 1):
            self._loss, norm = train_step(self._parts, step)
            images += settings.batch
            self._records.step(step, {"loss": self._loss, "grad_norm": norm})
            if step % settings.log_every == 0 or step == settings.steps:
                now = time.monotonic()
                self._log(step, norm, images / (now - since), settings.steps - step)
                since, images = now, 0
            last = step == settings.steps or stopped()
            if not last and step % settings.evaluation.every == 0:
                self._evaluate(step, settings.evaluation.images)
                since = time.monotonic()
            if last or step % settings.checkpoint.every == 0 or step == fork:
                self._save(step)
                since = time.monotonic()
            if last and step < settings.steps:
                self._records.close()
                raise KeyboardInterrupt
        figures = self._evaluate(settings.steps, len(self._tasks))
        self._records.close()
        return {**figures, "loss": self._loss}

    def _log(self, step: int, norm: float, speed: float, left: int) -> None:
        values = {
            "loss": self._loss,
            "grad_norm": norm,
            "images_per_second": speed,
            "memory_gib": records.peak_memory(),
        }
        seconds = left * self._parts.configuration.batch / speed
        self._records.tell(records.line(step, self._parts.configuration.steps, values, seconds))
        self._records.curves(step, {f"train/{name}": value for name, value in values.items()})

    def _evaluate(self, step: int, count: int) -> dict[str, Any]:
        outcome = held_out.evaluate(
            self._parts.generator(), self._parts.data, self._tasks[:count], self._reader
        )
        figures: dict[str, Any] = {
            "cpu_seconds": round(self.cpu_seconds, 1),
            "held_out_loss": outcome.loss,
            "held_out_accuracy": None,
        }
        sentence = f"step {step}  {figures['cpu_seconds']:.0f} CPU-s"
        if outcome.loss is not None:
            sentence += f"  held-out loss {outcome.loss:.4f}"
        if outcome.accuracy is not None:
            figures["held_out_accuracy"] = outcome.accuracy.share
            figures["held_out_images"] = outcome.accuracy.images
            sentence += f"  {outcome.accuracy.sentence()}"
        self._records.evaluation(step, figures, outcome.grid)
        self._records.tell(sentence)
        return figures

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
    def captions(self) -> list[str]:
        """The captions that are generated at evaluations."""
        return [task.example.captions[0] for task in self._tasks]

    @property
    def cpu_seconds(self) -> float:
        """CPU seconds of this run and those it continues."""
        return time.process_time() - self._cpu

    @property
    def wall_seconds(self) -> float:
        """Wall seconds of this run and those it continues."""
        return time.monotonic() - self._wall
