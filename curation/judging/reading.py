"""What is kept of a unit's rows once its columns were read: all that verdicts are made of."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from curation.judging.quotas import Limited
from curation.judging.rules import Stops

Mask = NDArray[np.bool_]


@dataclass(frozen=True)
class Reading:
    """A unit's N rows by the rules on signals alone; a few bytes a row, whatever was read.

    ``readable`` (N,) are those that decoded, ``reasons`` those of the others. ``own`` is where each
    row is stopped, ``assumed`` where it would be if it passed what a model is still to look at.
    ``looked`` (N,) says by model at which rows it did. ``limited`` are the rows as each quota sees
    them; ``contenders`` those that may be copies, None while those are not asked for.
    """

    readable: Mask
    reasons: pa.ChunkedArray
    own: Stops
    assumed: Stops
    looked: Mapping[str, Mask]
    limited: tuple[Limited, ...]
    contenders: pa.Table | None

    @property
    def rows(self) -> int:
        """How many rows the unit has."""
        return len(self.readable)
