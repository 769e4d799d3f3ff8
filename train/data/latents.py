"""Latents and captions of rows, read from the shards when a step is about to need them.

An image is encoded alone, so that its latents never depend on which others are read with it.

Shapes: B batch, C latent channels, h w latent cells, H W pixels.
"""

from collections import OrderedDict
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
import torch
from torch import Tensor

from curation import shard
from curation.failures.errors import UsageError
from curation.picture.decoding import PictureError
from train.autoencoders.autoencoder import Autoencoder
from train.configuration import DataConfiguration
from train.data import examples
from train.data.examples import Example, Pixels
from train.data.index import Index, RowGroup
from train.data.plan import Plan
from train.data.skipped import Unreadable
from train.pixels import scaled

AHEAD = 8192  # rows read at once, and shuffled together, at most
_OVERHEAD = 1024  # bytes of a row in memory beside its latents: objects, allocation
Notice = Callable[[Unreadable], None]


@dataclass(frozen=True)
class Batch:
    """``latents`` (B, C, h, w) on the CPU, and a caption for each."""

    latents: Tensor
    captions: list[str]


@dataclass(frozen=True)
class Row:
    """A row as read: its number in the index, its example, and its pixels (H, W, 3)."""

    number: int
    example: Example
    pixels: Pixels


def rows_read(
    index: Index,
    rows: Iterable[int],
    configuration: DataConfiguration,
    notice: Notice,
    *,
    boxes: bool = False,
) -> Iterator[Row]:
    """The rows in the order of the shards, each row group read once, images decoded.

    Those whose image is bad are noticed and left out. ``boxes`` asks for their text boxes, too,
    which cost more than the rest where an image shows a page. Raises ``shard.ShardError``,
    ``OSError``, ``MemoryError``.
    """
    columns = ["id", "key", "image", "width", "height", *configuration.splits]
    columns += ["text_boxes"] if boxes else []
    by_group: dict[int, dict[int, int]] = {}
    for number in sorted(rows):
        places = by_group.setdefault(int(index.group[number]), {})
        places[int(index.row[number])] = number
    for group, places in by_group.items():
        path = index.groups[group].path
        for place, values in _values(index.groups[group], columns, places):
            number = places[place]
            size = index.sizes[index.size[number]]
            try:
                pixels = examples.decode(values, size, configuration)
            except PictureError as error:
                notice(_unreadable(path, values["key"], error))
                continue
            example = examples.read(values, size, configuration, index.groups[group].stages)
            yield Row(number, example, pixels)


def _values(
    group: RowGroup, columns: list[str], places: Iterable[int]
) -> Iterator[tuple[int, dict[str, Any]]]:
    """The columns of some rows of a row group, in order, with their places."""
    wanted, start = sorted(places), 0
    for batch in shard.read(group.path, columns, [group.number]):
        end = start + batch.num_rows
        here = [place - start for place in wanted if start <= place < end]
        for place, values in zip(
            here, batch.take(pa.array(here, "int64")).to_pylist(), strict=True
        ):
            yield start + place, values
        start = end


def _unreadable(path: str, key: str, error: PictureError) -> Unreadable:
    if error.reason == "memory":  # else what is trained on would be left to chance
        raise MemoryError(f"{path}: {key}: {error.detail}") from error
    return Unreadable(path.rsplit("/", 1)[-1], key, error.reason, error.detail)


def encode(autoencoder: Autoencoder, pixels: Pixels) -> Tensor:
    """(H, W, 3) bytes -> (C, h, w) float32 on the CPU."""
    return autoencoder.encode(scaled(pixels))[0].float().cpu()


def row_bytes(index: Index, autoencoder: Autoencoder) -> list[int]:
    """About what a row of each size takes in memory, captions besides."""
    factor = autoencoder.factor
    cells = [(width // factor) * (height // factor) for width, height in index.sizes]
    return [4 * autoencoder.channels * count + _OVERHEAD for count in cells]


def rows_ahead(index: Index, autoencoder: Autoencoder, batch: int, memory: int) -> int:
    """How many rows are read at once: half of ``memory`` holds them, at most ``AHEAD``.

    Raises ``UsageError`` where that is less than a batch.
    """
    rows = memory // 2 // (largest := max(row_bytes(index, autoencoder)))
    if rows < batch:
        raise UsageError(
            f"data.memory_bytes is {memory:,}; two batches of {batch} images need"
            f" {2 * batch * largest:,}: raise it, or lower batch"
        )
    return min(rows, AHEAD)


class Latents:
    """The batches of a plan.

    Latents are kept, least recently used ones dropped, so that all take at most
    ``configuration.memory_bytes``. Where one is missing, those of the following batches are read
    with it, up to ``ahead`` rows: a row group is then read once or twice an epoch.
    """

    def __init__(
        self,
        index: Index,
        plan: Plan,
        autoencoder: Autoencoder,
        configuration: DataConfiguration,
        notice: Notice,
        ahead: int,
    ) -> None:
        self._index, self._plan, self._autoencoder = index, plan, autoencoder
        self._configuration, self._notice, self._ahead = configuration, notice, ahead
        self._kept: OrderedDict[int, tuple[Tensor, tuple[str, ...]]] = OrderedDict()
        self._used = 0
        self._bad: set[int] = set()

    def at(self, step: int) -> Batch:
        """The batch of the 1-based ``step``; the same however the run came to it.

        In place of a row with a bad image stands the next good one of its size, and where a size
        has no good image the batch of the next step. Raises ``UsageError`` where no image is good,
        ``shard.ShardError``, ``OSError``, ``MemoryError``.
        """
        for instead in range(step, step + self._plan.per_epoch):
            batch = self._plan.at(instead)
            if any(number not in self._kept for number in batch.rows.tolist()):
                self._read_ahead(instead)
            rows = [self._row(number) for number in batch.rows.tolist()]
            pairs = zip(rows, batch.captions.tolist(), strict=True)
            good = [(row[0], row[1][choice % len(row[1])]) for row, choice in pairs if row]
            if good:
                return Batch(torch.stack([row for row, _ in good]), [text for _, text in good])
        raise UsageError("--data: none of the images can be read")

    def keep(self, row: Row) -> None:
        """Encode a row that was read anyway."""
        latents = encode(self._autoencoder, row.pixels).clone()
        self._kept[row.number] = latents, row.example.captions
        self._used += _size(latents, row.example.captions)
        while self._used > self._configuration.memory_bytes and len(self._kept) > 1:
            _, dropped = self._kept.popitem(last=False)
            self._used -= _size(*dropped)

    def _read_ahead(self, step: int) -> None:
        wanted: dict[int, None] = {}
        rows = 0
        for batch in self._plan.following(step):
            rows += len(batch.rows)
            if wanted and rows > self._ahead:
                break
            for number in batch.rows.tolist():
                if number in self._kept:
                    self._kept.move_to_end(number)
                elif number not in self._bad:
                    wanted[number] = None
        self._read(wanted)

    def _read(self, rows: Iterable[int]) -> None:
        missing = set(rows)
        for row in rows_read(self._index, rows, self._configuration, self._notice):
            self.keep(row)
            missing.discard(row.number)
        self._bad |= missing

    def _row(self, number: int) -> tuple[Tensor, tuple[str, ...]] | None:
        """The row, or the next good one of its size, round to the first; None where all are bad."""
        for candidate in self._candidates(number):
            if candidate not in self._kept and candidate not in self._bad:
                self._read([candidate])
            if candidate in self._kept:
                self._kept.move_to_end(candidate)
                return self._kept[candidate]
        return None

    def _candidates(self, number: int) -> Iterator[int]:
        yield number
        same = np.flatnonzero(self._index.size == self._index.size[number])
        place = int(np.searchsorted(same, number))
        yield from np.roll(same, -place)[1:].tolist()


def _size(latents: Tensor, captions: tuple[str, ...]) -> int:
    return latents.nbytes + sum(map(len, captions)) + _OVERHEAD
