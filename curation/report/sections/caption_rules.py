"""Which rule stopped each caption of a unit, and with which value."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from curation.configuration.models import Bound
from curation.judging import captions as judged
from curation.report import text
from curation.report.sections.section import Known
from curation.signals import captions

Value = float | str | None


@dataclass(frozen=True)
class CaptionRule:
    """A bound on the captions of a split at a stage, the ``place``-th from 0."""

    split: str
    stage: str
    place: int
    name: str
    bound: Bound

    @property
    def column(self) -> str:
        """The measured column with a value for each caption."""
        return captions.column(self.split, self.name)

    def limit(self) -> str:
        """What values are held against, in words."""
        if self.bound.among is not None:
            return f"expected {', '.join(map(str, self.bound.among))}"
        ends = (("at least", self.bound.min), ("at most", self.bound.max))
        return " and ".join(f"{word} {text.figure(end)}" for word, end in ends if end is not None)


@dataclass(frozen=True)
class Fate:
    """What became of a caption: the deepest stage it passes, and what stopped it after that."""

    stage: str | None
    rule: CaptionRule | None = None
    value: Value = None


@dataclass(frozen=True)
class Fates:
    """Of N captions: their rows, how many stages they pass, the rules that stop them (-1: none)
    and the values of those.
    """

    rows: NDArray[np.int64]
    depth: NDArray[np.int64]
    rule: NDArray[np.int64]
    values: Mapping[int, pa.Array]  # (N,) by rule


def rules(known: Known) -> list[CaptionRule]:
    """All rules on captions whose columns are measured, in the order of stages."""
    return [
        rule
        for place, (stage, entry) in enumerate(known.stages.items())
        for split, bounds in (entry.get("captions") or {}).items()
        for name, limits in bounds.items()
        if known.has((rule := _rule(split, stage, place, name, limits)).column)
    ]


def _rule(
    split: str, stage: str, place: int, name: str, limits: Mapping[str, object]
) -> CaptionRule:
    return CaptionRule(split, stage, place, name, Bound.model_validate(limits, strict=False))


def fates(
    split: str, rules_of: Sequence[CaptionRule], stages: Sequence[str],
    signals: pa.Table, groups: pa.Table,
) -> Fates:  # fmt: skip
    """What became of the captions of a split in a unit's rows."""
    lists = _plain(groups.column(captions.stage_column(split)))
    counts = np.asarray(pc.fill_null(pc.list_value_length(lists), 0), np.int64)
    flat = pc.list_flatten(lists)
    order = pa.array(stages, pa.string())
    depth = np.asarray(pc.fill_null(pc.index_in(flat, value_set=order), -1), np.int64) + 1
    stopped, values = np.full(len(depth), -1), {}
    for number, rule in enumerate(rules_of):
        if rule.split != split:
            continue
        of_rule = _values(signals.column(rule.column), counts)
        values[number] = of_rule
        if not pa.types.is_null(of_rule.type):
            beyond = ~judged.passes(of_rule, rule.bound) & np.asarray(of_rule.is_valid())
            stopped[(depth == rule.place) & beyond & (stopped < 0)] = number
    return Fates(np.repeat(np.arange(len(counts)), counts), depth, stopped, values)


def of_row(
    of: Fates, row: int, rules_of: Sequence[CaptionRule], stages: Sequence[str], image: str
) -> Iterator[Fate]:
    """What became of a row's captions, which pass no deeper stage than their ``image``."""
    deepest = stages.index(image) + 1 if image in stages else len(stages)
    first, last = np.searchsorted(of.rows, [row, row + 1]).tolist()
    for place in range(first, last):
        depth, number = min(int(of.depth[place]), deepest), int(of.rule[place])
        stage = stages[depth - 1] if depth else None
        if number < 0:
            yield Fate(stage)
        else:
            yield Fate(stage, rules_of[number], of.values[number][place].as_py())


def _plain(column: pa.ChunkedArray) -> pa.Array:
    array = column.combine_chunks()
    return pa.concat_arrays(array.chunks) if isinstance(array, pa.ChunkedArray) else array


def _values(column: pa.ChunkedArray, counts: NDArray[np.int64]) -> pa.Array:
    """A value for each caption of rows that have ``counts`` of them; null where none is known."""
    if pa.types.is_null(column.type):
        return pa.nulls(int(counts.sum()))
    lists = _plain(column)
    known = np.asarray(pc.fill_null(pc.list_value_length(lists), -1), np.int64) == counts
    flat = pc.list_flatten(lists.filter(pa.array(known)))
    place = np.full(int(counts.sum()), -1)
    place[np.repeat(known, counts)] = np.arange(len(flat))
    return flat.take(pa.array(place, mask=place < 0))
