"""How many rows of each cell make a mix of several columns at once, none of them twice.

A cell is what rows have in common in all of the columns. Counts of cells are scaled to the shares
of each column in turn until all hold (iterative proportional fitting, Deming and Stephan 1940), and
no cell gives more than it has; the largest total for which that comes out is searched by halving.
Then counts are rounded so that no share is exceeded.
"""

from collections.abc import Sequence
from fractions import Fraction

import numpy as np
from numpy.typing import NDArray

ROUNDS = 400
CLOSE = 0.01  # rows
LARGEST = 1e12  # factor of a cell: it gives all that it has


def largest_mix(
    rows: NDArray[np.int64],
    places: Sequence[NDArray[np.int64]],
    shares: Sequence[Sequence[Fraction]],
) -> NDArray[np.int64]:
    """How many of the ``rows`` (C,) of each cell are to stay.

    ``places`` say of each column which of its values a cell has (C,), ``shares`` what part of the
    whole each value is to be. All 0 where the shares contradict what cells there are.
    """
    parts = [np.array([float(part) for part in of]) for of in shares]
    low, high, best = 0, int(rows.sum()), np.zeros(len(rows))
    while low < high:
        total = (low + high + 1) // 2
        fitted = _fitted(rows, places, [total * of for of in parts])
        if fitted is None:
            high = total - 1
        else:
            low, best = total, fitted
    targets = [np.array(nearest(low, of), np.int64) for of in shares]
    return _rounded(best, rows, places, targets)


def _fitted(
    rows: NDArray[np.int64],
    places: Sequence[NDArray[np.int64]],
    wanted: Sequence[NDArray[np.float64]],
) -> NDArray[np.float64] | None:
    """Counts of cells that add up to what is wanted of each column; None if none were come to."""
    factor, most = np.ones(len(rows)), rows.astype(np.float64)
    counts = most
    for _ in range(ROUNDS):
        off = 0.0
        for place, target in zip(places, wanted, strict=True):
            here = np.bincount(place, counts, minlength=len(target))
            off = max(off, float(np.abs(here - target).max(initial=0.0)))
            scale = np.divide(target, here, out=np.zeros_like(here), where=here > 0)
            factor = np.minimum(factor * scale[place], LARGEST)
            counts = most * np.minimum(1.0, factor)
        if off < CLOSE:
            return counts
    return None


def nearest(total: int, shares: Sequence[Fraction]) -> list[int]:
    """The whole numbers nearest to these shares, which sum to 1, of a total: rounded down, then one
    more where the remainders are largest, of equal ones the first.
    """
    exact = [total * part for part in shares]
    counts = [int(of) for of in exact]
    order = sorted(range(len(exact)), key=lambda of: (counts[of] - exact[of], of))
    for place in order[: total - sum(counts)]:
        counts[place] += 1
    return counts


def _rounded(
    counts: NDArray[np.float64],
    rows: NDArray[np.int64],
    places: Sequence[NDArray[np.int64]],
    targets: Sequence[NDArray[np.int64]],
) -> NDArray[np.int64]:
    """Whole counts (C,): rounded down, then one more of each by its remainder, while all of its
    values have room for it.
    """
    result = np.minimum(np.floor(counts + 1e-9), rows).astype(np.int64)
    room = [
        target - np.bincount(place, result, minlength=len(target)).astype(np.int64)
        for place, target in zip(places, targets, strict=True)
    ]
    remainder = np.round(counts - result, 6)
    for cell in np.lexsort((np.arange(len(rows)), -remainder)).tolist():
        has_room = all(of[place[cell]] > 0 for of, place in zip(room, places, strict=True))
        if has_room and result[cell] < rows[cell]:
            result[cell] += 1
            for of, place in zip(room, places, strict=True):
                of[place[cell]] -= 1
    return result
