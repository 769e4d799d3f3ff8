"""Renderers drawing in turn, each in a process of its own, and what a picture takes them."""

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median
from types import TracebackType
from typing import Any

from benchmarks.peers import installing
from benchmarks.peers.installing import ROOT, Absent

_THREADS = ("OMP", "OPENBLAS", "MKL")
ONE_THREAD = {f"{name}_NUM_THREADS": "1" for name in _THREADS} | {"OPENCV_FOR_THREADS_NUM": "1"}


@dataclass(frozen=True)
class Renderer:
    """``driver`` is its program, ``setup`` what that is told, ``batch`` the pictures of a turn,
    ``warm`` those before the first turn.

    ``peer`` names its environment, ``None`` is ours. ``bar`` is the least ratio of its time to
    ours, or, of ``bare``, the largest of ours to its; ``None``: told for information.
    """

    label: str
    driver: str
    setup: Mapping[str, str]
    batch: int
    peer: str | None = None
    bar: float | None = None
    absent: str = ""  # why it cannot be had
    warm: int = 0


@dataclass(frozen=True)
class Contest:
    """Ours against others at one kind of picture; ``bar`` is in milliseconds a picture."""

    name: str
    ours: Renderer
    bar: float
    others: Sequence[Renderer]
    bare: Sequence[Renderer] = ()


@dataclass
class Result:
    """``times`` are seconds per picture, turn by turn; ``totals`` sums over all turns."""

    times: list[float] = field(default_factory=list)
    totals: dict[str, float] = field(default_factory=dict)

    @property
    def milliseconds(self) -> float:
        """The median per picture."""
        return 1000 * median(self.times)

    def per_picture(self, name: str) -> float:
        """The mean of a sum."""
        return self.totals.get(name, 0.0) / self.totals["pictures"]


class Running:
    """A driver that waits for its turn. Raises ``Absent`` where it cannot start or dies."""

    def __init__(self, renderer: Renderer) -> None:
        self.renderer = renderer
        python = installing.interpreter(renderer.peer) if renderer.peer else Path(sys.executable)
        self._errors = tempfile.TemporaryFile("w+")  # noqa: SIM115 - lives as long as the driver
        self._process = subprocess.Popen(
            [
                python,
                "-m",
                f"benchmarks.peers.drivers.{renderer.driver}",
                json.dumps(renderer.setup),
            ],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._errors,
            text=True,
            cwd=ROOT,
            env={**os.environ, **ONE_THREAD, "PYTHONPATH": str(ROOT)},
        )
        self._answer()

    def __enter__(self) -> "Running":
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        where: TracebackType | None,
    ) -> None:
        if self._process.stdin:
            self._process.stdin.close()
        self._process.wait()
        self._errors.close()

    def draw(self, pictures: int) -> dict[str, Any]:
        """What so many pictures took: the fields of ``serving.Rendered``."""
        if self._process.stdin is None:
            raise RuntimeError("no pipe")
        try:
            self._process.stdin.write(f"{pictures}\n")
            self._process.stdin.flush()
        except BrokenPipeError as error:
            raise self._gone() from error
        return self._answer()

    def _answer(self) -> dict[str, Any]:
        if self._process.stdout is None:
            raise RuntimeError("no pipe")
        line = self._process.stdout.readline()
        if not line:
            raise self._gone()
        return dict(json.loads(line))

    def _gone(self) -> Absent:
        self._process.wait()
        self._errors.seek(0)
        said = self._errors.read().strip().splitlines() or ["no message"]
        return Absent(f"{self.renderer.label}: ended with {self._process.returncode}: {said[-1]}")


def run(renderers: Sequence[Renderer], turns: int) -> dict[str, Result | str]:
    """Every renderer draws a batch in every turn, in turn, after its ``warm`` pictures.

    By label; a text says why one is absent.
    """
    results: dict[str, Result | str] = {}
    running: dict[str, Running] = {}
    try:
        for renderer in renderers:
            try:
                if renderer.absent:
                    raise Absent(renderer.absent)
                running[renderer.label] = Running(renderer)
                running[renderer.label].draw(renderer.warm or 2 * renderer.batch)
                results[renderer.label] = Result()
            except Absent as reason:
                results[renderer.label] = str(reason)
                running.pop(renderer.label, None)
        for _ in range(turns):
            for label, process in list(running.items()):
                try:
                    _take_turn(process, results[label])
                except Absent as reason:
                    results[label] = str(reason)
                    running.pop(label).__exit__(None, None, None)
    finally:
        for process in running.values():
            process.__exit__(None, None, None)
    return results


def _take_turn(process: Running, result: Result | str) -> None:
    drawn = process.draw(process.renderer.batch)
    if isinstance(result, str):
        return
    result.times.append(drawn["cpu"] / drawn["pictures"])
    counts = drawn.pop("counts") or {}
    for name, value in {**drawn, **counts}.items():
        result.totals[name] = result.totals.get(name, 0.0) + value
