"""Ranks of rows within a category: a level from 1, the best, to ``LEVELS``, and what is told of it.

The *sampling key* of a row, above 0 and up to 1, depends on the seed and its id alone; the smallest
come first. Of a column the largest values come first, in steps of 1/128 of a power of two; of one
step, the smallest sampling keys, so that rows of equal values do not all pass or all fall.
"""

import hashlib
from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

STEPS = 65_536
TIES = 65_536  # levels of one step
LEVELS = STEPS * TIES
_LARGEST, _SMALLEST = 0xFF80_0000, 0x0080_0000  # what is beyond is infinite, or no number


def sampling_levels(ids: Iterable[str], seed: int) -> NDArray[np.int64]:
    """The levels of rows with these ids by sampling key: (N,)."""
    named = [f"{seed}/{identity}" for identity in ids]
    first, last = (
        np.frombuffer(b"".join(map(_digest, texts)), ">u2").astype(np.int64)
        for texts in (named, (f"{name}/tie" for name in named))
    )
    return first * TIES + last + 1


def _digest(text: str) -> bytes:
    return hashlib.blake2b(text.encode(), digest_size=2).digest()


def sampling_keys(levels: NDArray[np.int64]) -> NDArray[np.float64]:
    """What ledgers say of these levels: above 0, up to 1."""
    return levels / LEVELS


def column_levels(values: NDArray[np.float64], keys: NDArray[np.int64]) -> NDArray[np.int64]:
    """The levels of values (N,) of a column: by the first 16 bits of float32, rounded down; of
    those alike by the sampling levels ``keys`` (N,).
    """
    with np.errstate(over="ignore", invalid="ignore"):
        single = values.astype(np.float32)
        single = np.where(single > values, np.nextafter(single, np.float32(-np.inf)), single)
    bits = (single + np.float32(0)).view(np.uint32)  # adding 0 leaves no -0
    ascending = np.where(bits >> np.uint32(31), ~bits, bits | np.uint32(0x8000_0000))
    better = STEPS - 1 - (ascending >> np.uint32(16)).astype(np.int64)
    return np.asarray(better * TIES + (keys - 1) // TIES + 1, np.int64)


def least_values(levels: NDArray[np.int64], last: int) -> NDArray[np.float64]:
    """What a row at each of these levels (N,) of a column must reach, by its sampling key, where
    ``last`` is the last level that passes: (N,).
    """
    is_late = (levels - 1) % TIES > (last - 1) % TIES
    return np.where(is_late, least_value(last - TIES), least_value(last))


def least_value(level: int) -> float:
    """The smallest value of a column in the step of this level or a better one."""
    ascending = (STEPS - 1 - (level - 1) // TIES) << 16
    if ascending > _LARGEST:
        return float("inf")
    if ascending < _SMALLEST:
        return float("-inf")
    bits = ascending & 0x7FFF_FFFF if ascending >> 31 else ~ascending & 0xFFFF_FFFF
    return float(np.array(bits, np.uint32).view(np.float32))
