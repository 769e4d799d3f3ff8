"""Near-duplicate join of 64-bit perceptual hashes, exact within a Hamming radius.

The hash of a mirror image differs in the bits ``MIRRORED``, so that a hash and its mirrored one
are one *token*, the smaller of both. The bits between two tokens are those between their nearest
hashes: mirror images are found as copies are.

Pigeonhole: cut 64 bits into ``radius + 2`` bands; two hashes that differ in at most ``radius`` bits
agree on at least two whole bands. Each pair of bands is a *table*; rows that agree on both bands
of a table are compared in full. With radius 4 that is 15 tables of about 21 key bits, so that
buckets stay small up to a billion hashes. In each table a hash stands for itself and its mirrored
one as what is smaller there: two that agree on the key do so that way, too, for its first bit in
``MIRRORED`` then is 0 in both.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import combinations, pairwise

import numpy as np
from numpy.typing import NDArray

from curation.picture.perceptual_hash import MIRRORED

Hashes = NDArray[np.uint64]  # (N,)
Edges = NDArray[np.uint64]  # (E, 2), each row (smaller, larger), sorted, unique

HASH_BITS = 64
PAIR_BLOCK = 1 << 20  # pairs compared at once: bounds memory at about 40 MB


@dataclass(frozen=True)
class Table:
    """An order of the bands, as (low, high) bit ranges; the first two are the table's key."""

    order: tuple[tuple[int, int], ...]

    @property
    def key_bits(self) -> int:
        """How many leading bits of a permuted hash are the key."""
        return sum(high - low for low, high in self.order[:2])

    def permute(self, hashes: Hashes) -> Hashes:
        """Move the bands into this order, the key at the top; of a hash and its mirrored one the
        smaller then.
        """
        moved = self._moved(hashes)
        turned = moved ^ self._moved(np.array([MIRRORED]))
        return np.asarray(np.minimum(moved, turned, out=moved), np.uint64)

    def _moved(self, hashes: Hashes) -> Hashes:
        moved = np.zeros_like(hashes)
        top = HASH_BITS
        for low, high in self.order:
            top -= high - low
            band = hashes >> np.uint64(low)  # in place from here on: memory is what limits a join
            band &= np.uint64((1 << (high - low)) - 1)
            band <<= np.uint64(top)
            moved |= band
        return moved

    def restore(self, moved: Hashes) -> Hashes:
        """The tokens of what ``permute`` made of them."""
        hashes = np.zeros_like(moved)
        top = HASH_BITS
        for low, high in self.order:
            top -= high - low
            band = (moved >> np.uint64(top)) & np.uint64((1 << (high - low)) - 1)
            hashes |= band << np.uint64(low)
        return tokens(hashes)

    def partition_of(self, moved: Hashes, partitions: int) -> NDArray[np.int64]:
        """Which of ``partitions`` each permuted hash belongs to, by its key alone: (N,) int64."""
        key = moved >> np.uint64(HASH_BITS - self.key_bits)
        mixed = key * np.uint64(0x9E3779B97F4A7C15)  # Fibonacci hashing
        return ((mixed >> np.uint64(32)) % np.uint64(partitions)).astype(np.int64)


def tables(radius: int) -> list[Table]:
    """The tables that together find every pair within ``radius`` bits."""
    cuts = np.linspace(0, HASH_BITS, radius + 3).round().astype(int).tolist()
    bands = list(pairwise(cuts))
    return [
        Table((*pair, *(band for band in bands if band not in pair)))
        for pair in combinations(bands, 2)
    ]


def tokens(hashes: Hashes) -> Hashes:
    """What stands for each hash and its mirrored one: (N,)."""
    return np.asarray(np.minimum(hashes, hashes ^ MIRRORED), np.uint64)


def apart(first: Hashes, second: Hashes) -> NDArray[np.uint8]:
    """The bits in which hashes differ, one of the two mirrored where those are fewer: (N,)."""
    differing = first ^ second
    turned = np.bitwise_count(differing ^ MIRRORED)
    return np.asarray(np.minimum(np.bitwise_count(differing), turned), np.uint8)


def distinct(hashes: Hashes) -> Hashes:
    """Sorted distinct hashes; ten times faster than ``np.unique``, which hashes them first."""
    ordered = np.sort(hashes)
    keep = np.ones(len(ordered), bool)
    keep[1:] = ordered[1:] != ordered[:-1]
    return ordered if keep.all() else ordered[keep]


def join_table(moved: Hashes, table: Table, radius: int) -> Edges:
    """The tokens of one table's permuted hashes that agree on its key, within ``radius`` bits."""
    return sorted_edges(list(join_blocks(moved, table, radius)))


def join_blocks(moved: Hashes, table: Table, radius: int) -> Iterator[Edges]:
    """``join_table`` in unsorted blocks, so that no list of all pairs is ever held."""
    values = distinct(moved)
    keys = values >> np.uint64(HASH_BITS - table.key_bits)
    blocks, count = list[Edges](), 0
    for block in _pairs_in_runs(values, keys):
        close = block[np.bitwise_count(block[:, 0] ^ block[:, 1]) <= radius]
        blocks.append(table.restore(close))
        count += len(close)
        if count >= PAIR_BLOCK:
            yield np.concatenate(blocks)
            blocks, count = [], 0
    if count:
        yield np.concatenate(blocks)


def sorted_edges(blocks: list[Edges]) -> Edges:
    """One sorted, unique edge list out of several, independent of their order."""
    if not blocks:
        return np.empty((0, 2), np.uint64)
    edges = np.concatenate(blocks)
    edges = np.stack([edges.min(axis=1), edges.max(axis=1)], axis=1)
    edges = edges[np.lexsort((edges[:, 1], edges[:, 0]))]
    fresh = np.ones(len(edges), bool)
    fresh[1:] = (edges[1:] != edges[:-1]).any(axis=1)
    return edges[fresh]


def both_ways(edges: Edges) -> Edges:
    """Each edge from either end: (2E, 2)."""
    return np.concatenate([edges, edges[:, ::-1]])


def join(hashes: Hashes, radius: int) -> Edges:
    """All pairs of distinct tokens within ``radius`` bits, in one process."""
    return sorted_edges(
        [join_table(table.permute(hashes), table, radius) for table in tables(radius)]
    )


def _pairs_in_runs(values: Hashes, keys: Hashes) -> Iterator[Edges]:
    """Blocks of all pairs whose keys are equal; ``keys`` is sorted.

    The k-th pass pairs every value with the one k places on, while any run is that long, so that
    the work is proportional to the pairs and the memory to one block.
    """
    starts = np.flatnonzero(keys[1:] == keys[:-1])
    distance = 1
    while len(starts):
        for low in range(0, len(starts), PAIR_BLOCK):
            chosen = starts[low : low + PAIR_BLOCK]
            yield np.stack([values[chosen], values[chosen + distance]], axis=1)
        distance += 1
        starts = starts[starts + distance < len(keys)]
        starts = starts[keys[starts] == keys[starts + distance]]
