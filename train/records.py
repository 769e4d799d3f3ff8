"""What a run writes down: a log line, ``metrics.jsonl``, TensorBoard curves and sample grids."""

import json
import math
import resource
import sys
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image

from curation import storage

METRICS = "metrics.jsonl"
EVALUATIONS = "evaluations.jsonl"
ARRIVALS = "arrivals.jsonl"
GRADIENTS = "gradients.jsonl"
SAMPLES = "samples"
OF_STEP = "of_step"  # in an evaluation at the end: the step whose weights were judged
_BOTH = "before-and-after.png"
_BOARD = "tensorboard"


class Records:
    """The record of one run below ``directory``, continued after ``step``.

    Whatever an interrupted run wrote after that step is forgotten: it is computed again, and a
    resumed curve is the undisturbed one. ``metrics.jsonl`` has one line per step with the exact
    loss and nothing that depends on the clock.
    """

    def __init__(self, directory: Path, step: int, tell: Callable[[str], None]) -> None:
        from torch.utils.tensorboard import SummaryWriter

        self._directory, self._tell = directory, tell
        directory.mkdir(parents=True, exist_ok=True)
        for name in (METRICS, EVALUATIONS, ARRIVALS, GRADIENTS):
            _forget_after(directory / name, step)
        for path in (directory / SAMPLES).glob("step-*.png"):
            if int(path.stem.removeprefix("step-")) > step:
                path.unlink()
        self._metrics = (directory / METRICS).open("a", encoding="utf-8")
        self._board = SummaryWriter(str(directory / _BOARD), purge_step=step + 1)

    def step(self, step: int, values: Mapping[str, Any]) -> None:
        """One line for one step, on disk at once (though not yet forced there)."""
        self._metrics.write(json.dumps({"step": step, **values}) + "\n")
        self._metrics.flush()

    def curves(self, step: int, values: Mapping[str, float]) -> None:
        """Points of TensorBoard curves."""
        for name, value in values.items():
            if math.isfinite(value):
                self._board.add_scalar(name, value, step)

    def arrivals(self, step: int, values: Mapping[str, float]) -> None:
        """How batches arrived up to a step, which depends on the clock: a line and curves."""
        self._append(ARRIVALS, step, values)
        self.curves(step, {f"data/{name}": value for name, value in values.items()})

    def gradients(self, step: int, norms: Mapping[str, float]) -> None:
        """The norms of gradients by group: a line and curves."""
        self._append(GRADIENTS, step, norms)
        self.curves(step, {f"grad_norm/{group}": norm for group, norm in norms.items()})

    def of_best(
        self, step: int, best: int, values: Mapping[str, Any], grid: Image.Image | None
    ) -> None:
        """The figures of the weights after step ``best``, with which a run ends after ``step``."""
        self._append(EVALUATIONS, step, {OF_STEP: best, **values})
        if grid is not None:
            path = self._directory / SAMPLES / f"step-{best:06d}.png"
            with storage.atomic_write(str(path)) as stream_of_bytes:
                grid.save(stream_of_bytes, "PNG")

    def evaluation(self, step: int, values: Mapping[str, Any], grid: Image.Image | None) -> None:
        """The figures of an evaluation, and its images as ``samples/step-<step>.png``."""
        _forget_after(self._directory / EVALUATIONS, step - 1)  # a run killed after the last one
        self._append(EVALUATIONS, step, values)
        known = {name: value for name, value in values.items() if value is not None}
        self.curves(step, {f"evaluation/{name}": value for name, value in known.items()})
        if grid is not None:
            path = self._directory / SAMPLES / f"step-{step:06d}.png"
            with storage.atomic_write(str(path)) as stream_of_bytes:
                grid.save(stream_of_bytes, "PNG")
            self._board.add_image("samples", np.asarray(grid), step, dataformats="HWC")

    def before_and_after(self, step: int) -> None:
        """The images before the first step beside those of the same prompts after ``step``, where
        there are both: ``samples/before-and-after.png``.
        """
        places = [self._directory / SAMPLES / f"step-{at:06d}.png" for at in (0, step)]
        if not all(path.is_file() for path in places):
            return
        left, right = (Image.open(path).convert("RGB") for path in places)
        sheet = Image.new(
            "RGB", (left.width + right.width, max(left.height, right.height)), "white"
        )
        sheet.paste(left, (0, 0))
        sheet.paste(right, (left.width, 0))
        with storage.atomic_write(str(self._directory / SAMPLES / _BOTH)) as stream_of_bytes:
            sheet.save(stream_of_bytes, "PNG")

    def _append(self, name: str, step: int, values: Mapping[str, Any]) -> None:
        with (self._directory / name).open("a", encoding="utf-8") as stream:
            stream.write(json.dumps({"step": step, **values}) + "\n")

    def tell(self, message: str) -> None:
        """A line for the person who watches."""
        self._tell(message)

    def close(self) -> None:
        """Flush everything."""
        self._metrics.close()
        self._board.close()


class Unwritten(Records):
    """What a process keeps that is not the first of a run: nothing."""

    def __init__(self, directory: Path, step: int, tell: Callable[[str], None]) -> None:
        pass

    def step(self, step: int, values: Mapping[str, Any]) -> None:
        """As ``Records``."""

    def curves(self, step: int, values: Mapping[str, float]) -> None:
        """As ``Records``."""

    def arrivals(self, step: int, values: Mapping[str, float]) -> None:
        """As ``Records``."""

    def gradients(self, step: int, norms: Mapping[str, float]) -> None:
        """As ``Records``."""

    def evaluation(self, step: int, values: Mapping[str, Any], grid: Image.Image | None) -> None:
        """As ``Records``."""

    def of_best(
        self, step: int, best: int, values: Mapping[str, Any], grid: Image.Image | None
    ) -> None:
        """As ``Records``."""

    def before_and_after(self, step: int) -> None:
        """As ``Records``."""

    def tell(self, message: str) -> None:
        """As ``Records``."""

    def close(self) -> None:
        """As ``Records``."""


def _forget_after(path: Path, step: int) -> None:
    """Keep the lines of steps up to ``step``; a half-written last line goes, too."""
    if not path.is_file():
        return
    kept: list[str] = []
    for line in path.read_text("utf-8").splitlines():
        try:
            number = json.loads(line)["step"]
        except ValueError:
            break
        if number <= step:
            kept.append(line + "\n")
    storage.write_bytes(str(path), "".join(kept).encode())


def line(step: int, steps: int, values: Mapping[str, float], seconds_left: float) -> str:
    """One log line in columns: step, loss, gradient norm, images/s, MFU, peak memory and time
    left.
    """
    minutes, seconds = divmod(round(seconds_left), 60)
    left = f"{minutes // 60}:{minutes % 60:02d}:{seconds:02d}"
    speed = values["images_per_second"]
    return (
        f"step {step:>{len(str(steps))}}/{steps}  loss {values['loss']:7.4f}"
        f"  grad_norm {values['grad_norm']:7.3f}  {speed:6.{0 if speed >= 10 else 2}f} images/s"
        f"  MFU {100 * values['mfu']:5.1f} %"
        f"  {values['memory_gib']:6.2f} GiB  {left:>8} left"
    )


def of_objective(figures: Mapping[str, float]) -> Iterator[str]:
    """What the objective has to say of a step, behind its log line."""
    for name, value in figures.items():
        yield f"{name} {value:.4g}"


def peak_memory() -> float:
    """Peak memory in GiB: of the GPU where one is used, else of this process."""
    if torch.cuda.is_available() and torch.cuda.max_memory_reserved():
        return torch.cuda.max_memory_reserved() / 2**30
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak / (2**30 if sys.platform == "darwin" else 2**20)
