"""Which rows of the sources of a phase are trained on for which task."""

from collections.abc import Collection, Iterator, Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from curation.failures.errors import UsageError
from train.configuration import Task
from train.data.index import Index
from train.data.plan import Stream
from train.phases import Phase

_NEEDED: dict[Task, str] = {
    "t2i": "images with captions",
    "ti2i": "edit pairs with instructions",
    "i2i": "images",
}


def of_phase(
    phase: Phase,
    place: int,
    own: Sequence[tuple[int, Index]],
    seed: int,
    ahead: Mapping[int, int],
) -> tuple[list[Stream], list[float]]:
    """The streams of the phase at a ``place`` of the curriculum, of every source for every task,
    and their shares; a task's is divided among the sources that have rows for it.

    ``own`` are numbers and training rows of its sources, ``ahead`` how many rows are read at once,
    by number. Raises ``UsageError`` for a task that no source has rows for.
    """
    streams: list[Stream] = []
    shares: list[float] = []
    for task, of_task in phase.data.tasks.items():
        able = []
        for source, (number, index) in zip(phase.sources, own, strict=True):
            rows = np.flatnonzero(_is_for(index, task))
            if len(rows):
                able.append((source, number, index, rows))
        if not able:
            raise UsageError(
                f"{phase.named}: tasks asks for {task}, and no source of it has {_NEEDED[task]}"
            )
        total = sum(source.share for source, *_ in able)
        for source, number, index, rows in able:
            stream = Stream(
                index,
                rows,
                number,
                task,
                seed,
                f"{place}:{number}:{task}",
                (*source.data.splits.values(), 1.0),
                -(-ahead[number] // 2),
                source.data.languages,
            )
            streams.append(stream)
            shares.append(of_task * source.share / total)
    return streams, shares


def idle(named: str, index: Index, tasks: Collection[Task]) -> Iterator[str]:
    """What is to be told of rows that are of none of the ``tasks``."""
    pairs = int(index.pair.sum())
    if pairs and "ti2i" not in tasks:
        yield f"{named}: {pairs:,} edit pairs are not trained on: data.tasks has no ti2i"
    plain = len(index) - pairs
    if plain and not {"t2i", "i2i"} & set(tasks):
        yield f"{named}: {plain:,} images are not trained on: data.tasks has neither t2i nor i2i"


def _is_for(index: Index, task: Task) -> NDArray[np.bool_]:
    """(N,) which rows a task can be made of."""
    return index.pair if task == "ti2i" else ~index.pair
