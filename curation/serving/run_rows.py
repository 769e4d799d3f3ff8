"""All rows of a finished run under numbers from 0, unit after unit, and their columns.

A column is read when it is first asked for, as everything over a run reads it (``Measured``,
``Groups``, the ledger), and stays in memory: a million rows take 8 MB a column of numbers.
"""

import threading
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from curation import storage
from curation.judging import ledger
from curation.output import column_files, finished
from curation.output.finished import REMEDY, OutcomeError
from curation.output.groups import Groups
from curation.output.layout import Layout
from curation.output.measured import Measured
from curation.report import outcome
from curation.report.described import described

NUMBER = "number"
CAPTION_ENDS = "caption_ends"  # the ledger's column ``captions``: what became of each
OF_LEDGER = {name: name for name in ledger.SCHEMA.names} | {CAPTION_ENDS: ledger.CAPTIONS.name}
Numbers = NDArray[np.int64]


class Rows:
    """The rows of the run in ``output``. ``run`` is its ``run.json``, ``types`` say by name which
    columns there are, ``units`` and ``starts`` where the rows of each unit begin.
    """

    def __init__(self, output: str) -> None:
        """Raises ``OutcomeError`` (no finished run), ``ColumnFileError``."""
        self.output, self.layout = output, Layout(output)
        self._stamp = self._now()
        self.run = finished.read_run(output)
        self.measured = Measured.of_run(output, self.run)
        self.groups = Groups.of_run(output, self.run)
        self.units = outcome.unit_names(output)
        self._columns: dict[str, pa.ChunkedArray] = {}
        self._guard = threading.Lock()
        self.described = described(self.run)
        self._places = self._where()
        self.types = {name: kind for name, (_, kind) in self._places.items()}
        tables = [self._of_ledger(unit, ledger.SCHEMA.names) for unit in self.units]
        sizes = np.array([0, *(table.num_rows for table in tables)], np.int64)
        self.starts = np.cumsum(sizes)
        for name in ledger.SCHEMA.names:
            self._columns[name] = self._joined(name, tables)
        expected = self.run.get("counts", {}).get("in")
        if len(self) != expected:
            raise OutcomeError(
                f"{self.layout.run}: counts {expected} rows, and the ledger has {len(self)}; "
                f"expected a finished run that no other is at work on; {REMEDY}"
            )

    def __len__(self) -> int:
        return int(self.starts[-1])

    def changed(self) -> bool:
        """Whether the run was made again since it was read."""
        return self._stamp != self._now()

    def place(self, number: int) -> tuple[str, int]:
        """Unit and row in it. Raises ``IndexError``."""
        if not 0 <= number < len(self):
            raise IndexError(number)
        unit = int(np.searchsorted(self.starts, number, "right")) - 1
        return self.units[unit], number - int(self.starts[unit])

    def is_measured(self, name: str) -> bool:
        """Whether a column was measured of any row, as those of models may not have been."""
        models = [of for of, its in self.measured.models.items() if name in its.columns]
        if not models:
            return name in self.types
        return self.measured.looked_at(models[0], self.units)

    def column(self, name: str) -> pa.ChunkedArray:
        """All values of a column. Raises ``KeyError``, ``ColumnFileError``."""
        return self.columns([name])[name]

    def columns(self, names: Iterable[str]) -> dict[str, pa.ChunkedArray]:
        """All values of these columns, read at once where they are not known yet."""
        wanted = [*dict.fromkeys(names)]
        with self._guard:
            self._load([name for name in wanted if name not in self._columns])
            return {name: self._columns[name] for name in wanted}

    def texts(self, name: str, numbers: Sequence[int] | Numbers) -> list[str | None]:
        """The values of a text column at these rows."""
        return outcome.strings(self.column(name), numbers)

    def row(self, number: int, names: Iterable[str]) -> dict[str, Any]:
        """The values of these columns at a row."""
        return {name: of[number].as_py() for name, of in self.columns(names).items()}

    def _now(self) -> tuple[tuple[int, ...], ...]:
        return tuple((of.size, *of.times) for of in storage.list_files(self.layout.run))

    def _where(self) -> dict[str, tuple[str, pa.DataType]]:
        """By column which files have it, and its type."""
        places: dict[str, tuple[str, pa.DataType]] = {NUMBER: ("", pa.int64())}
        for name in OF_LEDGER:
            field = ledger.CAPTIONS if name == CAPTION_ENDS else ledger.SCHEMA.field(name)
            places[name] = "ledger", field.type
        if not self.units:
            return places
        first = self.units[0]
        fields = [*self.measured.schema(first)]
        if (self.run.get("columns") or {}).get("keep"):  # each unit has those of its own sources
            for unit in self.units[1:]:
                fields += column_files.read_schema(self.measured.base_path(unit))
        for field in fields:
            known = self.described.get(field.name)
            kind = known.type if known and pa.types.is_null(field.type) else field.type
            places.setdefault(field.name, ("measured", kind))
        for name, of in self.groups.groupings.items():
            schema = column_files.read_schema(self.groups.path(name, first))
            for column in of.columns:
                places[column] = "groups", schema.field(column).type
        return places

    def _load(self, names: Sequence[str]) -> None:
        if not names:
            return
        if NUMBER in names:
            self._columns[NUMBER] = pa.chunked_array([pa.array(np.arange(len(self)))])
        readers: Mapping[str, Callable[[str, list[str]], pa.Table]] = {
            "ledger": self._of_ledger,
            "measured": self._of_measured,
            "groups": self._of_groups,
        }
        for place, read in readers.items():
            wanted = [name for name in names if self._places[name][0] == place]
            if wanted:
                tables = [read(unit, wanted) for unit in self.units]
                for name in wanted:
                    self._columns[name] = self._joined(name, tables)

    def _joined(self, name: str, tables: Sequence[pa.Table]) -> pa.ChunkedArray:
        """The column of all units, in one piece where it fits."""
        kind = self.types[name]
        parts = [
            pa.table({name: table[name]})
            if name in table.column_names
            else pa.table({name: pa.nulls(table.num_rows, kind)})
            for table in tables
        ]
        empty = pa.table({name: pa.array([], kind)})
        values = pa.concat_tables([empty, *parts], promote_options="permissive")[name]
        if len(values) != len(self):
            raise column_files.ColumnFileError(
                f"{self.output}: {len(values)} rows of the column {name!r}, and the ledger has "
                f"{len(self)}; {REMEDY}"
            )
        if pa.types.is_string(values.type):
            values = outcome.plain(values)
        joined = values.combine_chunks()
        return joined if isinstance(joined, pa.ChunkedArray) else pa.chunked_array([joined])

    def _of_ledger(self, unit: str, names: list[str]) -> pa.Table:
        table = column_files.read(self.layout.ledger(unit), [OF_LEDGER[name] for name in names])
        return table.rename_columns(names)

    def _of_measured(self, unit: str, names: list[str]) -> pa.Table:
        there = self.measured.schema(unit).names if self._varies else names
        return self.measured.read(unit, ["key", *(name for name in names if name in there)])

    @property
    def _varies(self) -> bool:
        return bool((self.run.get("columns") or {}).get("keep"))

    def _of_groups(self, unit: str, names: list[str]) -> pa.Table:
        return self.groups.read(unit).select(names)
