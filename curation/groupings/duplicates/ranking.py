"""The best row of each of many groups, found key by key: most are alone, or the first key decides.

Sorting all rows by all keys says the same and costs several times as much.
"""

from collections.abc import Sequence

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from curation.groupings.duplicates.near import Hashes
from curation.output import column_files


def content_halves(ids: pa.Array | pa.ChunkedArray) -> Hashes:
    """Content ids (32 hexadecimal digits each, no nulls) as two numbers each: (N, 2)."""
    halves = np.empty((len(ids), 2), np.uint64)
    start = 0
    for part in ids.chunks if isinstance(ids, pa.ChunkedArray) else [ids]:
        if len(part):
            digits = pc.binary_join(pa.ListArray.from_arrays([0, len(part)], part), "")[0].as_py()
            own = np.frombuffer(bytes.fromhex(digits), ">u8").reshape(-1, 2)
            halves[start : start + len(part)] = own
            start += len(part)
    return halves


def grouped(keys: Hashes) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Rows in the order of their keys (N,) or (N, 2), and where each group of equal ones begins."""
    pair = keys.ndim > 1
    order = np.lexsort((keys[:, 1], keys[:, 0])) if pair else np.argsort(keys, kind="stable")
    changes = keys[order][1:] != keys[order][:-1]
    fresh = changes.any(axis=1) if pair else changes
    return order, np.flatnonzero(np.concatenate([[len(keys) > 0], fresh]))


def best_of(
    rows: pa.Table, candidates: NDArray[np.int64], first: NDArray[np.int64], quality: Sequence[str]
) -> NDArray[np.int64]:
    """The best of each group of ``candidates`` (M,), which are rows; none of the groups is empty.

    Groups lie one after the other, each from its place in ``first`` (G,) on. Returns rows (G,).
    """
    best = candidates[first]
    sizes = np.diff(first, append=len(candidates))
    group = np.repeat(np.arange(len(first)), sizes)
    several = np.repeat(sizes > 1, sizes)
    group, left = group[several], candidates[several]
    for name in ("depth", *quality, "caption_length", "id"):
        if not len(left):
            return best
        keys = _key(rows.column(name).combine_chunks().take(pa.array(left)), name)
        starts = np.flatnonzero(np.diff(group, prepend=-1))
        most = np.maximum.reduceat(keys, starts)
        keep = keys == np.repeat(most, np.diff(starts, append=len(keys)))
        group, left = group[keep], left[keep]
        group, left = _settled(best, group, left)
    if len(left):
        _by_name(rows, best, group, left)
    return best


def _key(column: pa.Array | pa.ChunkedArray, name: str) -> NDArray[np.float64]:
    """What is larger of a better row: (M,). Of ids the smaller are better."""
    if name != "id":
        values = column_files.as_float(column)
        return np.where(np.isnan(values), -np.inf, values)
    order, first = grouped(content_halves(column))
    steps = np.zeros(len(order))
    steps[first[1:]] = 1
    key = np.empty(len(order))
    key[order] = -np.cumsum(steps)
    return key


def _settled(
    best: NDArray[np.int64], group: NDArray[np.int64], left: NDArray[np.int64]
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Write down the best of groups with one candidate left; the others'."""
    starts = np.flatnonzero(np.diff(group, prepend=-1))
    sizes = np.diff(starts, append=len(group))
    alone = starts[sizes == 1]
    best[group[alone]] = left[alone]
    several = np.repeat(sizes > 1, sizes)
    return group[several], left[several]


def _by_name(
    rows: pa.Table, best: NDArray[np.int64], group: NDArray[np.int64], left: NDArray[np.int64]
) -> None:
    """Rows of one content: by key, location and place."""
    names = ("key", "uri", "row")
    own = rows.select(names).take(pa.array(left)).append_column("group", pa.array(group))
    keys = [(name, "ascending") for name in ("group", *names)]
    order = pc.sort_indices(own, sort_keys=keys).to_numpy()
    starts = np.flatnonzero(np.diff(group[order], prepend=-1))
    best[group[order][starts]] = left[order][starts]
