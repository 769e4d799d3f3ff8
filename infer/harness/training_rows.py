"""Rows of training shards as a benchmark is held against them: what is said, and what is shown."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from curation import progress, shard
from curation.failures.errors import UsageError
from curation.picture import decoding, perceptual_hash
from curation.picture.decoding import PictureError

MOST_DECODED = 20_000  # images, of shards without the column phash: about a minute and a half
_CAPTIONS = ("caption_raw", "caption_recaption", "caption_fused", "caption_instruction")
_HASH = "phash"


@dataclass(frozen=True)
class TrainingRow:
    """The captions of a row and the lines written in its image, as ``texts``; ``hashes`` are
    perceptual ones, of its image and of the inputs of an edit.
    """

    texts: tuple[str, ...]
    hashes: tuple[int, ...] = ()


@dataclass
class Reader:
    """Reads rows; ``images``: with their hashes, of which it counts those that it has and those
    ``unknown``, of images that it did not decode.
    """

    images: bool
    unknown: int = 0
    _decoded: int = field(default=0, init=False)

    def rows(self, files: Sequence[str]) -> Iterator[TrainingRow]:
        """Of shards in their order. Raises ``UsageError`` for other files, ``ShardError``."""
        done = 0
        with progress.watch("", "training shards compared", lambda: (len(files), done)):
            for path in files:
                yield from self._rows(path)
                done += 1

    def _rows(self, path: str) -> Iterator[TrainingRow]:
        names = shard.outline(path).columns
        columns = [name for name in (*_CAPTIONS, "text_boxes") if name in names]
        if not columns:
            raise UsageError(f"{path}: no captions here; expected training shards of ours")
        if self.images:
            shown = (_HASH,) if _HASH in names else ("image",)
            columns += [name for name in (*shown, "inputs") if name in names]
        for batch in shard.read(path, columns):
            for row in batch.to_pylist():
                yield TrainingRow(tuple(_texts(row)), tuple(self._hashes(row)))

    def _hashes(self, row: Mapping[str, Any]) -> Iterator[int]:
        """Known ones, and of so many images as are decoded."""
        if row.get(_HASH) is not None:
            yield row[_HASH]
        images = [row["image"]] if row.get("image") else []
        for image in (*images, *(row.get("inputs") or ())):
            if self._decoded >= MOST_DECODED:
                self.unknown += 1
                continue
            self._decoded += 1
            own = hash_of(image["bytes"])
            if own is None:
                self.unknown += 1
            else:
                yield own


def hash_of(data: bytes) -> int | None:
    """The perceptual hash of an image; None of bytes that are none."""
    try:
        return perceptual_hash.of(decoding.decode(data))
    except PictureError:
        return None


def _texts(row: Mapping[str, Any]) -> Iterator[str]:
    for name in _CAPTIONS:
        yield from (each["text"] for each in row.get(name) or () if each["text"])
    boxes = row.get("text_boxes") or ()
    lines = [each["text"] for each in boxes if each["level"] == "line"]
    if lines:
        yield " ".join(lines)
