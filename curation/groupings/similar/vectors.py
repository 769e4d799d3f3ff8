"""Unit vectors in whole numbers, so that every sum of products is exact.

A vector is rounded to multiples of 1 / ``SCALE``. By Cauchy and Schwarz no partial sum of the
products of two such vectors exceeds 2^24, so that float32 holds it exactly: a matrix product is the
same in any order, on any machine, by any number of threads. Cosines are off by about 0.0001.
"""

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

SCALE = 4000
LONGEST = 32_768  # numbers in a vector: rounding lengthens it by at most half their square root

Vectors = NDArray[np.int16]  # (N, D)


def valid(column: pa.ChunkedArray) -> NDArray[np.bool_]:
    """Which rows of an embedding have one that has a direction: (N,)."""
    if pa.types.is_null(column.type):  # no row has one yet
        return np.zeros(len(column), np.bool_)
    known = np.asarray(pc.fill_null(pc.greater(pc.list_value_length(column), 0), False), np.bool_)
    if known.any():
        lengths = np.linalg.norm(_numbers(column.filter(pa.array(known))), axis=1)
        known[known] = np.isfinite(lengths) & (lengths > 0)
    return known


def rounded(column: pa.ChunkedArray) -> Vectors:
    """Embeddings, all ``valid``, as whole numbers. Raises ``ValueError``: of several lengths."""
    if not len(column):
        return np.empty((0, 0), np.int16)
    return in_integers(_numbers(column))


def in_integers(numbers: NDArray[np.float64]) -> Vectors:
    """Vectors (N, D) of any length but 0 as whole numbers."""
    lengths = np.sqrt(np.einsum("nd,nd->n", numbers, numbers))
    return np.asarray(np.rint(numbers * (SCALE / lengths)[:, None]), np.int16)


def bound(threshold: float) -> np.float32:
    """What the sum of products of two vectors is at least, where their cosine is ``threshold``."""
    return np.float32(np.ceil(threshold * SCALE * SCALE))


def _numbers(column: pa.ChunkedArray) -> NDArray[np.float64]:
    sizes = pc.unique(pc.list_value_length(column)).to_pylist()
    if len(sizes) > 1 or sizes[0] > LONGEST:
        raise ValueError(f"embeddings of {sizes} numbers, expected one size, at most {LONGEST}")
    flat = pc.list_flatten(column).to_numpy()
    return np.asarray(flat, np.float64).reshape(len(column), sizes[0])
