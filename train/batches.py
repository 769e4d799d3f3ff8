"""Which examples a step sees: a pure function of seed and step, so that a resume needs no state."""

import hashlib
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class Batch:
    """``indices`` (B,) into the examples of the bucket with number ``bucket``."""

    bucket: int
    indices: NDArray[np.int64]


def seed_for(seed: int, *purpose: object) -> int:
    """A 63-bit seed for one purpose, such as ("noise", step): independent of every other."""
    text = ":".join(str(part) for part in (seed, *purpose))
    digest = hashlib.blake2b(text.encode(), digest_size=8).digest()
    return int.from_bytes(digest, "big") >> 1


@lru_cache(maxsize=2)
def epoch(counts: tuple[int, ...], size: int, seed: int, number: int) -> tuple[Batch, ...]:
    """All batches of one epoch, shuffled: every example once, never two buckets in a batch.

    ``counts`` are the examples per bucket. A bucket's last batch may be smaller than ``size``.
    """
    random = np.random.default_rng(seed_for(seed, "epoch", number))
    found: list[Batch] = []
    for bucket, count in enumerate(counts):
        order = random.permutation(count)
        found += [Batch(bucket, order[start : start + size]) for start in range(0, count, size)]
    return tuple(found[place] for place in random.permutation(len(found)))


def at(counts: tuple[int, ...], size: int, seed: int, step: int) -> Batch:
    """The batch of the 1-based ``step``."""
    per_epoch = sum(-(-count // size) for count in counts)
    number, place = divmod(step - 1, per_epoch)
    return epoch(counts, size, seed, number)[place]
