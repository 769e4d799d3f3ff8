"""Which rows and captions a step sees: a pure function of seed and step, so that a resume needs no
state.

A phase shows streams: each is one source's rows for one task. An epoch of a stream shows every row
once, or as often as its weight says. Row groups are shuffled and taken together in windows, rows
are shuffled within a window: what a stretch of steps needs lies in few row groups. Epochs follow
one another without a break, and every batch has as much of each stream as its share says, to a
sample.

Shapes: N rows, M showings in an epoch, S splits of captions, b showings.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from train.configuration import Task
from train.data.index import Index
from train.seeds import seed_for

Integers = NDArray[np.int64]
_TURNS = 14  # bits: shares are to 1 in 16,384


@dataclass(frozen=True)
class Showings:
    """``rows`` (b,) of the index of a stream, each with the number of its caption (b,)."""

    stream: "Stream"
    rows: Integers
    captions: Integers


class Stream:
    """The ``rows`` of an index for one ``task``, epoch after epoch.

    ``source`` numbers the index; ``purpose`` is what the stream's chance depends on beside the
    seed. ``splits`` has the share of every split of captions, in the index's order, ``languages``
    that of every language, of the index, too. A window is as many row groups as hold ``window``
    rows, at least one.
    """

    def __init__(
        self,
        index: Index,
        rows: Integers,
        source: int,
        task: Task,
        seed: int,
        purpose: str,
        splits: tuple[float, ...],
        window: int,
        languages: Mapping[str, float] | None = None,
    ) -> None:
        self.index, self.rows, self.source, self.task = index, rows, source, task
        self._seed, self._purpose, self._splits, self._window = seed, purpose, splits, window
        self._languages = np.array([(languages or {}).get(name, 1.0) for name in index.languages])
        self._group_rows = np.bincount(index.group[rows], minlength=len(index.groups))
        self._epochs: dict[int, tuple[NDArray[np.int32], NDArray[np.int16]]] = {}

    @property
    def nbytes(self) -> int:
        """Bytes of the epochs that are held."""
        return sum(array.nbytes for epoch in self._epochs.values() for array in epoch)

    def between(self, start: int, end: int) -> Showings:
        """What stands from place ``start`` of the stream to before ``end``."""
        size = len(self.rows)
        rows: list[Integers] = []
        captions: list[Integers] = []
        for number in range(start // size, -(-end // size)):
            within = slice(max(start - number * size, 0), end - number * size)
            epoch = self._epoch(number)
            rows.append(epoch[0][within].astype(np.int64))
            captions.append(epoch[1][within].astype(np.int64))
        return Showings(self, np.concatenate(rows), np.concatenate(captions))

    def _epoch(self, number: int) -> tuple[NDArray[np.int32], NDArray[np.int16]]:
        if number not in self._epochs:
            self._epochs = {key: held for key, held in self._epochs.items() if key == number - 1}
            random = np.random.default_rng(seed_for(self._seed, "epoch", self._purpose, number))
            rows = self._ordered(random)
            captions = _choices(self.index, rows, self._splits, self._languages, random)
            self._epochs[number] = rows.astype(np.int32), captions.astype(np.int16)
        return self._epochs[number]

    def _ordered(self, random: np.random.Generator) -> Integers:
        """(M,) rows, as often as each is shown, in the order they come by."""
        rows = _sample(self.rows, self.index.weight, random)
        order = random.permutation(len(self._group_rows))
        windows = np.empty(len(order), np.int64)
        rows_before = np.cumsum(self._group_rows[order]) - self._group_rows[order]
        windows[order] = rows_before // self._window
        rows = rows[random.permutation(len(rows))]
        return rows[np.argsort(windows[self.index.group[rows]], kind="stable")]


@dataclass(frozen=True)
class Stretch:
    """Steps ``first`` to ``last`` with batches of ``batch`` showings, of each stream its share."""

    first: int
    last: int
    batch: int
    streams: Sequence[Stream]
    shares: Sequence[float]

    def at(self, step: int) -> list[Showings]:
        """What a step of the stretch shows, by stream."""
        start = self._places((step - self.first) * self.batch)
        end = self._places((step + 1 - self.first) * self.batch)
        return [
            stream.between(*places)
            for stream, *places in zip(self.streams, start, end, strict=True)
            if places[0] < places[1]
        ]

    def _places(self, shown: int) -> list[int]:
        """How far each stream is when so many samples of the stretch were shown."""
        turns = self._turns
        full, rest = divmod(shown, len(turns))
        counts = np.bincount(turns[:rest], minlength=len(self.streams))
        every = np.bincount(turns, minlength=len(self.streams))
        places: list[int] = (full * every + counts).tolist()
        return places

    @cached_property
    def _turns(self) -> NDArray[np.int16]:
        """Whose turn it is, again and again: by the van der Corput sequence, which is even over
        stretches of any length.
        """
        counted = np.arange(1 << _TURNS)
        reverse = sum(((counted >> bit) & 1) << (_TURNS - 1 - bit) for bit in range(_TURNS))
        ends = np.cumsum(self.shares) / sum(self.shares)
        return np.searchsorted(ends[:-1], reverse / (1 << _TURNS), "right").astype(np.int16)


def at(stretches: Sequence[Stretch], step: int) -> Stretch:
    """The stretch of the 1-based ``step``; the last one goes on."""
    return next((each for each in stretches if step <= each.last), stretches[-1])


@dataclass(frozen=True)
class Part:
    """Some showings of a stream: their ``places`` (b,) in the batch, ``rows`` and ``captions``."""

    stream: Stream
    places: list[int]
    rows: Integers
    captions: Integers


def divided(showings: Sequence[Showings], rank: int, ranks: int) -> list[Part]:
    """What ``rank`` of ``ranks`` is shown of a batch: one image after the other goes to that which
    has the fewest pixels so far, by the sizes that the index knows. Every rank has some where the
    batch is not smaller than their number.
    """
    pixels = np.concatenate([_pixels(each) for each in showings])
    owner = np.zeros(len(pixels), np.int64)
    load = np.zeros(ranks)
    for place, size in enumerate(pixels.tolist() if ranks > 1 else ()):
        owner[place] = int(load.argmin())
        load[owner[place]] += size
    parts: list[Part] = []
    first = 0
    for each in showings:
        own = np.flatnonzero(owner[first : first + len(each.rows)] == rank)
        if len(own):
            places = (first + own).tolist()
            parts.append(Part(each.stream, places, each.rows[own], each.captions[own]))
        first += len(each.rows)
    return parts


def _pixels(showings: Showings) -> Integers:
    """(b,) of each image."""
    index = showings.stream.index
    areas = np.array([width * height for width, height in index.sizes], np.int64)
    pixels: Integers = areas[index.size[showings.rows]]
    return pixels


def _sample(
    rows: Integers, weight: NDArray[np.float32] | None, random: np.random.Generator
) -> Integers:
    """As many of the rows in proportion to weight: each as often as that says, rounded by chance.

    Systematic sampling: evenly spaced points on the running sum of weights, of rows in any order,
    so that no rhythm in the shards meets that of the points.
    """
    if weight is None:
        return rows
    rows, count = random.permutation(rows), len(rows)
    ends = np.cumsum(weight[rows], dtype=np.float64)
    points = (np.arange(count) + random.random()) * (ends[-1] / count)
    chosen: Integers = rows[np.minimum(np.searchsorted(ends, points, "right"), count - 1)]
    return chosen


def _choices(
    index: Index,
    rows: Integers,
    splits: tuple[float, ...],
    languages: NDArray[np.float64],
    random: np.random.Generator,
) -> Integers:
    """(M,) the number of each row's caption: a split it has by share, then one of that split by the
    share of its language.
    """
    counts = index.captions[rows].astype(np.int64)  # (M, S)
    running = np.cumsum((counts > 0) * np.asarray(splits), axis=1)
    chance = random.random((len(rows), 2))
    split = (chance[:, :1] * running[:, -1:] >= running).sum(1)
    everyone = np.arange(len(rows))
    before = (np.cumsum(counts, axis=1) - counts)[everyone, split]
    first = index.first[rows] + before
    # The running share of all captions: within a split it rises by the share of each language.
    share = np.concatenate([[0.0], np.cumsum(languages[index.language])])
    low, high = share[first], share[first + counts[everyone, split]]
    place = np.searchsorted(share, low + chance[:, 1] * (high - low), "right") - 1
    chosen: Integers = before + np.clip(place - first, 0, counts[everyone, split] - 1)
    return chosen
