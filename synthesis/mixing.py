"""Which drawn pictures join a mix of curated ones, so that they are the configured share of it."""

import hashlib
from collections.abc import Sequence


def joining(keys: Sequence[str], curated: int, share: float, seed: int) -> list[int]:
    """The positions of the ``keys`` that join ``curated`` rows to be ``share`` (0 to 1) of all.

    They are those of the smallest hashes of (seed, key): the same ones in any order of the keys,
    and of a larger mix a superset. All positions where there are too few keys. Raises
    ``ValueError`` for a share of 1 or more, or below 0.
    """
    if not 0 <= share < 1:
        raise ValueError(f"share {share}: expected 0 to below 1")
    wanted = round(curated * share / (1 - share))
    ranked = sorted(range(len(keys)), key=lambda position: _rank(keys[position], seed))
    return sorted(ranked[:wanted])


def _rank(key: str, seed: int) -> bytes:
    return hashlib.blake2b(f"{seed}/{key}".encode(), digest_size=16).digest()
