"""Rules on captions, each judged on its own: a bad one falls, its image stays while any is left.

Captions that a model wrote are judged by what it measured of them; rules on texts are of those that
the source said.
"""

from collections.abc import Iterator
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from curation.configuration.models import Bound, Pipeline
from curation.judging.rules import CAPTIONS, Check, Seen, numbers
from curation.signals import captions
from curation.signals.captions import SPLITS

Mask = NDArray[np.bool_]
WRITTEN = frozenset({"recaption", "fused"})  # splits that models write
# By split, for each caption: its row, the stages it passes, and how many it may if what models have
# no value of passes; and which rows wait for a model to write any, from which stage on.
Depths = dict[str, tuple[NDArray[np.int64], NDArray[np.int16], NDArray[np.int16], tuple[Mask, int]]]


def columns(pipeline: Pipeline) -> list[str]:
    """The measured columns that the rules read; none without rules."""
    if not any(stage.captions for stage in pipeline.stages):
        return []
    ruled = set(_ruled(pipeline))
    counting = {(split, _counting(pipeline)) for split in SPLITS}
    return [captions.column(*of) for of in sorted(ruled | counting)]


def _ruled(pipeline: Pipeline) -> Iterator[tuple[str, str]]:
    for stage in pipeline.stages:
        for split, signals in (stage.captions or {}).items():
            for name in signals:
                yield split, name


def _counting(pipeline: Pipeline) -> str:
    """A measurement of texts by whose values captions are counted: any has one for each."""
    owners = captions.owners()
    named = (name for _, name in _ruled(pipeline) if name in owners)
    return min(named, default=captions.COUNTING)


def depths(table: pa.Table, pipeline: Pipeline) -> Depths:
    """How many stages each caption passes by the rules on captions."""
    result: Depths = {}
    counting, owners = _counting(pipeline), captions.owners()
    for split in SPLITS:
        said = _counts(_lists(table, split, counting))
        written, unwritten = _written(table, pipeline, split)
        counts = np.where(said, said, written)
        is_said = np.repeat(said > 0, counts)
        row = np.repeat(np.arange(table.num_rows), counts)
        passing, possible = np.ones((2, len(row)), np.bool_)
        depth, deepest = np.zeros((2, len(row)), np.int16)
        for number, stage in enumerate(pipeline.stages):
            for name, bound in (stage.captions or {}).get(split, {}).items():
                if name in owners:
                    within, unknown = np.ones(len(row), np.bool_), np.zeros(len(row), np.bool_)
                    within[is_said] = passes(_lists(table, split, name).flatten(), bound)
                else:
                    values = _of_model(table.column(captions.column(split, name)), counts)
                    within, unknown = passes(values, bound), np.isnan(values)
                passing &= within
                possible &= within | unknown
            depth[passing], deepest[possible] = number + 1, number + 1
        waiting = unwritten & (said == 0), _first_stage(pipeline, split)
        result[split] = row, depth, deepest, waiting
    return result


def _written(table: pa.Table, pipeline: Pipeline, split: str) -> tuple[NDArray[np.int64], Mask]:
    """How many captions of a split a model wrote of each row (N,): as many as it has values of.

    And of which rows (N,) it has none yet, where it writes any.
    """
    written, unwritten = np.zeros(table.num_rows, np.int64), np.zeros(table.num_rows, np.bool_)
    owners = captions.owners()
    for of, name in _ruled(pipeline) if split in WRITTEN else ():
        if of == split and name not in owners:
            column = table.column(captions.column(split, name))
            if pa.types.is_null(column.type):
                unwritten[:] = True
                continue
            lengths = np.asarray(pc.fill_null(pc.list_value_length(column), -1), np.int64)
            written, unwritten = np.maximum(written, lengths), unwritten | (lengths < 0)
    return written, unwritten


def _first_stage(pipeline: Pipeline, split: str) -> int:
    """The first stage with rules on the captions of a split."""
    stages = (n for n, of in enumerate(pipeline.stages) if split in (of.captions or {}))
    return next(stages, len(pipeline.stages))


def _of_model(column: pa.ChunkedArray, counts: NDArray[np.int64]) -> NDArray[np.float64]:
    """A model's values of all captions, of which rows have ``counts`` (N,); NaN without a look."""
    values = np.full(counts.sum(), np.nan)
    if pa.types.is_null(column.type):
        return values
    known = np.asarray(pc.fill_null(pc.list_value_length(column), -1), np.int64) == counts
    lists = column.filter(pa.array(known))
    flat = np.asarray(pc.list_flatten(lists).cast(pa.float64()), np.float64)
    values[np.repeat(known, counts)] = flat
    return values


def passes(values: Any, bound: Bound) -> NDArray[np.bool_]:
    """Which of the captions' values (N), of Arrow where they are text, lie within a bound."""
    if bound.among is not None:
        among = pc.is_in(values, pa.array(bound.among, values.type))
        return np.asarray(among.to_numpy(zero_copy_only=False), np.bool_)
    numbers = np.asarray(values, np.float64)
    low = -np.inf if bound.min is None else bound.min
    high = np.inf if bound.max is None else bound.max
    return (numbers >= low) & (numbers <= high)


def _lists(table: pa.Table, split: str, name: str) -> pa.ListArray:
    column = table.column(captions.column(split, name)).combine_chunks()
    return pa.concat_arrays(column.chunks) if isinstance(column, pa.ChunkedArray) else column


def _counts(lists: pa.ListArray) -> NDArray[np.int64]:
    return np.asarray(lists.value_lengths().fill_null(0), np.int64)


def seen(check: Check, of: Depths, rows: int) -> Seen:
    """A check of which rows have a caption left, of those (N) that ever had one: 1, else 0.

    Null where that depends on what a model has no value of, or has yet to write.
    """
    had, left, possible, waiting = np.zeros((4, rows), np.bool_)
    for row, depth, deepest, (unwritten, since) in of.values():
        waiting |= unwritten & (check.stage >= since)
        had[row] = True
        left[row[depth > check.stage]] = True
        possible[row[deepest > check.stage]] = True
    values = (left | ~had).astype(np.float64)
    values[(possible & ~left) | waiting] = np.nan
    return numbers(check, values)


def stages(of: Depths, pipeline: Pipeline, rows: int) -> pa.Table:
    """By split the deepest stage that each caption of N rows passes; null where it passes none."""
    names = pa.array([None, *(stage.name for stage in pipeline.stages)], pa.string())
    return pa.table(
        {
            stage_column(split): pa.ListArray.from_arrays(
                pa.array(np.searchsorted(row, np.arange(rows + 1)), pa.int32()), names.take(depth)
            )
            for split, (row, depth, *_) in of.items()
        }
    )


def stage_column(split: str) -> str:
    """The column that says which stages captions passed."""
    return f"{CAPTIONS}_{split}_stage"
