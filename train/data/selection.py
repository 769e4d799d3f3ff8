"""Which rows of a shard are asked for, by columns alone: stage, bounds and weights."""

import json
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from difflib import get_close_matches
from functools import reduce
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from curation import storage
from curation.failures.errors import UsageError
from train.configuration import Bound, DataConfiguration
from train.data.skipped import NO_STAGE, NO_WEIGHT, OTHER_STAGE, OUTSIDE

_RECORD = "run.json"  # of `beam run`, beside its folder of shards
Note = Callable[[str, int], None]
Mask = NDArray[np.bool_]


@dataclass(frozen=True)
class Selection:
    """What is asked of the rows of one shard. ``stages`` are those taken, None for any."""

    path: str
    configuration: DataConfiguration
    stages: tuple[str, ...] | None
    ordered: bool  # whether a run.json says which stage is deeper

    @property
    def columns(self) -> list[str]:
        """The columns that are looked at."""
        stage = ["stage"] if self.stages else []
        return [*stage, *self.configuration.where, *self.configuration.weight]

    def rows(self, batch: pa.RecordBatch, note: Note) -> tuple[Mask, NDArray[np.float32]]:
        """Which rows (N,) of a batch are taken, and their weights (N,).

        Every row left out is noted with its reason. Raises ``UsageError`` for a column of a kind
        that cannot be so bound, for a weight that is negative or no finite number, and for a stage
        of which nobody says whether it is deeper.
        """
        taken = np.ones(batch.num_rows, bool)
        for reason, mask in self._masks(batch):
            note(reason, int((taken & ~mask).sum()))
            taken &= mask
        weights = self._weights(batch, taken)
        note(NO_WEIGHT, int((taken & ~(weights > 0)).sum()))
        return taken & (weights > 0), weights

    def _masks(self, batch: pa.RecordBatch) -> Iterable[tuple[str, Mask]]:
        if self.stages:
            column = batch.column("stage")
            yield NO_STAGE, _mask(pc.is_valid(column))
            self._check_stages(column)
            yield OTHER_STAGE, _mask(pc.is_in(column, pa.array(self.stages, column.type)))
        for name, bound in self.configuration.where.items():
            yield OUTSIDE, self._inside(batch.column(name), name, bound)

    def _check_stages(self, column: pa.Array) -> None:
        unknown = set(column.drop_null().to_pylist()) - set(self.stages or ())
        if unknown and not self.ordered:
            raise UsageError(
                f"{self.path}: data.stage {self.configuration.stage}: rows are of stage"
                f" {min(unknown)}, too, and there is no {_RECORD} beside the folder of shards to"
                " say which is deeper; put it there, or name all you want:"
                " data.where: {stage: {in: [...]}}"
            )

    def _inside(self, column: pa.Array, name: str, bound: Bound) -> Mask:
        kind, masks = column.type, []
        try:
            if bound.among is not None:
                masks.append(pc.is_in(column.drop_null(), pa.array(bound.among).cast(kind)))
            if bound.min is not None or bound.max is not None:
                if not (pa.types.is_integer(kind) or pa.types.is_floating(kind)):
                    raise UsageError(f"{self._place(name)}: min and max need numbers, not {kind}")
                numbers = column.drop_null().cast(pa.float64())
                low, high = bound.min, bound.max
                masks += [pc.greater_equal(numbers, low)] if low is not None else []
                masks += [pc.less_equal(numbers, high)] if high is not None else []
        except pa.ArrowException as error:
            raise UsageError(f"{self._place(name)}: in: the column is of {kind}: {error}") from None
        inside = np.zeros(len(column), bool)
        inside[_mask(pc.is_valid(column))] = reduce(np.logical_and, map(_mask, masks))
        return inside

    def _place(self, name: str) -> str:
        return f"{self.path}: data.where.{name}"

    def _weights(self, batch: pa.RecordBatch, taken: Mask) -> NDArray[np.float32]:
        weights = np.ones(batch.num_rows)
        for name in self.configuration.weight:
            column = batch.column(name)
            if not (pa.types.is_integer(column.type) or pa.types.is_floating(column.type)):
                raise UsageError(
                    f"{self.path}: data.weight {name}: expected numbers, not {column.type}"
                )
            values = column.cast(pa.float64()).fill_null(1).to_numpy(zero_copy_only=False)
            if (bad := values[taken & ~((values >= 0) & np.isfinite(values))]).size:
                raise UsageError(
                    f"{self.path}: data.weight {name}: expected numbers from 0 up, not {bad[0]}"
                )
            weights *= values
        return weights.astype(np.float32)


def of_shard(path: str, names: list[str], configuration: DataConfiguration) -> Selection:
    """What is asked of a shard with columns ``names``.

    Raises ``UsageError`` for a column that it lacks, and for a stage that its run had not.
    """
    stage = ("stage",) if configuration.stage else ()
    asked = {
        "data.stage": stage,
        "data.where": configuration.where,
        "data.weight": configuration.weight,
    }
    for setting, columns in asked.items():
        for name in columns:
            if name not in names:
                near = get_close_matches(name, names, n=1)
                hint = f"did you mean {near[0]!r}?" if near else f"expected one of {sorted(names)}"
                raise UsageError(f"{path}: {setting}: there is no column {name!r}: {hint}")
    if not configuration.stage:
        return Selection(path, configuration, None, ordered=False)
    order = _stages(path)
    if not order:
        return Selection(path, configuration, (configuration.stage,), ordered=False)
    if configuration.stage not in order:
        raise UsageError(
            f"{path}: data.stage {configuration.stage}: its run has the stages {', '.join(order)}"
        )
    deep = order[order.index(configuration.stage) :]
    return Selection(path, configuration, tuple(deep), ordered=True)


def _stages(path: str) -> list[str]:
    """The stages of the run that wrote a shard, in order; empty where nothing says them."""
    folder = path[: -len(storage.name_of(path))].rstrip("/")
    above = (folder[: -len(storage.name_of(folder))] or ".") if folder else ".."
    record = storage.join(above, _RECORD)
    if not storage.exists(record):
        return []
    try:
        content: Any = json.loads(storage.read_bytes(record))
        return list(content["configuration"]["stages"])
    except (ValueError, LookupError, TypeError) as error:
        raise UsageError(f"{record}: not what `beam run` writes ({error})") from None


def _mask(column: pa.Array) -> Mask:
    return np.asarray(column.to_numpy(zero_copy_only=False), bool)
