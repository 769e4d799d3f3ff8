"""How many rows of each category have which rank: what the threshold of a quota is read from.

Ranks are counted one by one as long as there are few, and in bins of up to 65,536 (those of rows of
one step, ``judging.ranks``) where there are too many. Rows of a bin go together.
"""

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from curation.judging.ranks import LEVELS

_ROOM = 2**16  # of parts that are not added up yet, beside as many as are
MOST = 2**20  # entries: beyond them bins are widened
WIDER, WIDEST = 4, 16  # bits of a level


@dataclass(frozen=True)
class Part:
    """Rows counted: ``number`` (K,) of them are of ``category`` (an index of ``names``, or -1 for
    none), at ``level`` (0 where there is no category) and pass so many stages (``passed``).

    Sorted by category, level and passed. A level is the last of a bin of 2 ** ``bits`` levels.
    """

    names: tuple[str, ...]
    category: NDArray[np.int32]
    level: NDArray[np.int64]
    passed: NDArray[np.int16]
    number: NDArray[np.int64]
    bits: int = 0


def part(
    names: tuple[str, ...],
    category: NDArray[np.int32],
    level: NDArray[np.int64],
    passed: NDArray[np.int16],
    number: NDArray[np.int64] | None = None,
    bits: int = 0,
) -> Part:
    """Rows (N,) added up, each of them ``number`` (else 1) rows, in bins of 2 ** ``bits``."""
    stages = int(passed.max(initial=0)) + 1
    level = np.where(level > 0, ((level - 1) | (2**bits - 1)) + 1, 0)
    place = ((category.astype(np.int64) + 1) * (LEVELS + 1) + level) * stages + passed
    places, where = np.unique(place, return_inverse=True)
    total = np.bincount(where, number).astype(np.int64)
    above, depth = np.divmod(places, stages)
    of, at = np.divmod(above, LEVELS + 1)
    return Part(names, (of - 1).astype(np.int32), at, depth.astype(np.int16), total, bits)


@dataclass
class Histogram:
    """Parts that add up in any order; ``units`` are those that hold rows which a quota limits.

    Memory: 22 bytes for each category, bin and number of stages that occurs, twice. Whether bins
    are wide depends on all rows together alone: what is too much of some of them is so of all.
    """

    parts: list[Part] = field(default_factory=list)
    units: list[str] = field(default_factory=list)
    _size: int = 0

    def add(self, other: "Histogram") -> None:
        """Add other rows."""
        self.parts += other.parts
        self.units += other.units
        if sum(len(of.number) for of in self.parts) > 2 * self._size + _ROOM:
            self.parts = [self.added()]
            self._size = len(self.parts[0].number)

    def added(self) -> Part:
        """All parts as one, the names of its categories sorted, in bins as wide as it takes."""
        names = tuple(sorted({name for of in self.parts for name in of.names}))
        place = {name: number for number, name in enumerate(names)}
        moved = [
            np.array([*(place[name] for name in of.names), -1], np.int32)[of.category]
            for of in self.parts
        ]
        category = np.concatenate([*moved, np.zeros(0, np.int32)])
        level = np.concatenate([*(of.level for of in self.parts), np.zeros(0, np.int64)])
        passed = np.concatenate([*(of.passed for of in self.parts), np.zeros(0, np.int16)])
        number = np.concatenate([*(of.number for of in self.parts), np.zeros(0, np.int64)])
        bits = max((of.bits for of in self.parts), default=0)
        total = part(names, category, level, passed, number, bits)
        while len(total.number) > MOST and total.bits < WIDEST:
            counted = total.category, total.level, total.passed, total.number
            total = part(names, *counted, total.bits + WIDER)
        return total
