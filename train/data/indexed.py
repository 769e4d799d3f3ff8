"""The sources of a run after their rows were indexed, and what is to be told of them."""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from curation.failures.errors import UsageError
from curation.picture.sizes import Size
from train.data.index import Index
from train.data.latents import Reading
from train.data.skipped import Skipped


@dataclass(frozen=True)
class Indexed:
    """A source of some phases: the shards of ``pattern``, ``named`` as they were asked for, and
    what is taken of them: rows that are trained on, and rows ``held_out``.
    """

    pattern: str
    named: str
    reading: Reading
    training: Index
    held_out: Index
    skipped: Skipped


def counts(sources: Sequence[Indexed], last: set[int]) -> dict[Size, int]:
    """The training images of each size, those of the ``last`` phase's sources first, and of these
    the most. What several sources take of the same shards counts once.
    """
    every = _images(sources)
    latest = _images(each for number, each in enumerate(sources) if number in last)
    order = sorted(every, key=lambda size: (size not in latest, -(latest[size] or every[size])))
    return {size: every[size] for size in order}


def _images(sources: Iterable[Indexed]) -> Counter[Size]:
    by_shards: dict[str, Counter[Size]] = {}
    for each in sources:
        index = each.training
        own = np.bincount(index.size, minlength=len(index.sizes)).tolist()
        of_sizes = Counter({size: n for size, n in zip(index.sizes, own, strict=True) if n})
        by_shards[each.pattern] = by_shards.get(each.pattern, Counter()) | of_sizes
    return sum(by_shards.values(), Counter[Size]())


def lines(sources: Sequence[Indexed]) -> Iterator[str]:
    """What was left out of each source and why, what is trained on all the same; of several also
    the numbers by which losses are reported.
    """
    for number, each in enumerate(sources):
        of = ""
        if len(sources) > 1:
            of = f"source/{number}: "
            yield f"{of}{each.named}: {len(each.training)} images"
        data = each.reading.data
        yield from (f"{of}skipped: {line}" for line in each.skipped.lines(data, images=False))
        yield from (f"{of}warning: {line}" for line in each.skipped.warnings(data))


def refuse_nothing(sources: Iterable[Indexed], readable: Iterable[int]) -> None:
    """Raise ``UsageError`` for a source of which no row is left, or none can be read, with the
    reasons; ``readable`` is how many rows of each were.
    """
    for count, source in zip(readable, sources, strict=True):
        if count:
            continue
        reasons = "; ".join(source.skipped.lines(source.reading.data)) or "the shards have no rows"
        if len(source.held_out) and not len(source.training):
            held = len(source.held_out)
            reasons = f"data.held_out: all {held} images are held out; set data.held_out: 0"
        raise UsageError(f"{source.named}: nothing to train on: {reasons}")
