"""What `beam signals` says signals cost."""

from typing import Any

import numpy as np
import pyarrow as pa

from curation.inspect import catalogue
from curation.signals.discovery import discover
from curation.signals.signal import Column, Signal


def test_what_others_read_is_what_lies_in_a_file() -> None:
    """A list, although the model said an array: so does a run read it."""
    seen: list[Any] = []

    def reads(rows: Any) -> list[dict[str, float]]:
        seen.append(rows[0].columns["vector"] or ())
        return [{"length": 1.0}]

    vector = Column(pa.list_(pa.float32()), "numbers", "made up")
    length = Column(pa.float32(), "numbers", "made up")
    signals = (
        Signal("read", "model", 1, {"length": length}, lambda: reads, reads=("vector",)),
        Signal("made", "model", 1, {"vector": vector}, lambda: _array),
    )
    costs = catalogue._costs(signals, catalogue._synthetic_jpeg())
    assert costs.keys() == {"read", "made"} and None not in costs.values()
    assert seen[0] == [1.0, 2.0]


def _array(_rows: Any) -> list[dict[str, Any]]:
    return [{"vector": np.array([1, 2], np.float32)}]


def test_what_is_read_of_the_inputs_of_pairs_is_there() -> None:
    """Of ``pair_similarity``, which reads vectors of inputs, no cost could be told."""
    (similarity,) = (of for of in discover() if of.name == "pair_similarity")
    vector = Column(pa.list_(pa.float32()), "numbers", "made up")
    signals = (
        similarity,
        Signal("encoded", "model", 1, {"embedding": vector}, lambda: _array_of_it),
    )
    costs = catalogue._costs(signals, catalogue._synthetic_jpeg())
    assert costs["pair_similarity"] is not None


def _array_of_it(_rows: Any) -> list[dict[str, Any]]:
    return [{"embedding": np.array([1, 0], np.float32)}]
