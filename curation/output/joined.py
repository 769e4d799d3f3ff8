"""The measured columns of many units read as those of a few, and held: for who reads them often.

A block is some units one after the other. What a block's columns hold is what ``Measured`` reads
of its units; a file is opened once, however often its columns are asked for.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, fields

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from curation.output import input_columns
from curation.output.measured import Measured

ROWS = 2**18  # of a block, but for a unit that has more
MOST = 4 << 30  # bytes that columns take; of more, the blocks read longest ago are let go


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
        """As ``Measured``, of a block. Raises ``ColumnFileError``, ``UnmeasuredColumnError``."""
        if names is None:
            parts = [super(Joined, self).read(of) for of in self.blocks[unit]]
            return pa.concat_tables(parts, promote_options="permissive")
        wanted = [*dict.fromkeys(names)]
        self._hold(unit, wanted, lambda of, lacking: super(Joined, self).read(of, lacking))
        return pa.table({name: self.held[unit, name] for name in wanted})

    def with_inputs(self, table: pa.Table, unit: str, names: Sequence[str]) -> pa.Table:
        """As ``Measured``, of a block's rows. Raises ``ColumnFileError``."""

        def of_inputs(of: str, lacking: list[str]) -> pa.Table:
            known = super(Joined, self).read(of, ("key",))
            plain = [*map(input_columns.plain, lacking)]
            return super(Joined, self).with_inputs(known, of, plain).select(lacking)

        wanted = [input_columns.column(name) for name in dict.fromkeys(names)]
        self._hold(unit, wanted, of_inputs)
        for name in wanted:
            table = table.append_column(name, self.held[unit, name])
        return table

    def _hold(
        self, block: str, names: Sequence[str], read: Callable[[str, list[str]], pa.Table]
    ) -> None:
        """Read the columns of a block's units that are not known yet."""
        lacking = [name for name in names if (block, name) not in self.held]
        if lacking:
            parts = [read(unit, lacking) for unit in self.blocks[block]]
            table = pa.concat_tables(parts, promote_options="permissive").combine_chunks()
            for name in lacking:
                self.held[block, name] = table.column(name)
            self._let_go(block)

    def _let_go(self, stays: str) -> None:
        """Forget other blocks where they are too much."""
        taken = sum(of.nbytes for of in self.held.values())
        for place in [place for place in self.held if place[0] != stays]:
            if taken > MOST:
                taken -= self.held.pop(place).nbytes


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
