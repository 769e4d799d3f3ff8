"""When a run ends before its last step, and which of its evaluations was best."""

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from curation.failures.errors import UsageError
from train import phases, records
from train.configuration import Configuration
from train.phases import Phase
from train.tuning import StopConfiguration


@dataclass
class Early:
    """What the evaluations of a run come to by its ``settings``; those before the step ``since``,
    of earlier phases, do not count.
    """

    settings: StopConfiguration
    since: int
    _ranks: dict[int, tuple[float, ...]] = field(default_factory=dict)

    def add(self, step: int, values: Mapping[str, Any]) -> None:
        """The evaluation after a ``step``. Raises ``UsageError`` where it lacks a figure, or none
        is known.
        """
        for name in self.settings.figures:
            if name not in values:
                raise UsageError(
                    f"evaluation.stop.figures: no {name}; the evaluators of this run give"
                    f" {', '.join(sorted(name for name in values if name != 'cpu_seconds'))}"
                )
        if all(values[name] is None for name in self.settings.figures):
            raise UsageError(
                f"evaluation.stop.figures: {', '.join(self.settings.figures)}: not known, as no"
                " images are held out: raise data.held_out, or name others by --evaluate-on"
            )
        if step >= self.since:
            self._ranks[step] = tuple(self._ranked(values))

    def recall(self, stored: Iterable[tuple[int, Mapping[str, Any]]]) -> None:
        """The evaluations of earlier starts, which may have had other evaluators: what lacks a
        figure counts nothing.
        """
        for step, values in stored:
            with suppress(UsageError):
                self.add(step, values)

    def forget(self, step: int) -> None:
        """That an evaluation was: its weights are gone."""
        del self._ranks[step]

    def _ranked(self, values: Mapping[str, Any]) -> Iterator[float]:
        """The figures so that more is better; one that is not known is the worst."""
        for name, kind in self.settings.figures.items():
            value = values[name]
            yield float("-inf") if value is None else float(value if kind == "max" else -value)

    @property
    def best(self) -> int | None:
        """The step of the best evaluation, of equal ones the first; None before the first."""
        return max(self._ranks, key=lambda step: (self._ranks[step], -step), default=None)

    @property
    def is_over(self) -> bool:
        """Whether the latest evaluations, as many as there is patience, were no better."""
        best = self.best
        return best is not None and sum(s > best for s in self._ranks) >= self.settings.patience

    def sentence(self) -> str:
        """Why a run ends."""
        count, best = self.settings.patience, self.best
        figures = ", ".join(self.settings.figures)
        return f"no better in {count} evaluations than after step {best} ({figures}): it ends there"


def since(curriculum: Sequence[Phase]) -> int:
    """The step from which on evaluations count: that before the last phase."""
    return curriculum[-1].first - 1


def stored(directory: Path) -> list[tuple[int, dict[str, Any]]]:
    """(step, values) of the evaluations of a training output, but for that of the end."""
    path = directory / records.EVALUATIONS
    if not path.is_file():
        return []
    read = []
    for line in path.read_text("utf-8").splitlines():
        try:
            values = json.loads(line)
        except ValueError:
            break  # torn: it is made again
        if records.OF_STEP not in values:
            read.append((int(values["step"]), values))
    return read


def of_directory(directory: Path, configuration: Configuration, until: int) -> Early | None:
    """By what a training output has stored up to the step ``until``; None for a run that does not
    end early.
    """
    settings = configuration.evaluation.stop
    if settings is None:
        return None
    early = Early(settings, since(phases.of_run(configuration, "its shards")))
    early.recall((step, values) for step, values in stored(directory) if step <= until)
    return early
