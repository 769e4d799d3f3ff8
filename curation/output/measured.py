"""The measured columns of a run's units, whatever files they lie in.

A unit's base file ``signals/base-<digest>/<unit>.parquet`` has a row for every input: what is known
of it, and what ``file`` and ``pixel`` signals measured. What a signal measured of its captions lies
in ``signals/caption-<signal>-<digest>/<unit>.parquet``, with the same rows. What a model measured
lies in ``signals/<model>-<digest>/<unit>.parquet``, for those rows that it looked at. Such a file
names the rows of the base file it was written beside; should those be others by now, it is held
against them by content.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from functools import cached_property
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from curation import storage
from curation.output import column_files, input_columns
from curation.output.finished import REMEDY, OutcomeError
from curation.output.layout import Layout

LOOKED = "looked:"  # and a model's name: whether it looked at a row, also where it saw nothing
OWN = "own:"  # and a column that a model's fills: its values without that
ROWS = b"rows"  # metadata of both kinds of files: a digest of the base file's rows
PROBLEM = "problem"
UNMEASURABLE = "unmeasurable"
CONTENT = ("id", "source_digest")  # of a row: its image, and what its source says of it


@dataclass(frozen=True)
class ModelColumns:
    """Where a model's ``columns`` lie, and whether they depend on what is said as well; ``fills``
    are those that stand in for columns of the base file, by these.
    """

    folder: str
    columns: tuple[str, ...]
    captions: bool = False
    fills: Mapping[str, str] = field(default_factory=dict)

    @property
    def content(self) -> tuple[str, ...]:
        """The columns that say what was looked at."""
        return CONTENT if self.captions else CONTENT[:1]


@dataclass(frozen=True)
class CaptionColumns:
    """Where the ``columns`` of lists lie that a signal measured of captions."""

    folder: str
    columns: tuple[str, ...]


@dataclass(frozen=True)
class Measured:
    """The columns that ``base``, ``models`` and ``captions`` hold of a run's units.

    The latter two are by name of signal.
    """

    layout: Layout
    base: str
    models: Mapping[str, ModelColumns]
    captions: Mapping[str, CaptionColumns] = field(default_factory=dict)

    @cached_property
    def _model_of(self) -> dict[str, str]:
        return {column: name for name, of in self.models.items() for column in of.columns}

    @cached_property
    def _caption_signal_of(self) -> dict[str, str]:
        return {column: name for name, of in self.captions.items() for column in of.columns}

    def as_json(self) -> dict[str, Any]:
        """Plain data for ``from_json``."""
        return {
            "base": self.base,
            "models": {name: asdict(of) for name, of in self.models.items()},
            "captions": {name: asdict(of) for name, of in self.captions.items()},
        }

    @classmethod
    def from_json(cls, layout: Layout, data: Mapping[str, Any]) -> "Measured":
        """What ``as_json`` wrote. Raises ``LookupError``, ``TypeError``."""
        models = {
            name: ModelColumns(
                of["folder"], tuple(of["columns"]), of["captions"], of.get("fills", {})
            )
            for name, of in data["models"].items()
        }
        captions = {
            name: CaptionColumns(of["folder"], tuple(of["columns"]))
            for name, of in data["captions"].items()
        }
        return cls(layout, data["base"], models, captions)

    @classmethod
    def of_run(cls, output: str, run: Mapping[str, Any]) -> "Measured":
        """Where the columns of a finished run lie, by its ``run.json``. Raises ``OutcomeError``."""
        layout = Layout(output)
        try:
            return cls.from_json(layout, run["signals"])
        except (LookupError, TypeError, AttributeError) as error:
            raise OutcomeError(
                f"{layout.run}: 'signals' should say where the measured columns lie ({error!r}); a "
                "run of this version writes it: beam run into the same output"
            ) from error

    def schema(self, unit: str) -> pa.Schema:
        """All columns of a unit. Raises ``ColumnFileError``."""
        fields = [*column_files.read_schema(self.base_path(unit))]
        for name in self.captions:
            if storage.exists(path := self.caption_path(name, unit)):
                fields += column_files.read_schema(path)
        for name, of in self.models.items():
            path = self.model_path(name, unit)
            known = column_files.read_schema(path) if storage.exists(path) else None
            fields += [
                known.field(column) if known else pa.field(column, pa.null())
                for column in of.columns
            ]
        return pa.schema(fields)

    @property
    def folders(self) -> tuple[str, ...]:
        """The folders below ``signals`` that are read."""
        return *self.complete, *(of.folder for of in self.models.values())

    @property
    def complete(self) -> tuple[str, ...]:
        """The folders with a file of every unit, all its rows in it."""
        return self.base, *(of.folder for of in self.captions.values())

    def units(self) -> list[str]:
        """The units that are measured, sorted."""
        return self.layout.measured_units(self.base)

    def is_looked_at(self, name: str) -> bool:
        """Whether a model looked at any row."""
        return self.looked_at(name, self.units())

    def looked_at(self, name: str, units: Iterable[str]) -> bool:
        """Whether a model looked at any row of these units."""
        return any(storage.exists(self.model_path(name, unit)) for unit in units)

    def base_path(self, unit: str) -> str:
        """The unit's base file."""
        return self.layout.signals(self.base, unit)

    def model_path(self, name: str, unit: str) -> str:
        """The file of a model's columns; there is none before it looked at a row."""
        return self.layout.signals(self.models[name].folder, unit)

    def caption_path(self, name: str, unit: str) -> str:
        """The file of what a signal measured of the unit's captions."""
        return self.layout.signals(self.captions[name].folder, unit)

    def read(self, unit: str, names: Sequence[str] | None = None) -> pa.Table:
        """The named columns of the unit's N rows in the order of its base file; None: all.

        Models' columns are null where they did not look; ``LOOKED`` and a model's name is a column
        of booleans. A column that a model's fills has its values where its own are null; ``OWN``
        and its name is without. A row that a model failed on has a ``reason`` and a ``detail``.
        Raises ``ColumnFileError``, ``UnmeasuredColumnError``.
        """
        if names is None:
            every = self._filled(self._read(unit, None), self.filled)
            return every.drop_columns([OWN + name for name in self.filled])
        plain = [name.removeprefix(OWN) for name in names]
        filled = {of: by for of, by in self.filled.items() if of in plain}
        table = self._read(unit, [*dict.fromkeys((*plain, *filled.values()))])
        return self._filled(table, filled).select([*dict.fromkeys(names)])

    @cached_property
    def filled(self) -> dict[str, str]:
        """The columns that fill others, by those."""
        return {of: by for model in self.models.values() for of, by in model.fills.items()}

    def _filled(self, table: pa.Table, filled: Mapping[str, str]) -> pa.Table:
        for of, by in filled.items():
            own = table.column(of)
            table = table.append_column(OWN + of, own)
            values = pc.coalesce(own, table.column(by).cast(own.type))
            place = table.schema.get_field_index(of)
            table = table.set_column(place, table.schema.field(place), values)
        return table

    def _read(self, unit: str, names: Sequence[str] | None) -> pa.Table:
        """The columns as their own signals measured them."""
        own = None if names is None else [name for name in names if self._is_base(name)]
        path = self.base_path(unit)
        table = column_files.read(path, own if own != [] else ["key"])
        why = [name for name in ("reason", "detail") if name in table.column_names]
        for name, of in self.models.items():
            wanted = [column for column in of.columns if names is None or column in names]
            flag = names is not None and LOOKED + name in names
            if wanted or why or flag:
                table = self._with_model(table, unit, name, wanted, flag)
        for name, said in self.captions.items():
            wanted = [column for column in said.columns if names is None or column in names]
            if wanted:
                table = self._with_captions(table, self.caption_path(name, unit), wanted)
        return table

    def with_inputs(self, table: pa.Table, unit: str, names: Sequence[str]) -> pa.Table:
        """The unit's rows (``read``) with lists of what was measured of their inputs, by the names
        of ``input_columns``; a null list is one of a model that did not look, or of a row without
        inputs. Raises ``ColumnFileError``.
        """
        of_base = [name for name in names if name not in self._model_of]
        lists = dict(input_columns.read(self.base_path(unit), of_base)) if of_base else {}
        for name, model in self.models.items():
            wanted = [column for column in model.columns if column in names]
            path = self.model_path(name, unit)
            if wanted and storage.exists(path) and (own := input_columns.read(path, wanted)):
                read = column_files.read(path, ("row",))
                known = column_files.read(self.base_path(unit), ("key",))
                place = self._places(known, unit, read, path, model)
                rows = pa.array(place, mask=place < 0)
                lists |= {column: of.take(rows) for column, of in own.items()}
        for name in names:
            values = lists.get(name)
            table = _appended(table, input_columns.column(name), values)
        return table

    def _is_base(self, name: str) -> bool:
        others = (self._model_of, self._caption_signal_of)
        return not any(name in of for of in others) and not name.startswith(LOOKED)

    def _with_captions(self, table: pa.Table, path: str, wanted: Sequence[str]) -> pa.Table:
        if not storage.exists(path):
            raise column_files.UnmeasuredColumnError(
                f"{path}: column {wanted[0]!r} was not measured yet; expected a run with this "
                "configuration; first: beam run into the same output"
            )
        read = column_files.read(path, wanted)
        if metadata(read).get(ROWS) != metadata(table).get(ROWS):
            raise column_files.ColumnFileError(f"{path}: of other rows; {REMEDY}")
        for name in wanted:
            table = table.append_column(name, read.column(name))
        return table

    def _with_model(
        self, table: pa.Table, unit: str, name: str, wanted: Sequence[str], flag: bool
    ) -> pa.Table:
        model, path = self.models[name], self.model_path(name, unit)
        place = np.full(table.num_rows, -1, np.int64)
        values: dict[str, pa.Array] = {}
        if storage.exists(path):
            read = column_files.read(path, [*wanted, PROBLEM, "row"])
            place = self._places(table, unit, read, path, model)
            rows = pa.array(place, mask=place < 0)
            values = {name: read.column(name).take(rows) for name in (*wanted, PROBLEM)}
        for column in wanted:
            table = _appended(table, column, values.get(column))
        if flag:
            table = table.append_column(LOOKED + name, pa.array(place >= 0))
        return _with_problems(table, name, values.get(PROBLEM))

    def _places(
        self, table: pa.Table, unit: str, read: pa.Table, path: str, model: ModelColumns
    ) -> NDArray[np.int64]:
        """Where each row of the unit is in a model's file, -1 for nowhere: (N,)."""
        count = table.num_rows
        if metadata(table).get(ROWS) == metadata(read).get(ROWS) is not None:
            place = np.full(count, -1, np.int64)
            place[read.column("row").to_numpy()] = np.arange(read.num_rows)
            return place
        now = keys(column_files.read(self.base_path(unit), model.content), model.content)
        then = keys(column_files.read(path, model.content), model.content)
        return np.asarray(pc.fill_null(pc.index_in(now, then), -1), np.int64)


def metadata(table: pa.Table) -> Mapping[bytes, bytes]:
    """What a file says of itself."""
    return table.schema.metadata or {}


def keys(table: pa.Table, content: Sequence[str]) -> pa.Array:
    """What a model looked at, as one string a row; null where there is nothing to look at."""
    columns = [table.column(name).combine_chunks() for name in content]
    joined = pc.binary_join_element_wise(*columns, "/") if len(columns) > 1 else columns[0]
    return pa.concat_arrays(joined.chunks) if isinstance(joined, pa.ChunkedArray) else joined


def _appended(table: pa.Table, name: str, values: Any) -> pa.Table:
    return table.append_column(name, pa.nulls(table.num_rows) if values is None else values)


def _with_problems(table: pa.Table, model: str, problems: Any) -> pa.Table:
    """Give rows that a model failed on a reason, unless they have one."""
    if problems is None or problems.null_count == len(problems):
        return table
    fresh = {
        "reason": pc.if_else(pc.is_valid(problems), UNMEASURABLE, None),
        "detail": pc.binary_join_element_wise(model, problems, ": "),
    }
    for name in fresh.keys() & set(table.column_names):
        place = table.schema.get_field_index(name)
        filled = pc.coalesce(table.column(name), fresh[name].cast(pa.string()))
        table = table.set_column(place, table.schema.field(place), filled)
    return table
