"""Of each vector the best-ranked one before it that is similar, without comparing all with all.

Vectors lie in cells around centroids (k-means), each in its ``VISITED`` nearest ones. Those that
share a cell are compared with each other, exactly; two similar ones share one nearly always. A cell
of more than ``LARGEST`` is cut into cells of its own. Products are of whole numbers
(``vectors``), so that nothing depends on blocks or threads.
"""

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from curation.groupings.similar import vectors
from curation.groupings.similar.vectors import Vectors

Rows = NDArray[np.int64]

HELD = 1000  # vectors for each centroid
VISITED = 6  # cells that a vector lies in
LARGEST = 20_000  # vectors that are compared all with all
SAMPLED = 32  # vectors for each centroid, by which these are found
ROUNDS = 4  # of k-means
TARGETS, BLOCK = 1024, 8192  # vectors that are compared at once: 32 MB


def best_before(ranked: Vectors, order: Rows, bound: np.float32) -> Rows:
    """Of each of N vectors, best rank first, the first before it that is similar, or -1: (N,).

    Similar are two whose products add up to ``bound``. ``order`` are the N rows in an order that
    has nothing to do with what they are: its first ones are those that centroids are found by.
    """
    best = np.full(len(ranked), len(ranked), np.int64)
    _search(ranked, order, bound, best)
    best[best == len(ranked)] = -1
    return best


def _search(ranked: Vectors, order: Rows, bound: np.float32, best: Rows) -> None:
    """Compare the rows of ``order``, as far as they share cells."""
    if len(order) <= LARGEST:
        _compare(ranked, np.sort(order), bound, best)
        return
    for cell in _cells(ranked, order):
        if len(cell) * 2 > len(order):  # they are too much alike to be cut
            _compare(ranked, np.sort(cell), bound, best)
        else:
            _search(ranked, cell, bound, best)


def _compare(ranked: Vectors, rows: Rows, bound: np.float32, best: Rows) -> None:
    """Compare all ``rows``, ascending, with those before them; each until it finds one."""
    waiting = np.arange(1, len(rows))
    for low in range(0, len(rows), TARGETS):
        targets = ranked[rows[low : low + TARGETS]].astype(np.float32).T
        waiting = waiting[waiting > low]
        left = []
        for start in range(0, len(waiting), BLOCK):
            block = waiting[start : start + BLOCK]
            similar = ranked[rows[block]].astype(np.float32) @ targets >= bound
            first = similar.argmax(axis=1)
            matched = similar[np.arange(len(block)), first] & (low + first < block)
            np.minimum.at(best, rows[block[matched]], rows[low + first[matched]])
            left.append(block[~matched])
        waiting = np.concatenate([np.empty(0, np.int64), *left])


def _cells(ranked: Vectors, order: Rows) -> Iterator[Rows]:
    """The rows of each cell, in the order of ``order``."""
    centroids = _centroids(ranked, order)
    near = np.concatenate(
        [
            _nearest(ranked[order[low : low + BLOCK]], centroids, VISITED)
            for low in range(0, len(order), BLOCK)
        ]
    )
    cell = near.ravel()
    place = np.argsort(cell, kind="stable")
    first = np.searchsorted(cell[place], np.arange(1, len(centroids)))
    for part in np.split(place, first):
        yield order[part // near.shape[1]]


def _centroids(ranked: Vectors, order: Rows) -> Vectors:
    """Centroids by k-means of the first rows of ``order``, at first those themselves."""
    count = -(-len(order) // HELD)
    sample = ranked[order[: count * SAMPLED]]
    centroids = sample[:count]
    for _ in range(ROUNDS):
        nearest = np.concatenate(
            [
                _nearest(sample[low : low + BLOCK], centroids, 1)[:, 0]
                for low in range(0, len(sample), BLOCK)
            ]
        )
        place = np.argsort(nearest, kind="stable")
        known, first = np.unique(nearest[place], return_index=True)
        sums = np.add.reduceat(sample[place].astype(np.int64), first, axis=0)
        moved = sums.any(axis=1)
        centroids = centroids.copy()
        centroids[known[moved]] = vectors.in_integers(sums[moved].astype(np.float64))
    return centroids


def _nearest(own: Vectors, centroids: Vectors, count: int) -> NDArray[np.int32]:
    """The ``count`` nearest centroids of vectors (N, D): (N, count)."""
    products = own.astype(np.float32) @ centroids.astype(np.float32).T
    count = min(count, len(centroids))
    if count == 1:
        nearest = products.argmax(axis=1)[:, None]
    else:
        nearest = np.argpartition(-products, count - 1, axis=1)[:, :count]
    return np.asarray(nearest, np.int32)
