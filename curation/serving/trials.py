"""Moved bounds: what would be kept, by the same judging as a run's, and which rows change places.

A bound goes by stage, column and side: ``s2.clarity.min``, ``s3.caption_raw.tokens.max``, and
``s3.format.in`` of a list of what values may be. No stage may ask less than one before it: where a
moved bound would have it so, the other's moves along, as a configuration would have to say it.
"""

import json
import threading
from collections import OrderedDict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

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
from curation.output import column_files, joined
from curation.output.joined import Joined
from curation.report import outcome
from curation.report.outcome import Bound as Ruled
from curation.serving import categories
from curation.serving.categories import Category
from curation.serving.run_rows import Rows
from curation.strict_yaml import expected_one_of

Mask = NDArray[np.bool_]
Value = float | tuple[Category, ...]  # what a bound is moved to
Moved = tuple[tuple[str, Value], ...]  # bounds by their names, sorted
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
            if not bound.quota and bound.column != CAPTIONS
        }
        self.bounds |= {name_of(bound): bound for bound in outcome.caption_bounds(rows.run)}
        self._blocks = joined.blocks(rows.units, rows.starts)
        self._joined: Joined | None = None
        self._known: OrderedDict[Moved, Trial] = OrderedDict()
        self._guard = threading.Lock()

    @cached_property
    def pipeline(self) -> Pipeline:
        """That of the run. Raises ``ConfigurationError``."""
        run = self._rows.run
        configuration = run.get("configuration", {})
        return loading.of_run(self._rows.layout.run, str(run.get("pipeline")), configuration)

    def parsed(self, text: str) -> Moved:
        """Moved bounds as a link says them: ``s2.clarity.min:0.3,s3.format.in:JPEG|PNG``.

        Raises ``UsageError``.
        """
        moved: dict[str, Value] = {}
        for part in filter(None, text.split(",")):
            name, _, value = part.partition(":")
            if name not in self.bounds:
                known = expected_one_of(name, self.bounds)
                raise UsageError(f"no bound {name[:80]!r}: {known}")
            bound = self.bounds[name]
            if bound.side == "in":
                of = self._rows.described.get(bound.column)
                kind = self._rows.types.get(bound.column)
                moved[name] = categories.parsed(bound, value, kind, of.categories if of else ())
            else:
                moved[name] = _number(name, value)
        here = (name for name, of in moved.items() if of != configured(self.bounds[name]))
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
        every = along(self.bounds, dict(moved))
        pipeline = with_bounds(self.pipeline, self.bounds, every)
        chosen: Chosen = choosing.chosen(pipeline)
        judge = verdicts.Judge(
            self._rows.output, pipeline, chosen, hold=True, measured=self._held(chosen)
        )
        changed: dict[str, Changed] = {}
        comparison = rejudge.compared(
            self._rows.run, judge, lambda of: changed.update({of.unit: of}), self._kept
        )
        rows = {which: self._of_blocks(changed, which) for which in CHANGES}
        return Trial(tuple(sorted(every.items())), comparison, rows)

    def _held(self, chosen: Chosen) -> Joined:
        """The run's columns in blocks, which stay in memory from trial to trial."""
        measured = chosen.measured(self._rows.layout)
        if self._joined is None or self._joined.as_json() != measured.as_json():
            self._joined = Joined.of(measured, self._blocks)
        return self._joined

    def _kept(self, block: str) -> Mask:
        units = self._rows.units
        first = units.index(block)
        start, end = self._rows.starts[[first, first + len(self._blocks[block])]].tolist()
        stored = self._rows.column("verdict").slice(start, end - start)
        return column_files.equals(stored, "kept")

    def _of_blocks(self, changed: Mapping[str, Changed], which: str) -> Mask:
        parts: list[Mask] = [getattr(changed[block], which) for block in self._blocks]
        return np.concatenate([np.zeros(0, np.bool_), *parts])


def name_of(bound: Ruled) -> str:
    """What a bound is called in links."""
    return f"{bound.stage}.{bound.rule}"


def configured(bound: Ruled) -> Value:
    """Where a bound stands in the run."""
    return bound.among if bound.side == "in" else bound.bound


def _number(name: str, text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = np.nan
    if not np.isfinite(value):
        raise UsageError(f"{name}: expected a number, not {text[:40]!r}")
    return value


def said(moved: Moved) -> str:
    """Moved bounds as links say them."""
    return ",".join(
        f"{name}:{categories.said(of) if isinstance(of, tuple) else repr(of)}" for name, of in moved
    )


def along(bounds: Mapping[str, Ruled], moved: Mapping[str, Value]) -> dict[str, Value]:
    """The moved bounds, those of earlier stages that would ask more than a moved one, and those of
    later stages that would ask less.

    Raises ``UsageError`` where a later stage would let nothing pass.
    """
    every = _before(bounds, moved)
    for name, later in bounds.items():
        for before, earlier in bounds.items():
            if before == name:
                break
            if before in every and (earlier.column, earlier.side) == (later.column, later.side):
                own, least = every.get(name, configured(later)), every[before]
                if isinstance(own, tuple) and isinstance(least, tuple):
                    value: Value = categories.narrowed(name, own, least)
                else:
                    value = _tightened(later, float(own), float(least) / earlier.scale)  # type: ignore[arg-type]
                if value != own:
                    every[name] = value
            here = earlier.stage == later.stage  # which ``with_bounds`` sees to
            if (
                not here
                and {before, name} & every.keys()
                and _contradict(bounds, every, before, name)
            ):
                raise UsageError(f"{before} and {name}: no value can pass; move one of them back")
    return every


def _before(bounds: Mapping[str, Ruled], moved: Mapping[str, Value]) -> dict[str, Value]:
    """The moved bounds, and those of stages before them that did not move and ask more."""
    every = dict(moved)
    for name, wanted in moved.items():
        later = bounds[name]
        for before, earlier in bounds.items():
            if before == name:
                break
            alike = (earlier.column, earlier.side) == (later.column, later.side)
            if before in moved or not alike:
                continue
            own = every.get(before, configured(earlier))
            if isinstance(own, tuple) and isinstance(wanted, tuple):
                value: Value = *own, *(of for of in wanted if of not in own)
            else:
                most = float(wanted) / later.scale  # type: ignore[arg-type]
                value = _loosened(earlier, float(own), most)  # type: ignore[arg-type]
            if value != own:
                every[before] = value
    return every


def _contradict(
    bounds: Mapping[str, Ruled], every: Mapping[str, Value], before: str, name: str
) -> bool:
    """Whether one asks for more than the other for less of the same column."""
    two = {bounds[of].side: of for of in (before, name)}
    if bounds[before].column != bounds[name].column or two.keys() != {"min", "max"}:
        return False
    least, most = (
        float(every.get(two[side], bounds[two[side]].bound)) / bounds[two[side]].scale  # type: ignore[arg-type]
        for side in ("min", "max")
    )
    return least > most


def _loosened(earlier: Ruled, own: float, most: float) -> float:
    """A bound that stands at ``own``, or where it asks what a later stage asks per side."""
    sign = 1 if earlier.side == "min" else -1
    if sign * own / earlier.scale <= sign * most:
        return own
    value = most * earlier.scale
    if sign * value / earlier.scale > sign * most:  # rounded to ask a little more
        value = float(np.nextafter(value, -sign * np.inf))
    return value


def _tightened(later: Ruled, own: float, least: float) -> float:
    """A bound that stands at ``own``, or where it asks what an earlier stage asks per side."""
    sign = 1 if later.side == "min" else -1
    if sign * least <= sign * own / later.scale:
        return own
    value = least * later.scale
    if sign * value / later.scale < sign * least:  # rounded to ask a little less
        value = float(np.nextafter(value, sign * np.inf))
    return value


def with_bounds(
    pipeline: Pipeline, bounds: Mapping[str, Ruled], moved: Mapping[str, Value]
) -> Pipeline:
    """The pipeline with these bounds. Raises ``UsageError`` where no value can pass."""
    stages = tuple(_stage(stage, bounds, moved) for stage in pipeline.stages)
    return pipeline.model_copy(update={"stages": stages})


def _stage(stage: Stage, bounds: Mapping[str, Ruled], moved: Mapping[str, Value]) -> Stage:
    own = dict(stage.bounds)
    of_captions = {split: dict(of) for split, of in (stage.captions or {}).items()}
    for name, value in moved.items():
        bound = bounds[name]
        if bound.stage == stage.name:
            split, column = _of_caption(bound)
            held = of_captions[split] if split else own
            held[column] = _moved(stage.name, bound, held[column], value)
    return stage.model_copy(update={"bounds": own, "captions": of_captions or None})


def _of_caption(bound: Ruled) -> tuple[str, str]:
    """The split and the name of a rule on captions; the split of another is blank."""
    start, dot, name = bound.column.partition(".")
    return (start.removeprefix("caption_"), name) if dot else ("", bound.column)


def _moved(stage: str, bound: Ruled, before: Bound, value: Value) -> Bound:
    if isinstance(value, tuple):
        return Bound(among=value)
    least = value if bound.side == "min" else before.min
    most = value if bound.side == "max" else before.max
    if least is not None and most is not None and least > most:
        raise UsageError(
            f"{stage}: {bound.column} at least {least:g} and at most {most:g}: no "
            "value can pass; move one of them back"
        )
    return Bound(min=least, max=most)


def as_yaml(name: str, bounds: Mapping[str, Ruled], moved: Moved) -> Iterator[str]:
    """Lines of a configuration that extends the pipeline ``name`` by the moved bounds."""
    yield "pipelines:"
    yield "  moved:"
    yield f"    extends: {name}"
    yield "    stages:"
    for stage in dict.fromkeys(bounds[of].stage for of, _ in moved):
        yield f"      {stage}:"
        own = [(bounds[of], value) for of, value in moved if bounds[of].stage == stage]
        splits = dict.fromkeys(_of_caption(of)[0] for of, _ in own)
        if "" in splits:
            yield "        bounds:"
            yield from _columns_as_yaml(own, "", " " * 10)
        if splits.keys() - {""}:
            yield "        captions:"
        for split in filter(None, splits):
            yield f"          {split}:"
            yield from _columns_as_yaml(own, split, " " * 12)


def _columns_as_yaml(own: Sequence[tuple[Ruled, Value]], split: str, space: str) -> Iterator[str]:
    by_column: dict[str, list[str]] = {}
    for bound, value in own:
        of_split, column = _of_caption(bound)
        if of_split == split:
            shown = json.dumps(value, ensure_ascii=False) if bound.side == "in" else repr(value)
            by_column.setdefault(column, []).append(f"{bound.side}: {shown}")
    for column, ends in by_column.items():
        yield f"{space}{column}: {{{', '.join(ends)}}}"
