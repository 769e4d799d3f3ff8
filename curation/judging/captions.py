"""Rules on captions, each judged on its own: a bad one falls, its image stays while any is left."""

from collections.abc import Iterator

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from curation.configuration.models import Bound, Pipeline
from curation.judging.rules import CAPTIONS, Check, Seen, numbers
from curation.signals import captions
from curation.signals.captions import SPLITS

Depths = dict[str, tuple[NDArray[np.int64], NDArray[np.int16]]]  # by split: row, stages passed


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
    """A measurement by whose values captions are counted: any has one for each."""
    return min(name for _, name in _ruled(pipeline))


def depths(table: pa.Table, pipeline: Pipeline) -> Depths:
    """How many stages each caption passes by the rules on captions."""
    result: Depths = {}
    counting = _counting(pipeline)
    for split in SPLITS:
        lists = _lists(table, split, counting)
        row = np.repeat(np.arange(table.num_rows), _counts(lists))
        passing, depth = np.ones(len(row), np.bool_), np.zeros(len(row), np.int16)
        for number, stage in enumerate(pipeline.stages):
            for name, bound in (stage.captions or {}).get(split, {}).items():
                passing &= _passing(_lists(table, split, name).flatten(), bound)
            depth[passing] = number + 1
        result[split] = row, depth
    return result


def _passing(values: pa.Array, bound: Bound) -> NDArray[np.bool_]:
    """Which of the captions' values (N) lie within a bound."""
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
    """A check of which rows have a caption left, of those (N) that ever had one: 1, else 0."""
    had, left = np.zeros(rows, np.bool_), np.zeros(rows, np.bool_)
    for row, depth in of.values():
        had[row] = True
        left[row[depth > check.stage]] = True
    return numbers(check, (left | ~had).astype(np.float64))


def stages(of: Depths, pipeline: Pipeline, rows: int) -> pa.Table:
    """By split the deepest stage that each caption of N rows passes; null where it passes none."""
    names = pa.array([None, *(stage.name for stage in pipeline.stages)], pa.string())
    return pa.table(
        {
            stage_column(split): pa.ListArray.from_arrays(
                pa.array(np.searchsorted(row, np.arange(rows + 1)), pa.int32()), names.take(depth)
            )
            for split, (row, depth) in of.items()
        }
    )


def stage_column(split: str) -> str:
    """The column that says which stages captions passed."""
    return f"{CAPTIONS}_{split}_stage"
