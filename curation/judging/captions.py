"""Rules on captions, each judged on its own: a bad one falls, its image stays while any is left.

Captions that a model wrote are judged by what it measured of them; rules on texts are of those that
the source said. What a source says of a split stands: a model's words are taken where it has none.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from curation.configuration.models import SIDES, Bound, Pipeline
from curation.judging.rules import Check, Seen, numbers
from curation.signals import captions
from curation.signals.captions import SPLITS

Mask = NDArray[np.bool_]
WRITTEN = ("recaption", "fused")  # splits that models write
ASKED = "recaption"  # of these what a model is asked for; a fused caption is made of one


@dataclass(frozen=True)
class Depths:
    """How deep the M captions of a split come by the rules on captions alone, row by row.

    ``row`` (M,) says whose they are, ``depth`` (M,) how many stages each passes, ``deepest`` (M,)
    how many it may if what models have no value of passes. ``stopped`` (M,) is the index of the
    rule that stops it, or -1; ``null`` (M,) are those that have no value there. ``unwritten`` (N,)
    are the rows of which a model is still to write any, which is asked for ``since`` a stage on.
    """

    row: NDArray[np.int64]
    depth: NDArray[np.int16]
    deepest: NDArray[np.int16]
    stopped: NDArray[np.int16]
    null: Mask
    unwritten: Mask
    since: int


BySplit = Mapping[str, Depths]


def columns(pipeline: Pipeline) -> list[str]:
    """The measured columns that the rules read; none without rules."""
    ruled = {rule.column for rule in ruling(pipeline)}
    return sorted(ruled | {captions.counted(split) for split in SPLITS}) if ruled else []


def ruling(pipeline: Pipeline) -> tuple[Check, ...]:
    """All rules on captions by stage, each of one side of a bound; the column names the split."""
    return tuple(_ruling(pipeline))


def _ruling(pipeline: Pipeline) -> Iterator[Check]:
    for number, stage in enumerate(pipeline.stages):
        for split, bounds in (stage.captions or {}).items():
            for name, bound in bounds.items():
                column = captions.column(split, name)
                if bound.among is not None:
                    yield Check(number, column, "in", np.nan, among=bound.among)
                for side in SIDES:
                    if (value := getattr(bound, side)) is not None:
                        yield Check(number, column, side, float(value))


def depths(table: pa.Table, pipeline: Pipeline, texts: bool = False) -> dict[str, Depths]:
    """How many stages the captions of N rows pass, by split.

    Of those that models wrote they are the ones with ruled values, or with ``texts`` all.
    """
    every = ruling(pipeline)
    result = {split: _depths(table, pipeline, every, split, texts) for split in SPLITS}
    said = np.asarray(table.column(captions.counted("fused")), np.int64)
    return result | {"fused": _with_recaption(result["fused"], result["recaption"], said > 0)}


def _depths(
    table: pa.Table, pipeline: Pipeline, every: tuple[Check, ...], split: str, texts: bool
) -> Depths:
    own = [(index, rule) for index, rule in enumerate(every) if _split_of(rule) == split]
    said = np.asarray(table.column(captions.counted(split)), np.int64)
    valued = {rule.column for _, rule in own if not is_of_texts(rule)}
    written, unwritten = _written(table, sorted(valued), split, texts)
    counts = np.where(said, said, written)
    is_said = np.repeat(said > 0, counts)
    row = np.repeat(np.arange(table.num_rows), counts)
    passing, possible = np.ones((2, len(row)), np.bool_)
    depth, deepest = np.zeros((2, len(row)), np.int16)
    stopped, null = np.full(len(row), -1, np.int16), np.zeros(len(row), np.bool_)
    for number in range(len(pipeline.stages)):
        for index, rule in ((index, rule) for index, rule in own if rule.stage == number):
            bound = _bound(rule)
            within, unknown = np.ones(len(row), np.bool_), np.zeros(len(row), np.bool_)
            if is_of_texts(rule):
                values = _flat(table, rule.column)
                within[is_said], unknown[is_said] = passes(values, bound), _is_null(values)
                possible &= within
            else:
                values = _of_model(table.column(rule.column), counts)
                within, unknown = passes(values, bound), _is_null(values)
                possible &= within | unknown
            here = passing & ~within
            stopped[here], null[here] = index, unknown[here]
            passing &= within
        depth[passing], deepest[possible] = number + 1, number + 1
    since = min((rule.stage for _, rule in own), default=len(pipeline.stages))
    return Depths(row, depth, deepest, stopped, null, unwritten & (said == 0), since)


def _with_recaption(fused: Depths, recaption: Depths, said: Mask) -> Depths:
    """A fused caption that a model wrote comes as deep as the recaption that it was made of.

    ``said`` are the rows (N,) whose fused captions the source has.
    """
    own = np.flatnonzero(~said[fused.row])
    of = np.searchsorted(recaption.row, fused.row[own])
    there = np.flatnonzero(of < len(recaption.row))
    own, of = own[there], of[there]
    falls = (recaption.row[of] == fused.row[own]) & (recaption.depth[of] < fused.depth[own])
    moved = {name: getattr(fused, name).copy() for name in ("depth", "deepest", "stopped", "null")}
    for name, values in moved.items():
        values[own[falls]] = getattr(recaption, name)[of[falls]]
    return replace(fused, **moved)


def _written(
    table: pa.Table, valued: list[str], split: str, texts: bool
) -> tuple[NDArray[np.int64], Mask]:
    """How many captions of a split a model wrote of each row (N,), and of which it has none yet.

    It has written as many as it has values of in the ``valued`` columns that rules read.
    """
    written, unwritten = np.zeros(table.num_rows, np.int64), np.zeros(table.num_rows, np.bool_)
    if split not in WRITTEN:
        return written, unwritten
    for column in valued:
        lengths = list_lengths(table.column(column))
        written, unwritten = np.maximum(written, lengths), unwritten | (lengths < 0)
    if texts and f"caption_{split}" in table.column_names:
        written = np.maximum(written, list_lengths(table.column(f"caption_{split}")))
    return written, unwritten


def _split_of(rule: Check) -> str:
    return rule.column.partition(".")[0].removeprefix("caption_")


def is_of_texts(rule: Check) -> bool:
    """Whether a rule is on what is measured of texts; else it is on what a model measures."""
    return rule.column.partition(".")[2] in captions.owners()


def list_lengths(column: pa.ChunkedArray) -> NDArray[np.int64]:
    """How long the lists of N rows are: (N,), -1 for null."""
    if pa.types.is_null(column.type):  # of a model that looked at no row yet
        return np.full(len(column), -1, np.int64)
    return np.asarray(pc.fill_null(pc.list_value_length(column), -1), np.int64)


def _of_model(column: pa.ChunkedArray, counts: NDArray[np.int64]) -> pa.Array:
    """A model's values of all captions, of which rows have ``counts`` (N,); NaN without a look."""
    values = np.full(counts.sum(), np.nan)
    known = list_lengths(column) == counts
    if known.any() and not pa.types.is_null(column.type):
        lists = column.filter(pa.array(known))
        flat = np.asarray(pc.list_flatten(lists).cast(pa.float64()), np.float64)
        values[np.repeat(known, counts)] = flat
    return pa.array(values)


def _flat(table: pa.Table, name: str) -> pa.Array:
    """What is measured of all captions that sources say, one after the other."""
    column = table.column(name).combine_chunks()
    lists = pa.concat_arrays(column.chunks) if isinstance(column, pa.ChunkedArray) else column
    return lists.flatten()


def passes(values: pa.Array, bound: Bound) -> Mask:
    """Which of the captions' values (M,) lie within a bound; no value does not."""
    if bound.among is not None:
        among = pc.is_in(values, pa.array(bound.among, values.type))
        return np.asarray(among.to_numpy(zero_copy_only=False), np.bool_)
    numbers = np.asarray(values.to_numpy(zero_copy_only=False), np.float64)
    low = -np.inf if bound.min is None else bound.min
    high = np.inf if bound.max is None else bound.max
    return (numbers >= low) & (numbers <= high)


def _bound(rule: Check) -> Bound:
    """The one side of a bound that a rule is."""
    if rule.side == "in":
        return Bound(among=rule.among)
    return Bound(min=rule.bound) if rule.side == "min" else Bound(max=rule.bound)


def _is_null(values: pa.Array) -> Mask:
    null = pc.is_null(values, nan_is_null=True)
    return np.asarray(null.to_numpy(zero_copy_only=False), np.bool_)


def seen(check: Check, of: BySplit, waits: NDArray[np.int64]) -> Seen:
    """A check of which rows have a caption left, of those (N) that ever had one: 1, else 0.

    Null where that depends on what a model has no value of, or has yet to write, and from the
    stage on from which a row ``waits`` (N,) for a model to look at any of its captions.
    """
    rows = len(waits)
    had, left, possible = np.zeros((3, rows), np.bool_)
    waiting = waits <= check.stage
    for own in of.values():
        waiting |= own.unwritten & (check.stage >= own.since)
        had[own.row] = True
        left[own.row[own.depth > check.stage]] = True
        possible[own.row[own.deepest > check.stage]] = True
    values = (left | ~had).astype(np.float64)
    values[(possible & ~left) | waiting] = np.nan
    return numbers(check, values)


def stages(of: BySplit, pipeline: Pipeline, rows: int) -> pa.Table:
    """By split the deepest stage that each caption of N rows passes; empty where it passes none."""
    names = pa.array(["", *(stage.name for stage in pipeline.stages)], pa.string())
    return pa.table(
        {
            captions.stage_column(split): pa.ListArray.from_arrays(
                pa.array(np.searchsorted(own.row, np.arange(rows + 1)), pa.int32()),
                names.take(pa.array(own.depth)),
            )
            for split, own in of.items()
        }
    )
