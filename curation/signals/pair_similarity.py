"""How alike an edit's result and its inputs are by what they show: unrelated images are no pair."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pyarrow as pa

from curation.signals.row import Row
from curation.signals.signal import Column, Measure, signal


@signal(
    tier="model",
    version=1,
    columns={
        "input_similarity": Column(
            pa.float32(), "cosine -1 to 1", "of the embeddings, to the input most alike"
        ),
        "least_input_similarity": Column(
            pa.float32(), "cosine -1 to 1", "of the embeddings, to the input least alike"
        ),
    },
    reads=("embedding",),
    of_pairs=True,
)
def pair_similarity() -> Measure:
    """Cosines of the vectors that ``embedding`` measured of all images."""

    def measure(rows: Sequence[Row]) -> list[Mapping[str, Any]]:
        return [_similarity(row) for row in rows]

    return measure


def _similarity(row: Row) -> dict[str, float | None]:
    result, inputs = row.columns["embedding"], row.columns["inputs.embedding"]
    if result is None or not inputs or None in inputs:
        return {"input_similarity": None, "least_input_similarity": None}
    cosines = np.asarray(inputs, np.float64) @ np.asarray(result, np.float64)
    return {
        "input_similarity": float(cosines.max()),
        "least_input_similarity": float(cosines.min()),
    }
