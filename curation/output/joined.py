"""The measured columns of many units read as those of a few, and held: for who reads them often.

A block is some units one after the other. What a block's columns hold is what ``Measured`` reads
of its units; a file is opened once, however often its columns are asked for. Texts of captions are
no more than how many there are, which is what is judged by; vectors are read each time.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, fields

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from curation.output import column_files, input_columns
from curation.output.measured import Measured

ROWS = 2**18  # of a block, but for a unit that has more
# Bytes that columns take, beside those of the block that is being read; of more, the blocks read
# longest ago are let go.
MOST = 4 << 30


@dataclass(frozen=True)
class Joined(Measured):
    """The columns of ``blocks``, by name the units of each. ``held`` are those that were read, by
    block and name.
    """

    blocks: Mapping[str, Sequence[str]] = field(default_factory=dict)
    held: dict[tuple[str, str], pa.ChunkedArray] = field(default_factory=dict)

    @classmethod
    def of(cls, measured: Measured, blocks: Mapping[str, Sequence[str]]) -> "Joined":
        """The columns of ``measured``, by these blocks."""
        own = {of.name: getattr(measured, of.name) for of in fields(Measured)}
        return cls(**own, blocks=blocks)

    def units(self) -> list[str]:
        """The names of the blocks; none where their units are not measured."""
        return [*self.blocks] if super().units() else []

    def is_looked_at(self, name: str) -> bool:
        """As ``Measured``."""
        return any(self.looked_at(name, of) for of in self.blocks.values())

    def read(self, unit: str, names: Sequence[str] | None = None) -> pa.Table:
        """As ``Measured``, of a block, by names; a text of a caption is null.

        Raises ``ColumnFileError``, ``UnmeasuredColumnError``.
        """
        assert names is not None, "columns of blocks are read by their names"
        wanted = [*dict.fromkeys(names)]
        reading = super().read
        return pa.table(self._columns(unit, wanted, reading))

    def with_inputs(self, table: pa.Table, unit: str, names: Sequence[str]) -> pa.Table:
        """As ``Measured``, of a block's rows. Raises ``ColumnFileError``."""

        def of_inputs(of: str, lacking: list[str]) -> pa.Table:
            known = super(Joined, self).read(of, ("key",))
            plain = [*map(input_columns.plain, lacking)]
            return super(Joined, self).with_inputs(known, of, plain).select(lacking)

        wanted = [input_columns.column(name) for name in dict.fromkeys(names)]
        for name, values in self._columns(unit, wanted, of_inputs).items():
            table = table.append_column(name, values)
        return table

    def _columns(
        self, block: str, names: Sequence[str], read: Callable[[str, list[str]], pa.Table]
    ) -> dict[str, pa.ChunkedArray]:
        """The columns of a block's units: those that are held, and those that are read now."""
        lacking = [name for name in names if (block, name) not in self.held]
        fresh: dict[str, pa.ChunkedArray] = {}
        if lacking:
            parts = [_light(read(unit, lacking)) for unit in self.blocks[block]]
            table = pa.concat_tables(parts, promote_options="permissive").combine_chunks()
            fresh = {name: table.column(name) for name in lacking}
            for name, values in fresh.items():
                if not _are_vectors(name, values.type):
                    self.held[block, name] = values
            self._let_go(block)
        return {name: fresh[name] if name in fresh else self.held[block, name] for name in names}

    def _let_go(self, stays: str) -> None:
        """Forget other blocks where they are too much."""
        taken = sum(of.nbytes for of in self.held.values())
        for place in [place for place in self.held if place[0] != stays]:
            if taken > MOST:
                taken -= self.held.pop(place).nbytes


def _light(table: pa.Table) -> pa.Table:
    """The columns with as many nulls in place of captions as there are."""
    for place, field_ in enumerate(table.schema):
        if _are_captions(field_.name, field_.type):
            lists = table.column(place).combine_chunks()
            lengths = np.asarray(pc.fill_null(pc.list_value_length(lists), 0), np.int64)
            nulls = pa.nulls(int(lengths.sum()))
            ends = pa.array(np.concatenate([[0], np.cumsum(lengths)]), pa.int32())
            missing = pa.array(column_files.is_null(lists))
            light = pa.ListArray.from_arrays(ends, nulls, mask=missing)
            table = table.set_column(place, field_.name, light)
    return table


def _are_captions(name: str, kind: pa.DataType) -> bool:
    is_listed = pa.types.is_list(kind) and pa.types.is_string(kind.value_type)
    return is_listed and name.startswith("caption_") and "." not in name


def _are_vectors(name: str, kind: pa.DataType) -> bool:
    """Whether a row has such a list itself, and no value for each caption or input."""
    return pa.types.is_list(kind) and pa.types.is_floating(kind.value_type) and "." not in name


def blocks(units: Sequence[str], starts: NDArray[np.int64]) -> dict[str, list[str]]:
    """Neighbouring units in blocks of at most ``ROWS`` rows, where no unit has more; a block is
    named by its first. ``starts`` (units + 1,) are where the rows of each begin.
    """
    result: dict[str, list[str]] = {}
    first, begin = "", 0
    for unit, start, end in zip(units, starts[:-1].tolist(), starts[1:].tolist(), strict=True):
        if not first or end - begin > ROWS:
            first, begin = unit, start
            result[first] = []
        result[first].append(unit)
    return result
