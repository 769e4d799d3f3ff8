"""Which rows of a shard are trained on, and how often: by stage, bounds and weights."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from curation.failures.errors import UsageError
from curation.shard import selection
from curation.shard.selection import Asked, Mask
from train.configuration import DataConfiguration
from train.data.skipped import NO_WEIGHT

Note = Callable[[str, int], None]


@dataclass(frozen=True)
class Selection:
    """What is asked of the rows of one shard."""

    asked: selection.Selection
    weight: tuple[str, ...]

    @property
    def columns(self) -> list[str]:
        """The columns that are looked at."""
        return [*self.asked.columns, *self.weight]

    def rows(self, batch: pa.RecordBatch, note: Note) -> tuple[Mask, NDArray[np.float32]]:
        """Which rows (N,) of a batch are taken, and their weights (N,).

        Every row left out is noted with its reason. Raises ``UsageError`` for a column of a kind
        that cannot be so bound, for a weight that is negative or no finite number, and for a stage
        of which nobody says whether it is deeper.
        """
        taken = np.ones(batch.num_rows, bool)
        for reason, mask in self.asked.masks(batch):
            note(reason, int((taken & ~mask).sum()))
            taken &= mask
        weights = self._weights(batch, taken)
        note(NO_WEIGHT, int((taken & ~(weights > 0)).sum()))
        return taken & (weights > 0), weights

    def _weights(self, batch: pa.RecordBatch, taken: Mask) -> NDArray[np.float32]:
        weights, path = np.ones(batch.num_rows), self.asked.path
        for name in self.weight:
            column = batch.column(name)
            if not (pa.types.is_integer(column.type) or pa.types.is_floating(column.type)):
                raise UsageError(f"{path}: data.weight {name}: expected numbers, not {column.type}")
            values = column.cast(pa.float64()).fill_null(1).to_numpy(zero_copy_only=False)
            if (bad := values[taken & ~((values >= 0) & np.isfinite(values))]).size:
                raise UsageError(
                    f"{path}: data.weight {name}: expected numbers from 0 up, not {bad[0]}"
                )
            weights *= values
        return weights.astype(np.float32)


def of_shard(path: str, names: list[str], configuration: DataConfiguration) -> Selection:
    """What is asked of a shard with columns ``names``.

    Raises ``UsageError`` for a column that it lacks, and for a stage that its run had not.
    """
    selection.check_columns(path, names, "data.weight", configuration.weight)
    asked = Asked(configuration.stage, configuration.where, "data.stage", "data.where")
    return Selection(selection.of_shard(path, names, asked), configuration.weight)
