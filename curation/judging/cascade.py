"""A row's way through the models: which are to look at it next, by bounds on its own columns alone.

Within one read of an image model follows model, as long as what decides between them is a rule on
this row. What depends on others, copies and quotas, is judged anew between rounds.
"""

from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from curation.judging.verdicts import Judge
from curation.measuring.chosen import Chosen
from curation.measuring.models import Seen
from curation.measuring.pending import Pending, Waiting
from curation.output import input_columns
from curation.output.measured import CONTENT, LOOKED, PROBLEM, UNMEASURABLE
from curation.signals.signal import CAPTIONS, Signal


class Cascade:
    """The rows of a unit that wait for models: ``base`` are all its N rows with all columns that
    models read, ``wanted`` the rows by model that are to be looked at first.
    """

    def __init__(self, judge: Judge, chosen: Chosen, unit: str, waiting: Waiting) -> None:
        self._judge, self._limits = judge, waiting.limits
        self._models: dict[str, Signal] = {
            entry.name: entry for entry in chosen.signals if entry.name in chosen.models
        }
        read = {name for entry in self._models.values() for name in entry.reads}
        self._table = judge.rows(unit, ["uri", *CONTENT, *sorted(read - {CAPTIONS})])
        self._waiting = waiting

    @cached_property
    def base(self) -> pa.Table:
        """All rows, without what says which models looked."""
        flags = [name for name in self._table.column_names if name.startswith(LOOKED)]
        return self._table.drop_columns(flags)

    @cached_property
    def wanted(self) -> dict[str, np.ndarray[Any, np.dtype[np.int64]]]:
        """What is not seen yet of what was pending, as by a process that was killed meanwhile."""
        rows = {name: set(of) for name, of in self.following(self._waiting.every, {}).items()}
        for name, of in self._waiting.rows.items():
            looked = np.asarray(self._table.column(LOOKED + name), np.bool_)
            rows.setdefault(name, set()).update(row for row in of if not looked[row])
        return {name: np.array(sorted(of), np.int64) for name, of in rows.items() if of}

    def following(self, rows: Sequence[int], seen: Seen) -> Pending:
        """Which models are to look at these rows next, by what was seen of them meanwhile."""
        table = self._table.take(pa.array(rows, pa.int64()))
        for name, values in seen.items():
            table = _with_seen(table, self._models[name], [values.get(row) for row in rows])
        end = len(self._judge.ordered)
        limits = np.array([self._limits.get(row, end) for row in rows], np.int64)
        following = self._judge.following(table, limits)
        return {name: [rows[place] for place in of] for name, of in following.items()}


def _with_seen(
    table: pa.Table, entry: Signal, values: Sequence[Mapping[str, Any] | None]
) -> pa.Table:
    """The rows with what a model saw of those (N) that it looked at."""
    looked = pa.array([of is not None for of in values])
    for name, column in entry.columns.items():
        if name in table.column_names:
            fresh = pa.array([of and of.get(name) for of in values], column.type)
            before = table.column(name).cast(column.type)
            table = _replaced(table, name, pc.if_else(looked, fresh, before))
        if column.fills and column.fills in table.column_names:
            own = table.column(column.fills)
            fresh = pa.array([of and of.get(name) for of in values], own.type)
            table = _replaced(table, column.fills, pc.coalesce(own, fresh))
        if (of_inputs := input_columns.column(name)) in table.column_names:
            fresh = pa.array([_of_inputs(of, name) for of in values], pa.list_(column.type))
            before = table.column(of_inputs).cast(fresh.type)
            table = _replaced(table, of_inputs, pc.if_else(looked, fresh, before))
    flag = LOOKED + entry.name
    table = _replaced(table, flag, pc.or_(looked, table.column(flag)))
    failed = pa.array([UNMEASURABLE if of and of.get(PROBLEM) else None for of in values])
    reasons = pc.coalesce(table.column("reason"), failed.cast(pa.string()))
    return _replaced(table, "reason", reasons)


def _of_inputs(values: Mapping[str, Any] | None, name: str) -> list[Any] | None:
    """What a model saw of the inputs of an edit."""
    inputs = values.get(input_columns.INPUTS) if values else None
    return None if inputs is None else [of.get(name) for of in inputs]


def _replaced(table: pa.Table, name: str, column: pa.ChunkedArray) -> pa.Table:
    return table.set_column(table.schema.get_field_index(name), name, column)
