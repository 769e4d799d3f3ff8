"""What a run left in its output folder, read unit by unit.

A unit's measured columns and its ``ledger/<unit>.parquet`` are aligned row by row. Only the columns
asked for are read, one unit at a time, so a million rows cost the memory of one unit.
"""

import math
from collections.abc import Container, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from curation.configuration.models import SIDES, Side
from curation.judging.rules import CAPTIONS, Rule
from curation.output import column_files, finished
from curation.output.finished import REMEDY
from curation.output.layout import Layout
from curation.output.measured import Measured
from curation.report import text
from curation.signals import captions


@dataclass(frozen=True)
class Bound(Rule[str]):
    """A rule, by the name of its stage, and where that stands among the others.

    ``before`` is the stage before. ``deeper`` marks a stage after the one that a row must pass to
    be kept: there a rule holds a row back without dropping it, and the ledger names the stage
    before.
    """

    before: str | None = None
    deeper: bool = False

    @property
    def value(self) -> float:
        """The bound in the unit that is stored."""
        return self.bound / self.scale

    @property
    def limit(self) -> float | str:
        """What values are held against: a number in the unit of the rule, or a list of names."""
        return ", ".join(map(str, self.among)) if self.side == "in" else self.bound

    def said(self, unit: str) -> str:
        """What values are held against, as people write it; ``unit`` is that of the column."""
        if self.scale != 1:
            return f"{text.figure(self.bound)} px at {self.scale:g}"
        return text.figure(self.value, unit)

    def beyond(self, values: NDArray[np.float64]) -> NDArray[np.bool_]:
        """Which of (N,) values fail; NaN (not measured, or no number) does not."""
        if self.side == "in":
            return np.zeros(len(values), np.bool_)
        ruled = values if self.scale == 1 else values * self.scale
        result = ruled < self.bound if self.side == "min" else ruled > self.bound
        return np.asarray(result, np.bool_)


@dataclass(frozen=True)
class Unit:
    """The same rows of a unit's two files: ``signals`` and ``ledger``, of equal length."""

    name: str
    signals: pa.Table
    ledger: pa.Table

    def values(self, column: str) -> NDArray[np.float64]:
        """A numeric signal column as (N,) float64, NaN where null."""
        return column_files.as_float(self.signals.column(column))

    def readable(self) -> NDArray[np.bool_]:
        """(N,) bool: rows whose image decoded, so that rules apply to them."""
        return ~self.is_verdict("quarantined") | ~column_files.is_null(self.ledger.column("stage"))

    def is_verdict(self, verdict: str) -> NDArray[np.bool_]:
        """(N,) bool: rows with this verdict."""
        return equals(self.ledger.column("verdict"), verdict)


def equals(column: pa.ChunkedArray, value: str) -> NDArray[np.bool_]:
    """(N,) bool: where a string column has this value; null is False."""
    same = pc.fill_null(pc.equal(column, pa.scalar(value, pa.string())), False)
    return np.asarray(same.to_numpy(zero_copy_only=False), np.bool_)


def strings(column: pa.ChunkedArray, rows: Sequence[int] | NDArray[Any]) -> list[str | None]:
    """The given rows of a string column; bytes that are no UTF-8 become U+FFFD, never an error."""
    taken = column.take(pa.array(np.asarray(rows, np.int64))).cast(pa.binary())
    return [text.decode(value) for value in taken.to_pylist()]


def plain(column: pa.ChunkedArray) -> pa.ChunkedArray:
    """A string column whose bytes are valid UTF-8, which expressions are matched on."""
    try:
        for chunk in column.chunks:
            chunk.validate(full=True)
    except pa.ArrowInvalid:
        held = column.cast(pa.binary()).to_pylist()
        plain = [None if value is None else value.decode("utf-8", "replace") for value in held]
        return pa.chunked_array([pa.array(plain, pa.string())])
    return column


def stages(run: Mapping[str, Any]) -> dict[str, Mapping[str, Any]]:
    """The configured stages by name, in order."""
    configured = run.get("configuration", {}).get("stages", {})
    if isinstance(configured, list):
        return {str(entry.get("name")): entry for entry in configured}
    return dict(configured)


def bounds(run: Mapping[str, Any]) -> tuple[Bound, ...]:
    """Every bound of every stage, those of quotas included, in the order of the run's checks.

    Within a stage that is the order of its counts in ``run.json``; a bound without a count follows.
    """
    result: list[Bound] = []
    configuration = run.get("configuration", {})
    quotas: dict[str, Mapping[str, Any]] = {}
    before, deeper = None, False
    for stage, entry in stages(run).items():
        counted = list(run.get("counts", {}).get("stages", {}).get(stage, {}).get("dropped", {}))
        place = {rule: number for number, rule in enumerate(counted)}
        own = [
            bound
            for column, limits in entry.get("bounds", {}).items()
            for bound in _of_column(
                stage, before, deeper, column, limits, _scale(run, entry, column)
            )
        ]
        if entry.get("captions"):
            own.append(Bound(stage, CAPTIONS, "min", 1.0, before=before, deeper=deeper))
        result += sorted(own, key=lambda bound: place.get(bound.rule, len(place)))
        quotas |= {
            name: quota
            for name, quota in configuration.get("quotas", {}).items()
            if quota["since"] == stage
        }
        for name in (name for name in configuration.get("quotas", {}) if name in quotas):
            side: Side = "min" if "order" in quotas[name] else "max"
            result.append(Bound(stage, name, side, math.nan, 1.0, (), True, before, deeper))
        before, deeper = stage, deeper or stage == configuration.get("keep")
    return tuple(result)


def caption_bounds(run: Mapping[str, Any]) -> Iterator[Bound]:
    """Every bound on what is measured of captions, stage by stage; the column names the split."""
    before, deeper = None, False
    for stage, entry in stages(run).items():
        for split, named in (entry.get("captions") or {}).items():
            for name, limits in named.items():
                column = captions.column(split, name)
                yield from _of_column(stage, before, deeper, column, limits, 1.0)
        before, deeper = stage, deeper or stage == run.get("configuration", {}).get("keep")


def as_written(run: Mapping[str, Any], columns: Container[str]) -> tuple[str, ...]:
    """The columns that any stage bounds, in the order of the file."""
    named = (column for stage in stages(run).values() for column in stage.get("bounds", {}))
    return tuple(dict.fromkeys(column for column in named if column in columns))


def _scale(run: Mapping[str, Any], stage: Mapping[str, Any], column: str) -> float:
    return float(stage["resolution"]) if column in run.get("scaling", ()) else 1.0


def _of_column(
    stage: str,
    before: str | None,
    deeper: bool,
    column: str,
    limits: Mapping[str, Any],
    scale: float,
) -> Iterator[Bound]:
    if limits.get("in"):
        among = tuple(limits["in"])
        yield Bound(stage, column, "in", math.nan, 1.0, among, False, before, deeper)
    for side in SIDES:
        if limits.get(side) is not None:
            bound = float(limits[side])
            yield Bound(stage, column, side, bound, scale, before=before, deeper=deeper)


def unit_names(output: str) -> list[str]:
    """The units that have a ledger file, sorted."""
    return Layout(output).units("ledger")


def signal_schema(output: str) -> pa.Schema:
    """All measured columns, those of a model with its type where it looked at any row."""
    fields: dict[str, pa.Field] = {}
    measured = Measured.of_run(output, finished.read_run(output))
    for name in unit_names(output):
        for field in measured.schema(name):
            if field.name not in fields or pa.types.is_null(fields[field.name].type):
                fields[field.name] = field
        if not any(pa.types.is_null(field.type) for field in fields.values()):
            break
    return pa.schema([*fields.values()])


def read_units(
    output: str, signal_columns: Sequence[str], ledger_columns: Sequence[str]
) -> Iterator[Unit]:
    """Every unit with the named columns. Raises ``ColumnFileError``."""
    layout, names = Layout(output), unit_names(output)
    measured = Measured.of_run(output, finished.read_run(output)) if names else None
    for name in names:
        signals = measured.read(name, signal_columns) if measured else pa.table({})
        ledger = column_files.read(layout.ledger(name), ledger_columns)
        if signals.num_rows != ledger.num_rows and signal_columns:
            raise column_files.ColumnFileError(
                f"{layout.ledger(name)}: {ledger.num_rows} rows, but its signals have "
                f"{signals.num_rows}; {REMEDY}"
            )
        yield Unit(name, signals, ledger)


def numeric_columns(schema: pa.Schema) -> set[str]:
    """The columns of a schema that a bound can rule."""
    return {
        field.name
        for field in schema
        if pa.types.is_integer(field.type)
        or pa.types.is_floating(field.type)
        or pa.types.is_boolean(field.type)
    }
