"""Ranks of rows within a category: a level from 1, the best, to ``LEVELS``, and what is told of it.

Rows of one level go together. The *sampling key* of a row, above 0 and up to 1, depends on the seed
and its id alone; the smallest come first. Of a column the largest values come first.
"""

import hashlib
from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

LEVELS = 65_536
_LARGEST, _SMALLEST = 0xFF80_0000, 0x0080_0000  # what is beyond is infinite, or no number


def sampling_levels(ids: Iterable[str], seed: int) -> NDArray[np.int32]:
    """The levels of rows with these ids by sampling key: (N,)."""
    digests = [_digest(f"{seed}/{identity}") for identity in ids]
    return np.frombuffer(b"".join(digests), ">u2").astype(np.int32) + 1


def _digest(text: str) -> bytes:
    return hashlib.blake2b(text.encode(), digest_size=2).digest()


def sampling_keys(levels: NDArray[np.int32]) -> NDArray[np.float64]:
    """What ledgers say of these levels: above 0, up to 1."""
    return levels / LEVELS


def column_levels(values: NDArray[np.float64]) -> NDArray[np.int32]:
    """The levels of values (N,) of a column: by the first 16 bits of float32, rounded down."""
    with np.errstate(over="ignore", invalid="ignore"):
        single = values.astype(np.float32)
        single = np.where(single > values, np.nextafter(single, np.float32(-np.inf)), single)
    bits = (single + np.float32(0)).view(np.uint32)  # adding 0 leaves no -0
    ascending = np.where(bits >> np.uint32(31), ~bits, bits | np.uint32(0x8000_0000))
    return (LEVELS - (ascending >> np.uint32(16)).astype(np.int32)).astype(np.int32)


def least_value(level: int) -> float:
    """The smallest value of a column at this level or a better one."""
    ascending = (LEVELS - level) << 16
    if ascending > _LARGEST:
        return float("inf")
    if ascending < _SMALLEST:
        return float("-inf")
    bits = ascending & 0x7FFF_FFFF if ascending >> 31 else ~ascending & 0xFFFF_FFFF
    return float(np.array(bits, np.uint32).view(np.float32))
