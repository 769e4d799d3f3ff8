"""What a step is shown: the batches of a plan, with latents, captions and the images of edits.

Shapes: c latent channels, h w latent cells, H W pixels.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from torch import Tensor

from curation.failures.errors import UsageError
from train.configuration import Task
from train.data import plan
from train.data.latents import Kept, Latents
from train.data.plan import Showings, Stream, Stretch
from train.pixels import Pixels

RECONSTRUCT = "Reproduce this image exactly."  # ours: the report gives no instruction for I2I


@dataclass(frozen=True)
class Shown:
    """A sample of a batch: ``latents`` (c, h, w) of what is to be generated, its ``caption`` (empty
    with chance ``caption_dropout``), latents of the ``references`` that the network sees, and the
    ``images`` (H, W, 3) that the text encoder sees. ``source`` numbers where it is from.
    """

    latents: Tensor
    caption: str
    caption_dropout: float
    task: Task
    source: int
    references: tuple[Tensor, ...] = ()
    images: tuple[Pixels, ...] = ()


@dataclass(frozen=True)
class Manner:
    """How the samples of a stretch are shown."""

    caption_dropout: float
    sees_latents: bool
    sees_images: bool


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

    def at(self, step: int) -> list[Shown]:
        """What the 1-based ``step`` is shown; the same however the run came to it.

        In place of a row with a bad image stands the next good one of its stream; a stream that has
        none is left out. Raises ``UsageError`` where no image is good, ``shard.ShardError``,
        ``OSError``, ``MemoryError``.
        """
        stretch = plan.at(self.stretches, step)
        manner = self._manners[self.stretches.index(stretch)]
        parts = stretch.at(step)
        self._read_ahead(stretch, step, parts)
        shown: list[Shown] = []
        for part in parts:
            for number, choice in zip(part.rows.tolist(), part.captions.tolist(), strict=True):
                if row := self._row(part.stream, number):
                    shown.append(_shown(row, choice, part.stream, manner))
        if not shown:
            raise UsageError(f"--data: none of the images that step {step} asks for can be read")
        return shown

    def _read_ahead(self, stretch: Stretch, step: int, parts: Sequence[Showings]) -> None:
        """What of this step is missing, and with it what the next ones will need."""
        for source in {part.stream.source: None for part in parts}:
            latents = self.latents[source]
            if all([latents.has(number) for number in _rows_of(parts, source)]):  # noqa: C419
                continue  # of all: those of this step are the last to be dropped
            wanted: dict[int, None] = {}
            rows = 0
            for following in range(step, stretch.last + 1):
                numbers = list(_rows_of(stretch.at(following), source))
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


def _rows_of(parts: Sequence[Showings], source: int) -> Iterator[int]:
    for part in parts:
        if part.stream.source == source:
            yield from part.rows.tolist()


def _shown(row: Kept, choice: int, stream: Stream, manner: Manner) -> Shown:
    task = stream.task
    caption = RECONSTRUCT if task == "i2i" else row.captions[choice % len(row.captions)]
    looks = task == "i2i" or (task == "ti2i" and manner.sees_images)
    return Shown(
        row.latents,
        caption,
        0.0 if task == "i2i" else manner.caption_dropout,
        task,
        stream.source,
        row.inputs if task == "ti2i" and manner.sees_latents else (),
        row.looked_at if looks else (),
    )
