"""What a step is shown: the batches of a plan, with latents, captions and the images of edits.

Shapes: c latent channels, h w latent cells, H W pixels.
"""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from torch import Tensor

from curation.failures.errors import UsageError
from train.configuration import Task
from train.data import plan
from train.data.latents import Kept, Latents
from train.data.plan import Stream, Stretch
from train.packing.packed import Text
from train.pixels import Pixels

RECONSTRUCT = "Reproduce this image exactly."  # ours: the report gives no instruction for I2I


@dataclass(frozen=True)
class Shown:
    """A sample of a batch: ``latents`` (c, h, w) of what is to be generated, its ``caption`` (empty
    with chance ``caption_dropout``), latents of the ``references`` that the network sees, and the
    ``images`` (H, W, 3) that the text encoder sees. ``source`` numbers where it is from, ``id`` is
    that of its row, ``planned`` the row that the plan asks for. ``features`` of its caption, where
    that is dropped of the empty one, are there if they were made ahead.
    """

    latents: Tensor
    caption: str
    caption_dropout: float
    task: Task
    source: int
    references: tuple[Tensor, ...] = ()
    images: tuple[Pixels, ...] = ()
    id: str = ""
    planned: int = 0
    features: Text | None = None


class Steps(Protocol):
    """Where batches come from: ``at`` is a pure function of the 1-based step and the rank, and
    gives each sample with its place in the batch.
    """

    def at(self, step: int, rank: int = 0, ranks: int = 1) -> list[tuple[int, Shown]]: ...


@dataclass(frozen=True)
class Showing:
    """What the plan asks for at ``place`` of a batch: a ``row`` of a stream with a caption."""

    stream: Stream
    place: int
    row: int
    choice: int


Only = Mapping[int, Collection[int]]  # of these steps these places


@dataclass(frozen=True)
class Manner:
    """How the samples of a stretch are shown; ``sees_result``: held-out ones as they are."""

    caption_dropout: float
    sees_latents: bool
    sees_images: bool
    sees_result: bool = False


class Batches:
    """The batches of the stretches of a run, shown each in its manner; ``latents`` are by source,
    ``ahead`` how many rows of each are read at once.
    """

    def __init__(
        self,
        stretches: Sequence[Stretch],
        manners: Sequence[Manner],
        latents: Mapping[int, Latents],
        ahead: Mapping[int, int],
    ) -> None:
        self.stretches, self._manners = stretches, manners
        self.latents, self._ahead = latents, ahead

    def planned(self, step: int, rank: int = 0, ranks: int = 1) -> list[Showing]:
        """What the plan asks for at the 1-based ``step``, by place."""
        parts = plan.divided(plan.at(self.stretches, step).at(step), rank, ranks)
        return [
            Showing(part.stream, *row)
            for part in parts
            for row in zip(part.places, part.rows.tolist(), part.captions.tolist(), strict=True)
        ]

    def manner(self, step: int) -> Manner:
        """How the samples of the 1-based ``step`` are shown."""
        return self._manners[self.stretches.index(plan.at(self.stretches, step))]

    def at(self, step: int, rank: int = 0, ranks: int = 1) -> list[tuple[int, Shown]]:
        """What the 1-based ``step`` is shown, with the place of each in the batch; the same however
        the run came to it. Of ``ranks`` among which the batch is divided, what ``rank`` is shown.

        In place of a row with a bad image stands the next good one of its stream; a stream that has
        none is left out. Raises ``UsageError`` where no image is good, ``shard.ShardError``,
        ``OSError``, ``MemoryError``.
        """
        last = plan.at(self.stretches, step).last
        following = (self.planned(each, rank, ranks) for each in range(step, last + 1))
        return self._read(step, following)

    def some(self, step: int, only: Only) -> list[tuple[int, Shown]]:
        """Of ``only`` the places of ``step``; no more is read ahead than ``only`` will need."""
        planned = ((self.planned(each), only[each]) for each in sorted(only) if each >= step)
        following = ([each for each in every if each.place in own] for every, own in planned)
        return self._read(step, following)

    def _read(self, step: int, following: Iterator[list[Showing]]) -> list[tuple[int, Shown]]:
        """The first of what is ``following``, which is looked at as far as it is read ahead."""
        manner, showings = self.manner(step), next(following)
        self._read_ahead(showings, following)
        shown = [
            (showing.place, _shown(row, showing, manner))
            for showing in showings
            if (row := self._row(showing.stream, showing.row))
        ]
        if not shown:
            raise UsageError(f"--data: none of the images that step {step} asks for can be read")
        return shown

    def _read_ahead(self, first: Sequence[Showing], following: Iterator[list[Showing]]) -> None:
        """What of this step is missing, and with it what the next ones will need."""
        later: list[list[Showing]] = []
        for source in {each.stream.source: None for each in first}:
            latents = self.latents[source]
            if all([latents.has(number) for number in _rows_of(first, source)]):  # noqa: C419
                continue  # of all: those of this step are the last to be dropped
            wanted: dict[int, None] = {}
            rows = 0
            for showings in _again(first, later, following):
                numbers = list(_rows_of(showings, source))
                rows += len(numbers)
                if wanted and rows > self._ahead[source]:
                    break
                wanted |= {number: None for number in numbers if not latents.has(number)}
            latents.read(wanted)

    def _row(self, stream: Stream, number: int) -> Kept | None:
        """The row, or the next good one of its stream, round to the first; None where all are
        bad."""
        latents = self.latents[stream.source]
        if row := latents.get(number):
            return row
        place = int(np.searchsorted(stream.rows, number))
        others = (latents.get(other) for other in np.roll(stream.rows, -place)[1:].tolist())
        return next((row for row in others if row), None)


def _again(
    first: Sequence[Showing], later: list[list[Showing]], following: Iterator[list[Showing]]
) -> Iterator[Sequence[Showing]]:
    """The first, what was looked at already, and so on."""
    yield first
    yield from later
    for showings in following:
        later.append(showings)
        yield showings


def _rows_of(showings: Sequence[Showing], source: int) -> Iterator[int]:
    return (each.row for each in showings if each.stream.source == source)


def _shown(row: Kept, showing: Showing, manner: Manner) -> Shown:
    task = showing.stream.task
    caption = RECONSTRUCT if task == "i2i" else row.captions[showing.choice % len(row.captions)]
    return Shown(
        row.latents,
        caption,
        0.0 if task == "i2i" else manner.caption_dropout,
        task,
        showing.stream.source,
        row.inputs if task != "i2i" and manner.sees_latents else (),
        row.looked_at if looks(task, manner) else (),
        row.id,
        showing.row,
    )


def looks(task: Task, manner: Manner) -> bool:
    """Whether the text encoder sees images of a sample."""
    return task == "i2i" or (task == "ti2i" and manner.sees_images)
