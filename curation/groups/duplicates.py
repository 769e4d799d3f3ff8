"""Which rows have a better-ranked copy, exact (equal bytes) or near (perceptual hash).

Rank, best first: stages passed by the row's own rules, then the configured quality columns, then
the longer caption, then id, key and location. A row that its own rules would drop therefore never
pushes out one they would keep. A row is a duplicate if and only if some better-ranked row is its
copy: a statement about pairs, so it does not depend on any order.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from curation.groups.near import Edges, Hashes


@dataclass(frozen=True)
class Duplicates:
    """Per row (N,): 1 where a better-ranked copy exists; ``better`` is that copy's row or -1."""

    exact: NDArray[np.int8]
    near: NDArray[np.int8]
    better: NDArray[np.int64]


def candidates(hashes: Hashes, known: NDArray[np.bool_], edges: Edges) -> NDArray[np.int64]:
    """Rows that can be duplicates at all: their hash is shared or has an edge. Sorted (M,)."""
    rows = np.flatnonzero(known)
    order = rows[np.argsort(hashes[rows])]
    ordered = hashes[order]
    same = ordered[1:] == ordered[:-1]
    shared = np.zeros(len(ordered), bool)
    shared[1:] |= same
    shared[:-1] |= same
    shared |= _contains(np.unique(edges), ordered)
    return np.sort(order[shared])


def _contains(ordered: Hashes, wanted: Hashes) -> NDArray[np.bool_]:
    if not len(ordered):
        return np.zeros(len(wanted), bool)
    place = np.minimum(np.searchsorted(ordered, wanted), len(ordered) - 1)
    return np.asarray(ordered[place] == wanted, np.bool_)


def ranks(table: pa.Table, quality: Sequence[str]) -> NDArray[np.int64]:
    """The rank of every row, 0 best: (M,) int64, all different.

    ``table`` has the columns ``depth``, the quality columns, ``caption_length``, ``id``, ``key``
    and ``uri``.
    """
    keys = [("depth", "descending"), *((name, "descending") for name in quality)]
    keys += [("caption_length", "descending")]
    keys += [(name, "ascending") for name in ("id", "key", "uri")]
    order = pc.sort_indices(table, sort_keys=keys).to_numpy()
    place = np.empty(len(order), np.int64)
    place[order] = np.arange(len(order))
    return place


def resolve(
    hashes: Hashes, edges: Edges, ids: NDArray[np.int64], rank: NDArray[np.int64]
) -> Duplicates:
    """Find each row's best copy. All (M,); ``ids`` numbers equal contents with equal integers."""
    best_same = _best_of_group(ids, rank)
    names, group = np.unique(hashes, return_inverse=True)
    best_of_hash = _minimum_by(group, rank, len(names))
    best_near = best_of_hash.copy()
    known = _contains(names, edges[:, 0]) & _contains(names, edges[:, 1])
    ends = np.searchsorted(names, edges[known])
    np.minimum.at(best_near, ends[:, 0], best_of_hash[ends[:, 1]])
    np.minimum.at(best_near, ends[:, 1], best_of_hash[ends[:, 0]])
    nearest = best_near[group]
    exact, near = best_same < rank, nearest < rank
    row_of_rank = np.empty(len(rank), np.int64)
    row_of_rank[rank] = np.arange(len(rank))
    better = np.where(exact, row_of_rank[best_same], np.where(near, row_of_rank[nearest], -1))
    return Duplicates(exact.astype(np.int8), near.astype(np.int8), better)


def _best_of_group(group: NDArray[np.int64], rank: NDArray[np.int64]) -> NDArray[np.int64]:
    names, dense = np.unique(group, return_inverse=True)
    return _minimum_by(dense, rank, len(names))[dense]


def _minimum_by(
    group: NDArray[np.int64], rank: NDArray[np.int64], groups: int
) -> NDArray[np.int64]:
    best = np.full(groups, np.iinfo(np.int64).max)
    np.minimum.at(best, group, rank)
    return best
