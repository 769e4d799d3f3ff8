"""What is remembered of every row while a run lasts: numbers alone, about 30 bytes a row.

Shapes: N rows, S splits of captions, M captions of all rows.
"""

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from curation import shard
from curation.failures.errors import UsageError
from curation.picture.sizes import Size
from train.configuration import DataConfiguration
from train.data import chosen as chosen_rows
from train.data import examples, selection, shard_files
from train.data.chosen import Chosen
from train.data.examples import Caption
from train.data.selection import Selection
from train.data.skipped import NO_CAPTION, Skipped
from train.saying import Done, Tell, shown
from train.trained_on import Captions

_MOST_LANGUAGES = 255  # an index numbers them in a byte
_LINES = ["text_boxes.list.element.text", "text_boxes.list.element.level"]


@dataclass(frozen=True)
class RowGroup:
    """Row group ``number`` of the shard at ``path``; ``stages`` are those of captions to take."""

    path: str
    number: int
    stages: tuple[str, ...] | None = None


@dataclass(frozen=True)
class Index:
    """The rows that are used, in the order of the shards.

    ``group`` (N,) numbers ``groups``, ``row`` (N,) is the place in its row group, ``size`` (N,)
    numbers ``sizes``, which are (width, height) in pixels. ``weight`` is (N,), None where all are
    equal. ``captions`` (N, S) counts captions per split, ``first`` (N,) numbers a row's first in
    ``language`` (M,), which numbers ``languages``. ``pair`` (N,) are edit samples, of which the
    last split counts the instructions; of other rows it counts none.
    """

    groups: tuple[RowGroup, ...]
    sizes: tuple[Size, ...]
    group: NDArray[np.int32]
    row: NDArray[np.int32]
    size: NDArray[np.int16]
    weight: NDArray[np.float32] | None
    captions: NDArray[np.uint8]
    first: NDArray[np.int32]
    language: NDArray[np.uint8]
    languages: tuple[str, ...]
    pair: NDArray[np.bool_]

    def __len__(self) -> int:
        return len(self.group)

    @property
    def nbytes(self) -> int:
        """Bytes of all arrays."""
        arrays = (self.group, self.row, self.size, self.weight, self.captions, self.first)
        more = (self.language, self.pair)
        return sum(array.nbytes for array in (*arrays, *more) if array is not None)

    def only(self, rows: NDArray[np.int64] | NDArray[np.bool_]) -> "Index":
        """The index of some of the rows."""
        return Index(
            self.groups,
            self.sizes,
            self.group[rows],
            self.row[rows],
            self.size[rows],
            None if self.weight is None else self.weight[rows],
            self.captions[rows],
            self.first[rows],
            self.language,
            self.languages,
            self.pair[rows],
        )


@dataclass(frozen=True)
class Scan:
    """All rows that can be used: ``held_out`` (N,) says of which of them nothing is learnt.

    ``seen`` is what the others' captions say; ``digest`` identifies rows, split and order.
    """

    index: Index
    held_out: NDArray[np.bool_]
    seen: Captions
    digest: str


def scan(
    pattern: str,
    unit: int,
    configuration: DataConfiguration,
    skipped: Skipped,
    seen: Captions | None = None,
    tell: Tell | None = None,
) -> Scan:
    """Read every column but the images of every shard that matches, in order of path.

    ``unit`` is the side of an image token in pixels: sizes are multiples of it. Rows that cannot be
    used are noted in ``skipped``; ``seen`` gathers captions of several scans; ``tell`` is told what
    is done. Raises ``UsageError``, ``shard.ShardError``, ``OSError``.
    """
    seen = Captions() if seen is None else seen
    files = shard_files.entries(pattern, f"--data {pattern}")
    paths = [entry.path for entry in files]
    chosen = chosen_rows.of_shards(paths, configuration, f"--data {pattern}")
    scanner = _Scanner(unit, configuration, chosen, skipped, seen)
    seen.shards[pattern] = shard_files.described(pattern, files)
    outlines = {entry.path: shard.outline(entry.path) for entry in files}
    rows = sum(sum(outline.groups) for outline in outlines.values())
    counted = f"{len(files):,} file{'s' if len(files) > 1 else ''}"
    sentence = f"indexing {rows:,} rows in {counted}: {pattern}"
    with shown(tell, "rows indexed", rows, sentence) as done:
        for path, outline in outlines.items():
            scanner.shard(path, outline, done)
    return scanner.finish()


class _Scanner:
    def __init__(
        self,
        unit: int,
        configuration: DataConfiguration,
        chosen: Chosen,
        skipped: Skipped,
        seen: Captions,
    ) -> None:
        self._chosen = chosen
        self._unit, self._configuration, self._skipped = unit, configuration, skipped
        self._seen, self._digest = seen, hashlib.blake2b(digest_size=16)
        self._groups: list[RowGroup] = []
        self._sizes: dict[Size, int] = {}
        self._numbers: list[NDArray[np.int32]] = []  # (n, 3): row group, row, size
        self._captions: list[NDArray[np.uint8]] = []
        self._languages: dict[str, int] = {}
        self._language = bytearray()
        self._pairs: list[NDArray[np.bool_]] = []
        self._weights: list[NDArray[np.float32]] = []
        self._held_out: list[NDArray[np.bool_]] = []

    def shard(self, path: str, outline: shard.Outline, done: Done) -> None:
        if not {"id", "image"} <= set(outline.columns):
            raise UsageError(f"{path}: no shard: it lacks the columns id and image")
        wanted = selection.of_shard(path, list(outline.columns), self._configuration)
        columns = ["id", "width", "height", *_LINES, *examples.caption_columns(self._configuration)]
        batches = shard.read(path, list(dict.fromkeys([*columns, *wanted.columns])))
        for number, count in enumerate(outline.groups):
            self._digest.update(f"{count} rows\n".encode())
            self._groups.append(RowGroup(path, number, wanted.asked.stages))
            start = 0
            while start < count:
                batch = next(batches)
                self._add(batch, start, wanted)
                start += batch.num_rows
                done(batch.num_rows)
        for _ in batches:  # to its end, where the number of rows is checked
            pass

    def _add(self, batch: pa.RecordBatch, start: int, wanted: Selection) -> None:
        taken, weights = wanted.rows(batch, self._skipped.note)
        taken = self._chosen.rows(batch, taken, self._skipped.note)
        usable: list[tuple[int, int, bool, list[list[Caption]]]] = []
        weighted = bool(self._configuration.weight)
        for place, row in _rows(batch, taken):
            captions = examples.captions(row, self._configuration, wanted.asked.stages)
            native = (row["width"] or 0, row["height"] or 0)
            size = examples.target_size(*native, self._unit, self._configuration)
            if not any(captions):
                self._skipped.note(NO_CAPTION)
            elif not all(size):
                self._skipped.size(native)
            else:
                out = self._learn(row, captions, float(weights[place]) if weighted else None)
                if size[0] > native[0] or size[1] > native[1]:
                    self._skipped.enlarged[native] += 1
                number = self._sizes.setdefault(size, len(self._sizes))
                usable.append((place, number, out, captions))
        if usable:
            self._append(start, usable, weights if weighted else None)

    def _append(
        self,
        start: int,
        usable: list[tuple[int, int, bool, list[list[Caption]]]],
        weights: NDArray[np.float32] | None,
    ) -> None:
        places = np.array([place for place, *_ in usable], np.int32)
        groups = np.full(len(usable), len(self._groups) - 1, np.int32)
        sizes = np.array([number for _, number, *_ in usable], np.int32)
        self._numbers.append(np.stack([groups, start + places, sizes], 1))
        self._held_out.append(np.array([out for *_, out, _ in usable], bool))
        counts = [[len(split) for split in captions] for *_, captions in usable]
        self._captions.append(np.array(counts, np.uint8))
        self._pairs.append(np.array([bool(captions[-1]) for *_, captions in usable], bool))
        self._language += bytes(
            self._number(caption.language)
            for *_, captions in usable
            for split in captions
            for caption in split
        )
        if weights is not None:
            self._weights.append(weights[places])

    def _number(self, language: str) -> int:
        """Of a language; beyond 255 of them all others are one."""
        return self._languages.setdefault(language, min(len(self._languages), _MOST_LANGUAGES))

    def _learn(
        self, row: dict[str, Any], captions: list[list[Caption]], weight: float | None
    ) -> bool:
        """Whether a row is held out; if not, what its captions say is noted."""
        texts = [caption.text for split in captions for caption in split]
        shown = examples.shown_text(row.get("text_boxes"))
        out = examples.is_held_out(shown or texts[0], self._configuration.held_out)
        line = f"{row['id']}:{out:d}:{weight}:{texts}\n"
        self._digest.update(line.encode("utf-8", "replace"))
        if not out:
            languages = {caption.language for split in captions for caption in split}
            self._seen.add(texts, languages - {""})
        return out

    def finish(self) -> Scan:
        numbers = np.concatenate([np.empty((0, 3), np.int32), *self._numbers])
        splits = len(self._configuration.splits) + 1
        captions = np.concatenate([np.empty((0, splits), np.uint8), *self._captions])
        ends = np.cumsum(captions.sum(1, dtype=np.int64))
        order = sorted(self._sizes)
        rank = np.array([order.index(size) for size in self._sizes], np.int16)
        index = Index(
            tuple(self._groups),
            tuple(order),
            numbers[:, 0].copy(),
            numbers[:, 1].copy(),
            rank[numbers[:, 2]] if len(rank) else np.empty(0, np.int16),
            np.concatenate(self._weights) if self._weights else None,
            captions,
            np.concatenate([[0], ends])[:-1].astype(np.int32),
            np.frombuffer(bytes(self._language), np.uint8),
            tuple(self._languages)[: _MOST_LANGUAGES + 1],
            np.concatenate([np.empty(0, bool), *self._pairs]),
        )
        held_out = np.concatenate([np.empty(0, bool), *self._held_out])
        return Scan(index, held_out, self._seen, self._digest.hexdigest())


def _rows(batch: pa.RecordBatch, taken: NDArray[np.bool_]) -> Iterator[tuple[int, dict[str, Any]]]:
    places = np.flatnonzero(taken)
    rows = batch.take(pa.array(places)).to_pylist() if len(places) < len(taken) else None
    return zip(places.tolist(), batch.to_pylist() if rows is None else rows, strict=True)
