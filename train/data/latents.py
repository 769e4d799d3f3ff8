"""Latents and captions of rows, read from the shards when a step is about to need them.

An image is encoded alone, so that its latents never depend on which others are read with it.

Shapes: c latent channels, h w latent cells, H W pixels.
"""

from collections import OrderedDict
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any

import pyarrow as pa
import torch
from torch import Tensor

from curation import shard
from curation.failures.errors import UsageError
from curation.picture.decoding import PictureError
from train.autoencoders.autoencoder import Autoencoder
from train.configuration import DataConfiguration
from train.data import examples, following
from train.data.examples import Example
from train.data.index import Index, RowGroup
from train.data.skipped import NOT_FINITE, Unreadable
from train.pixels import Pixels, scaled
from train.saying import Tell, shown

AHEAD = 8192  # rows read at once, and shuffled together, at most
_OVERHEAD = 1024  # bytes of a row in memory beside its latents: objects, allocation
Notice = Callable[[Unreadable], None]


@dataclass(frozen=True)
class Row:
    """A row as read: its number in the index, its key, its example, its pixels and, of an edit
    sample, those of its inputs, (H, W, 3) each; or of its condition, where that is of two images
    the image with holes, and these.
    """

    number: int
    key: str
    example: Example
    pixels: Pixels
    inputs: tuple[Pixels, ...]


@dataclass(frozen=True)
class Reading:
    """How rows are read: as ``data`` says, at sizes that are multiples of ``unit`` pixels, the side
    of an image token; every bad image is given to ``notice``, and ``tell`` is told of long work.
    """

    data: DataConfiguration
    unit: int
    notice: Notice
    tell: Tell | None = None


def rows_read(
    index: Index, rows: Iterable[int], reading: Reading, *, boxes: bool = False
) -> Iterator[Row]:
    """The rows in the order of the shards, each row group read once, images decoded.

    Those whose image is bad are noticed and left out. ``boxes`` asks for their text boxes, too,
    which cost more than the rest where an image shows a page. Raises ``shard.ShardError``,
    ``OSError``, ``MemoryError``.
    """
    columns = ["id", "key", "image", "width", "height", *examples.caption_columns(reading.data)]
    columns += ["text_boxes"] if boxes else []
    by_group: dict[int, dict[int, int]] = {}
    for number in sorted(rows):
        places = by_group.setdefault(int(index.group[number]), {})
        places[int(index.row[number])] = number
    for group, places in by_group.items():
        pairs = bool(index.pair[list(places.values())].any())
        wanted = [*columns, "inputs"] if pairs else columns
        for place, values in _values(index.groups[group], wanted, places):
            try:
                yield _row(index, places[place], values, reading)
            except PictureError as error:
                reading.notice(_unreadable(index.groups[group].path, values["key"], error))


def _row(index: Index, number: int, values: dict[str, Any], reading: Reading) -> Row:
    size = index.sizes[index.size[number]]
    pixels = examples.decode(values, size, reading.data)
    inputs: tuple[Pixels, ...] = ()
    follows = reading.data.references == "condition"
    if index.pair[number]:
        inputs = examples.decode_inputs(values, size, reading.unit, reading.data)
        if follows and [each.shape for each in inputs] != [pixels.shape]:
            raise PictureError("unsupported", "its condition: expected one map as large as it is")
    elif follows:
        if not reading.data.conditions:
            raise PictureError("unsupported", "its condition: expected a map, or data.conditions")
        inputs = following.condition(pixels, reading.data.conditions, values["id"])
    stages = index.groups[index.group[number]].stages
    example = examples.read(values, size, reading.data, stages)
    return Row(number, values["key"], example, pixels, inputs)


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
    """(H, W, 3) bytes -> (c, h, w) float32 on the CPU."""
    return autoencoder.encode(scaled(pixels))[0].float().cpu().clone()


def inputs_encoded(autoencoder: Autoencoder, row: Row, reading: Reading) -> tuple[Tensor, ...]:
    """(c, h, w) of each input of a row; of a condition with holes the second says what is kept."""
    if reading.data.references == "condition" and len(row.inputs) == 2:
        masked, hole = row.inputs
        return encode(autoencoder, masked), following.kept(autoencoder, hole)
    return tuple(encode(autoencoder, pixels) for pixels in row.inputs)


def row_bytes(index: Index, autoencoder: Autoencoder, looks: bool) -> list[int]:
    """About what a row of each size takes in memory, captions and inputs besides; where something
    ``looks`` at images, with its pixels.
    """
    factor, colours = autoencoder.factor, 3 if looks else 0
    return [
        4 * autoencoder.channels * (width // factor) * (height // factor)
        + colours * width * height
        + _OVERHEAD
        for width, height in index.sizes
    ]


def rows_ahead(index: Index, autoencoder: Autoencoder, batch: int, memory: int, looks: bool) -> int:
    """How many rows are read at once: half of ``memory`` holds them, at most ``AHEAD``.

    Raises ``UsageError`` where that is less than a batch.
    """
    largest = max(row_bytes(index, autoencoder, looks))
    rows = memory // 2 // largest
    if rows < batch:
        raise UsageError(
            f"data.memory_bytes is {memory:,}; two batches of {batch} images need"
            f" {2 * batch * largest:,}: raise it, or lower batch"
        )
    return min(rows, AHEAD)


@dataclass(frozen=True)
class Kept:
    """What is kept of a row: its id, latents (c, h, w) of its image and inputs, its captions, and
    what a text encoder looks at (H, W, 3), if it does.
    """

    id: str
    latents: Tensor
    inputs: tuple[Tensor, ...]
    captions: tuple[str, ...]
    looked_at: tuple[Pixels, ...]

    @property
    def nbytes(self) -> int:
        """About what it takes in memory."""
        latents = sum(each.nbytes for each in (self.latents, *self.inputs))
        looked_at = sum(each.nbytes for each in self.looked_at)
        return latents + looked_at + sum(map(len, self.captions)) + _OVERHEAD


class Latents:
    """The rows of an index as a network needs them.

    They are kept, least recently used ones dropped, so that all take at most ``memory`` bytes;
    ``looks`` says whether the text encoder sees images.
    """

    def __init__(
        self, index: Index, autoencoder: Autoencoder, reading: Reading, memory: int, looks: bool
    ) -> None:
        self.index, self._autoencoder, self._reading = index, autoencoder, reading
        self._memory, self._looks = memory, looks
        self._kept: OrderedDict[int, Kept] = OrderedDict()
        self._used = 0
        self._bad: set[int] = set()
        self._was_read = False

    def has(self, number: int) -> bool:
        """Whether nothing would have to be read for a row."""
        if number in self._kept:
            self._kept.move_to_end(number)
        return number in self._kept or number in self._bad

    def is_bad(self, number: int) -> bool:
        """Whether a row was read, and cannot be shown."""
        return number in self._bad

    def get(self, number: int) -> Kept | None:
        """A row, read now where it is not kept; None where its image is bad."""
        if not self.has(number):
            self.read([number])
        return self._kept.get(number)

    def read(self, rows: Iterable[int]) -> None:
        """Read rows in one go."""
        missing = set(rows)
        tell = self._reading.tell if len(missing) > 1 else None
        sentence = "" if self._was_read else f"reading and encoding {len(missing):,} images ahead"
        with shown(tell, "images encoded", len(missing), sentence) as done:
            for row in rows_read(self.index, missing.copy(), self._reading):
                self.keep(row)
                missing.discard(row.number)
                done(1)
        self._bad |= missing
        self._was_read |= tell is not None

    def keep(self, row: Row) -> None:
        """Encode a row that was read anyway; one whose latents are not finite is bad."""
        looked_at = (row.inputs or (row.pixels,)) if self._looks else ()
        inputs = inputs_encoded(self._autoencoder, row, self._reading)
        latents = encode(self._autoencoder, row.pixels)
        if not all(bool(torch.isfinite(each).all()) for each in (latents, *inputs)):
            self._bad.add(row.number)
            self._reading.notice(self._not_finite(row))
            return
        if before := self._kept.pop(row.number, None):
            self._used -= before.nbytes
        example = row.example
        kept = Kept(example.id, latents, inputs, example.captions, looked_at)
        self._kept[row.number] = kept
        self._used += kept.nbytes
        while self._used > self._memory and len(self._kept) > 1:
            _, dropped = self._kept.popitem(last=False)
            self._used -= dropped.nbytes

    def _not_finite(self, row: Row) -> Unreadable:
        path = self.index.groups[self.index.group[row.number]].path
        detail = "the autoencoder gives latents that are not finite numbers"
        return Unreadable(path.rsplit("/", 1)[-1], row.key, NOT_FINITE, detail)
