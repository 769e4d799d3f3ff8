"""Which columns of edits a judge reads, and at which of them models looked."""

from collections.abc import Mapping, Sequence

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from curation.configuration.models import Pipeline
from curation.judging import pairs
from curation.judging.pairs import Pairs
from curation.measuring.chosen import Chosen
from curation.output import column_files, input_columns
from curation.output.measured import OWN, Measured

Mask = NDArray[np.bool_]


class PairColumns:
    """What is known of a run's edits before rows are read: ``ruled`` are columns that tell kinds
    apart, where a rule asks.
    """

    def __init__(self, pipeline: Pipeline, chosen: Chosen, measured: Measured) -> None:
        self.ruled = {pairs.KIND} if pipeline.edits else set()
        self._filled = chosen.fillers.keys()
        self._fills_after: int | None = None
        if pipeline.edits and (filler := chosen.fillers.get(pairs.KIND)):
            self.ruled.add(OWN + pairs.KIND)
            self._fills_after = chosen.models.get(filler.name, (len(pipeline.stages), 0))[0]
        self._edits, self._measured = pipeline.edits, measured
        self._of_pairs, self._of_inputs = chosen.of_pairs, chosen.ruled_of_inputs
        self._looked_by = {name: measured.models[name].columns[0] for name in chosen.of_inputs}
        self._images = chosen.owner.keys() - chosen.of_pairs
        alone = {of.name for of in chosen.signals if of.is_of_pairs}
        self._alone = [name for name in chosen.models if name in alone]

    def of(self, table: pa.Table) -> Pairs:
        """The edits among rows with these columns."""
        return Pairs(table, self._of_pairs, self._edits, self._fills_after)

    def open_to(self, table: pa.Table, column: str) -> Mask:
        """Of which rows (N,) a model may yet say what a column holds: where one fills it, of edits
        that lack it.
        """
        if column not in self._filled:
            return np.ones(table.num_rows, np.bool_)
        return pairs.rows(table) & column_files.is_null(table.column(column))

    def added(self, table: pa.Table, unit: str, besides: Sequence[str] = ()) -> pa.Table:
        """The rows with what rules, and those that read columns ``besides``, read of inputs; as
        they are where there are no edits. Raises ``ColumnFileError``.
        """
        if not pc.any(pc.greater(table.column(pairs.SIZE), 0)).as_py():
            return table
        read = (name for name in besides if name in self._images)
        names = dict.fromkeys((*self._of_inputs, *self._looked_by.values(), *read))
        return self._measured.with_inputs(table, unit, [*names])

    def looked(self, table: pa.Table, looked: Mapping[str, Mask]) -> dict[str, Mask]:
        """By model, at which of the rows (N,) it looked: of an edit, at all of its images."""
        edits, result = pairs.rows(table), dict(looked)
        for name in self._alone:  # of other rows there is nothing to look at
            result[name] = result[name] | ~edits
        for name, column in self._looked_by.items() if edits.any() else ():
            unseen = column_files.is_null(table.column(input_columns.column(column)))
            result[name] = result[name] & ~(edits & unseen)
        return result
