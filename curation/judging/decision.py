"""The verdicts over the rows of a unit, and what led to them."""

from dataclasses import dataclass

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from curation.judging.quotas import Limited, Thresholds
from curation.judging.rules import Check, Judgement


@dataclass(frozen=True)
class Decision:
    """The verdicts over a unit's rows, in the order of its base file, and what led to them.

    ``rows`` are what is stored of the rows, ``groups`` all their group columns, ``ordered`` the
    checks that were made, ``limited`` the
    rows as each quota sees them, by the ``thresholds`` that were known. ``unlooked`` (N,) are those
    stopped for want of a model that never looked at them.
    """

    rows: pa.Table
    ordered: tuple[Check, ...]
    judgement: Judgement
    groups: pa.Table
    limited: tuple[Limited, ...]
    thresholds: Thresholds
    unlooked: NDArray[np.bool_]

    @property
    def waits(self) -> bool:
        """Whether a quota limits any row, so that its verdict depends on all units."""
        return any(bool(of.rows.any()) for of in self.limited)
