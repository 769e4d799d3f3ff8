"""Kinds of rows that duplicates treat apart."""

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray


def synthetic(table: pa.Table) -> NDArray[np.bool_]:
    """Which rows are synthetic images: (N,)."""
    return np.asarray(table.column("synthetic"), np.bool_)


def by_bytes_alone(table: pa.Table) -> NDArray[np.bool_]:
    """Which rows are copies of others by equal bytes alone, and none is a near copy of them: (N,).

    Synthetic images, for plain pages that say other words look alike to 64 bits; and edits, for the
    same result may come of another input or instruction.
    """
    return synthetic(table) | np.asarray(pc.greater(table.column("input_bytes"), 0), np.bool_)
