"""Moved bounds: what would be kept, by the same judging as a run's, and which rows change places.

A bound goes by stage, column and side: ``s2.clarity.min``. Where a later stage asks less than a
moved bound, its own moves along, as a configuration would have to say it.
"""

import threading
from collections import OrderedDict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from curation.configuration import loading
from curation.configuration.loading import Bound, Pipeline, Stage
from curation.failures.errors import UsageError
from curation.inspect import rejudge
from curation.inspect.rejudge import Changed, Comparison
from curation.judging import verdicts
from curation.judging.rules import CAPTIONS
from curation.measuring import choosing
from curation.measuring.chosen import Chosen
from curation.output import column_files
from curation.report import outcome
from curation.report.outcome import Bound as Ruled
from curation.serving.run_rows import Rows
from curation.strict_yaml import expected_one_of

Mask = NDArray[np.bool_]
Moved = tuple[tuple[str, float], ...]  # bounds by their names, sorted
REMEMBERED = 16  # trials: three bytes a row each
CHANGES = ("kept", "gained", "lost", "undecided")


@dataclass(frozen=True)
class Trial:
    """What came of moved bounds: the ``comparison`` with the run, and of its rows (N,) which would
    be ``kept``, by ``CHANGES``; ``moved`` are all bounds that moved, also those that moved along.
    """

    moved: Moved
    comparison: Comparison
    rows: Mapping[str, Mask]


class Trials:
    """Judges the run of these ``rows`` by other bounds, one trial at a time."""

    def __init__(self, rows: Rows) -> None:
        self._rows = rows
        self.bounds = {
            name_of(bound): bound
            for bound in outcome.bounds(rows.run)
            if bound.side != "in" and not bound.quota and bound.column != CAPTIONS
        }
        self._pipeline: Pipeline | None = None
        self._known: OrderedDict[Moved, Trial] = OrderedDict()
        self._guard = threading.Lock()

    def parsed(self, text: str) -> Moved:
        """Moved bounds as a link says them: ``s2.clarity.min:0.3,s1.short_side.min:300``.

        Raises ``UsageError``.
        """
        moved: dict[str, float] = {}
        for part in filter(None, text.split(",")):
            name, _, value = part.partition(":")
            if name not in self.bounds:
                known = expected_one_of(name, self.bounds)
                raise UsageError(f"no bound {name[:80]!r}: {known}")
            try:
                moved[name] = float(value)
            except ValueError:
                moved[name] = np.nan
            if not np.isfinite(moved[name]):
                raise UsageError(f"{name}: expected a number, not {value[:40]!r}")
        here = (name for name, of in moved.items() if of != self.bounds[name].bound)
        return tuple((name, moved[name]) for name in sorted(here))

    def trial(self, moved: Moved) -> Trial:
        """Judge by these bounds. Raises ``UsageError``, ``ConfigurationError``, ``OutcomeError``,
        ``ColumnFileError``.
        """
        with self._guard:
            if moved not in self._known:
                self._known[moved] = self._judged(moved)
                if len(self._known) > REMEMBERED:
                    self._known.popitem(last=False)
            self._known.move_to_end(moved)
            return self._known[moved]

    def _judged(self, moved: Moved) -> Trial:
        if self._pipeline is None:
            run = self._rows.run
            configuration = run.get("configuration", {})
            path, name = self._rows.layout.run, str(run.get("pipeline"))
            self._pipeline = loading.of_run(path, name, configuration)
        every = along(self.bounds, dict(moved))
        pipeline = with_bounds(self._pipeline, self.bounds, every)
        chosen: Chosen = choosing.chosen(pipeline)
        judge = verdicts.Judge(self._rows.output, pipeline, chosen, hold=True)
        changed: dict[str, Changed] = {}
        comparison = rejudge.compared(
            self._rows.run, judge, lambda of: changed.update({of.unit: of}), self._kept
        )
        rows = {which: self._of_units(changed, which) for which in CHANGES}
        return Trial(tuple(sorted(every.items())), comparison, rows)

    def _kept(self, unit: str) -> Mask:
        place = self._rows.units.index(unit)
        start, end = self._rows.starts[place : place + 2].tolist()
        stored = self._rows.column("verdict").slice(start, end - start)
        return column_files.equals(stored, "kept")

    def _of_units(self, changed: Mapping[str, Changed], which: str) -> Mask:
        parts: list[Mask] = [getattr(changed[unit], which) for unit in self._rows.units]
        return np.concatenate([np.zeros(0, np.bool_), *parts])


def name_of(bound: Ruled) -> str:
    """What a bound is called in links."""
    return f"{bound.stage}.{bound.rule}"


def along(bounds: Mapping[str, Ruled], moved: Mapping[str, float]) -> dict[str, float]:
    """The moved bounds, and those of later stages that would ask less now."""
    every = dict(moved)
    for name, later in bounds.items():
        own, sign = every.get(name, later.bound) / later.scale, 1 if later.side == "min" else -1
        for before, earlier in bounds.items():
            if before == name:
                break
            if before in every and (earlier.column, earlier.side) == (later.column, later.side):
                least = every[before] / earlier.scale
                if sign * least > sign * own:
                    own, value = least, least * later.scale
                    if sign * value / later.scale < sign * least:  # rounded to ask a little less
                        value = float(np.nextafter(value, sign * np.inf))
                    every[name] = value
    return every


def with_bounds(
    pipeline: Pipeline, bounds: Mapping[str, Ruled], moved: Mapping[str, float]
) -> Pipeline:
    """The pipeline with these bounds. Raises ``UsageError`` where no value can pass."""
    stages = tuple(_stage(stage, bounds, moved) for stage in pipeline.stages)
    return pipeline.model_copy(update={"stages": stages})


def _stage(stage: Stage, bounds: Mapping[str, Ruled], moved: Mapping[str, float]) -> Stage:
    own = dict(stage.bounds)
    for name, value in moved.items():
        bound = bounds[name]
        if bound.stage == stage.name:
            before = own[bound.column]
            least = value if bound.side == "min" else before.min
            most = value if bound.side == "max" else before.max
            if least is not None and most is not None and least > most:
                raise UsageError(
                    f"{stage.name}: {bound.column} at least {least:g} and at most {most:g}: no "
                    "value can pass; move one of them back"
                )
            own[bound.column] = Bound(min=least, max=most)
    return stage.model_copy(update={"bounds": own})


def as_yaml(name: str, bounds: Mapping[str, Ruled], moved: Moved) -> Iterator[str]:
    """Lines of a configuration that extends the pipeline ``name`` by the moved bounds."""
    yield "pipelines:"
    yield "  moved:"
    yield f"    extends: {name}"
    yield "    stages:"
    for stage in dict.fromkeys(bounds[of].stage for of, _ in moved):
        yield f"      {stage}:"
        yield "        bounds:"
        own = [(bounds[of], value) for of, value in moved if bounds[of].stage == stage]
        for column in dict.fromkeys(of.column for of, _ in own):
            ends = ", ".join(f"{of.side}: {value!r}" for of, value in own if of.column == column)
            yield f"          {column}: {{{ends}}}"
