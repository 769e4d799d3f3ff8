"""Which rows of a shard are asked for, by columns alone: the stage they passed, and bounds.

The trainer reads these rows, and ``beam export`` writes them.
"""

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from difflib import get_close_matches
from functools import reduce
from typing import Annotated, Any, Self

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field, model_validator

from curation import storage
from curation.failures.errors import UsageError
from curation.strict_yaml import bind, reading

NO_STAGE, OTHER_STAGE = "without a stage", "of an earlier stage"
_RECORD = "run.json"  # of `beam run`, beside its folder of shards
Mask = NDArray[np.bool_]
Value = bool | int | float | str


class Bound(BaseModel):
    """What a column must be: at least ``min``, at most ``max`` (numbers), or one of ``in``."""

    model_config = ConfigDict(frozen=True, extra="forbid", serialize_by_alias=True)

    min: float | None = None
    max: float | None = None
    among: Annotated[tuple[Value, ...] | None, Field(alias="in", min_length=1)] = None

    @model_validator(mode="after")
    def _says_something(self) -> Self:
        if (self.min, self.max, self.among) == (None, None, None):
            raise ValueError("expected min, max or in")
        return self


@dataclass(frozen=True)
class Asked:
    """Rows that passed ``stage`` or a deeper one (any where it is empty), within the bounds of
    ``where``; a null is outside every bound. The other two are what messages call them.
    """

    stage: str = ""
    where: Mapping[str, Bound] = field(default_factory=dict)
    stage_name: str = "--stage"
    where_name: str = "--where"

    @property
    def outside(self) -> str:
        """The reason of rows that are not within the bounds."""
        return f"outside {self.where_name}"


EVERY = Asked()


def bounds(texts: Iterable[str]) -> dict[str, Bound]:
    """What ``--where`` says, each a mapping in strict YAML. Raises ``ConfigurationError``."""
    where: dict[str, Bound] = {}
    for text in texts:
        document = reading.parse(text.encode("utf-8", "replace"), "--where")
        if not isinstance(document.value, Mapping):
            document.fail(
                (), f"expected bounds by column, as 'width: {{min: 512}}', found {text!r}"
            )
        for name, bound in bind(document, dict[str, Bound]).items():
            if name in where:
                document.fail((name,), f"{name!r}: bounded twice; say it once, as 'min' and 'max'")
            where[name] = bound
    return where


@dataclass(frozen=True)
class Selection:
    """What is asked of the rows of one shard. ``stages`` are those taken, None for any."""

    path: str
    asked: Asked
    stages: tuple[str, ...] | None
    ordered: bool  # whether a run.json says which stage is deeper

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns that are looked at."""
        return (*(("stage",) if self.stages else ()), *self.asked.where)

    def mask(self, batch: pa.RecordBatch) -> Mask:
        """Which rows (N,) of a batch are taken. Raises as ``masks`` does."""
        every = np.ones(batch.num_rows, bool)
        return reduce(np.logical_and, (mask for _, mask in self.masks(batch)), every)

    def masks(self, batch: pa.RecordBatch) -> Iterator[tuple[str, Mask]]:
        """Which rows (N,) are so, condition by condition, with the reason of those that are not.

        Raises ``UsageError`` for a column of a kind that cannot be so bound, and for a stage of
        which nobody says whether it is deeper.
        """
        if self.stages:
            column = batch.column("stage")
            yield NO_STAGE, _mask(pc.is_valid(column))
            self._check_stages(column)
            yield OTHER_STAGE, _mask(pc.is_in(column, pa.array(self.stages, column.type)))
        for name, bound in self.asked.where.items():
            yield self.asked.outside, self._inside(batch.column(name), name, bound)

    def _check_stages(self, column: pa.Array) -> None:
        unknown = set(column.drop_null().to_pylist()) - set(self.stages or ())
        if unknown and not self.ordered:
            raise UsageError(
                f"{self.path}: {self.asked.stage_name} {self.asked.stage}: rows are of stage"
                f" {min(unknown)}, too, and there is no {_RECORD} beside the folder of shards to"
                " say which is deeper; put it there, or name all you want:"
                f" {self.asked.where_name}: {{stage: {{in: [...]}}}}"
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
        return f"{self.path}: {self.asked.where_name}.{name}"


def of_shard(path: str, names: list[str], asked: Asked) -> Selection:
    """What is asked of a shard with columns ``names``.

    Raises ``UsageError`` for a column that it lacks, and for a stage that its run had not.
    """
    check_columns(path, names, asked.stage_name, ("stage",) if asked.stage else ())
    check_columns(path, names, asked.where_name, asked.where)
    if not asked.stage:
        return Selection(path, asked, None, ordered=False)
    order = _stages(path)
    if not order:
        return Selection(path, asked, (asked.stage,), ordered=False)
    if asked.stage not in order:
        raise UsageError(
            f"{path}: {asked.stage_name} {asked.stage}: its run has the stages {', '.join(order)}"
        )
    return Selection(path, asked, tuple(order[order.index(asked.stage) :]), ordered=True)


def check_columns(path: str, names: list[str], setting: str, asked: Iterable[str]) -> None:
    """Refuse a column that a shard lacks. Raises ``UsageError`` with the nearest it has."""
    for name in asked:
        if name not in names:
            near = get_close_matches(name, names, n=1)
            hint = f"did you mean {near[0]!r}?" if near else f"expected one of {sorted(names)}"
            raise UsageError(f"{path}: {setting}: there is no column {name!r}: {hint}")


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
