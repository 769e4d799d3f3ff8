"""Which of many vectors are nearest to a few: exact, block by block of a file.

Half precision and products by blocks: a million vectors of 512 numbers are 1 GB on disk, of which a
block at a time is in memory.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

BLOCK = 20_000  # vectors
Vectors = NDArray[np.float32]


class Matrix:
    """Vectors of ``size`` numbers, added in the order of their rows; zeros where a row has none.

    They are compared as directions from the mean of all: images of one kind have much in common
    with any other image, by every encoder.
    """

    def __init__(self, path: Path, size: int) -> None:
        self._path, self.size, self.rows = path, size, 0
        self._file = path.open("wb")
        self._sum, self._count = np.zeros(size, np.float64), 0

    def add(self, own: NDArray[Any]) -> None:
        """Vectors (N, size), of any length."""
        unit = _unit(own.astype(np.float32)).astype(np.float16)
        self._file.write(unit.tobytes())
        self._sum += unit.sum(axis=0, dtype=np.float64)
        self._count += int(unit.any(axis=1).sum())
        self.rows += len(own)

    def direction(self, own: Vectors) -> Vectors:
        """Vectors (N, size) as they are compared; zeros stay zeros."""
        mean = (self._sum / max(1, self._count)).astype(np.float32)
        return _unit(np.where(own.any(axis=1, keepdims=True), _unit(own) - mean, 0))

    def nearest(self, queries: Vectors, most: int, least: float) -> list[list[tuple[int, float]]]:
        """Of each of Q directions (Q, size) up to ``most`` rows of the largest cosines.

        Those have at ``least`` that cosine; ties by row.
        """
        rows: NDArray[np.int64] = np.empty((len(queries), 0), np.int64)
        scores: Vectors = np.empty((len(queries), 0), np.float32)
        for start in range(0, self.rows, BLOCK):
            products = queries @ self.direction(self._block(start)).T
            here = np.broadcast_to(np.arange(start, start + products.shape[1]), products.shape)
            count = min(most, products.shape[1])
            best = np.argpartition(-products, count - 1, axis=1)[:, :count]
            rows = np.concatenate([rows, np.take_along_axis(here, best, 1)], axis=1)
            scores = np.concatenate([scores, np.take_along_axis(products, best, 1)], axis=1)
            order = np.lexsort((rows, -scores))[:, :most]
            rows = np.take_along_axis(rows, order, 1)
            scores = np.take_along_axis(scores, order, 1)
        pairs = zip(rows.tolist(), scores.tolist(), strict=True)
        return [[of for of in zip(*both, strict=True) if of[1] >= least] for both in pairs]

    def at(self, rows: Sequence[int]) -> Vectors:
        """Vectors (N, size) of length 1 of some rows, as they were added."""
        self._file.flush()
        mapped = np.memmap(self._path, np.float16, "r", shape=(self.rows, self.size))
        return mapped[np.asarray(rows, np.int64)].astype(np.float32)

    def _block(self, start: int) -> Vectors:
        self._file.flush()
        count = max(0, min(BLOCK, self.rows - start))
        read = np.fromfile(self._path, np.float16, count * self.size, offset=start * self.size * 2)
        return read.reshape(count, self.size).astype(np.float32)


def _unit(own: NDArray[Any]) -> Vectors:
    length = np.linalg.norm(own, axis=1, keepdims=True)
    return np.asarray(own / np.where(length > 0, length, 1), np.float32)
