"""The verdicts over the rows of a unit, and what led to them."""

from dataclasses import dataclass

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from curation.judging.reading import Reading
from curation.judging.rules import Check, Judgement
from curation.judging.thresholds import Thresholds


@dataclass(frozen=True)
class Decision:
    """The verdicts over a unit's rows, in the order of its base file, and what led to them.

    ``reading`` is what is known of the rows, ``groups`` their group columns, ``ordered`` the checks
    that were made, by the ``thresholds`` of quotas that were known. ``unlooked`` (N,) are those
    stopped for want of a model that never looked at them.
    """

    reading: Reading
    ordered: tuple[Check, ...]
    judgement: Judgement
    groups: pa.Table
    thresholds: Thresholds
    unlooked: NDArray[np.bool_]

    @property
    def waits(self) -> bool:
        """Whether a quota limits any row, so that its verdict depends on all units."""
        return any(bool(of.rows.any()) for of in self.reading.limited)
