"""Which rows and captions a step sees: a pure function of seed and step, so that a resume needs no
state.

An epoch shows every row once, or as often as its weight says. Row groups are shuffled and taken
together in windows, rows are shuffled within a window: what a stretch of steps needs lies in few
row groups. A batch is of one image size and one class of caption lengths, so that little of it is
padding; what fills no batch of its class by the end of an epoch is batched with its neighbours in
length. The number of batches of an epoch depends on the index alone.

Shapes: N rows, M showings in an epoch, S splits of captions.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from train.data.index import Index
from train.seeds import seed_for

Integers = NDArray[np.int64]
# Longest caption of a class in UTF-8 bytes: a token is 3 to 4 of them in both text encoders.
_LENGTHS = tuple(round(96 * 1.5**power) for power in range(9))


@dataclass(frozen=True)
class Batch:
    """``rows`` (B,) of the index, all of one size, each with the number of its caption (B,)."""

    rows: Integers
    captions: Integers


@dataclass(frozen=True)
class _Epoch:
    """``rows`` (M,) with ``captions`` (M,) in order; batch n is from ``bounds[n]`` to the next."""

    rows: NDArray[np.int32]
    captions: NDArray[np.int16]
    bounds: Integers


class Plan:
    """The batches of ``size`` rows of an index.

    ``shares`` has the share of every split of captions, in the index's order. A window is as many
    row groups as hold ``window`` rows, at least one.
    """

    def __init__(
        self,
        index: Index,
        size: int,
        seed: int,
        shares: tuple[float, ...],
        window: int,
    ) -> None:
        self._index, self._seed, self._shares = index, seed, shares
        self.batch = size
        self._group_rows = np.bincount(index.group, minlength=len(index.groups))
        self._window = window
        self._showings = _showings(index)
        self.per_epoch = sum(-(-count // size) for count in self._showings.values())
        self._epoch: tuple[int, _Epoch] | None = None

    @property
    def nbytes(self) -> int:
        """Bytes of the epoch that is held."""
        epoch = self._epoch and self._epoch[1]
        arrays = (epoch.rows, epoch.captions, epoch.bounds) if epoch else ()
        return sum(array.nbytes for array in arrays)

    def at(self, step: int) -> Batch:
        """The batch of the 1-based ``step``."""
        return next(self.following(step))

    def following(self, step: int) -> Iterator[Batch]:
        """The batch of the 1-based ``step`` and all after it in its epoch."""
        number, place = divmod(step - 1, self.per_epoch)
        if self._epoch is None or self._epoch[0] != number:
            self._epoch = None  # else two would be held at once
            self._epoch = number, self._made(number)
        epoch = self._epoch[1]
        for start, end in pairwise(epoch.bounds[place:]):
            rows, captions = epoch.rows[start:end], epoch.captions[start:end]
            yield Batch(rows.astype(np.int64), captions.astype(np.int64))

    def _made(self, number: int) -> _Epoch:
        random = np.random.default_rng(seed_for(self._seed, "epoch", number))
        rows = self._stream(random)
        captions = _choices(self._index, rows, self._shares, random)
        lengths = self._index.caption_bytes[self._index.first[rows] + captions]
        classes = np.searchsorted(_LENGTHS, lengths)
        batches: list[Integers] = []
        rest: list[Integers] = []
        for size in self._showings:
            places = np.flatnonzero(self._index.size[rows] == size)
            full, others = _batches(places, classes[places], self.batch)
            batches += full
            rest += others
        batches.sort(key=lambda places: int(places[-1]))  # complete when its last row comes by
        batches += [rest[place] for place in random.permutation(len(rest))]
        order = np.concatenate(batches)
        bounds = np.cumsum([0, *map(len, batches)])
        return _Epoch(rows[order].astype(np.int32), captions[order].astype(np.int16), bounds)

    def _stream(self, random: np.random.Generator) -> Integers:
        """(M,) rows, as often as each is shown, in the order they come by."""
        index = self._index
        shown = [
            _sample(np.flatnonzero(index.size == size), index.weight, count, random)
            for size, count in self._showings.items()
        ]
        rows = np.concatenate(shown)
        order = random.permutation(len(index.groups))
        windows = np.empty(len(order), np.int64)
        rows_before = np.cumsum(self._group_rows[order]) - self._group_rows[order]
        windows[order] = rows_before // self._window
        rows = rows[random.permutation(len(rows))]
        return rows[np.argsort(windows[index.group[rows]], kind="stable")]


def _showings(index: Index) -> dict[int, int]:
    """How often an epoch shows rows of each size, by the number of the size: N times in all."""
    sizes, counts = np.unique(index.size, return_counts=True)
    if index.weight is not None:
        weights = np.bincount(index.size, index.weight)[sizes]
        counts = np.maximum(1, np.round(weights * len(index) / weights.sum())).astype(np.int64)
    return dict(zip(sizes.tolist(), counts.tolist(), strict=True))


def _sample(
    rows: Integers, weight: NDArray[np.float32] | None, count: int, random: np.random.Generator
) -> Integers:
    """``count`` of the rows in proportion to weight: each as often as that says, rounded by chance.

    Systematic sampling: evenly spaced points on the running sum of weights, of rows in any order,
    so that no rhythm in the shards meets that of the points.
    """
    if weight is None:
        return rows
    rows = random.permutation(rows)
    ends = np.cumsum(weight[rows], dtype=np.float64)
    points = (np.arange(count) + random.random()) * (ends[-1] / count)
    chosen: Integers = rows[np.minimum(np.searchsorted(ends, points, "right"), len(rows) - 1)]
    return chosen


def _choices(
    index: Index, rows: Integers, shares: tuple[float, ...], random: np.random.Generator
) -> Integers:
    """(M,) the number of each row's caption: a split it has by share, then any of that split."""
    counts = index.captions[rows].astype(np.int64)  # (M, S)
    running = np.cumsum((counts > 0) * np.asarray(shares), axis=1)
    chance = random.random((len(rows), 2))
    split = (chance[:, :1] * running[:, -1:] >= running).sum(1)
    everyone = np.arange(len(rows))
    before = (np.cumsum(counts, axis=1) - counts)[everyone, split]
    place: Integers = (chance[:, 1] * counts[everyone, split]).astype(np.int64)
    chosen: Integers = before + place
    return chosen


def _batches(
    places: Integers, classes: Integers, size: int
) -> tuple[list[Integers], list[Integers]]:
    """Places in the stream, ascending: full batches of one class, and batches of what is left."""
    full: list[Integers] = []
    left: list[Integers] = []
    for name in np.unique(classes):
        members = places[classes == name]
        full_rows = len(members) // size * size
        full += list(members[:full_rows].reshape(-1, size))
        left.append(members[full_rows:])
    rest = np.concatenate(left)
    return full, [rest[start : start + size] for start in range(0, len(rest), size)]
