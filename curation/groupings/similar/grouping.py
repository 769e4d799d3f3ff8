"""Near-duplicates by an embedding: cosine at least a threshold to a row of higher rank.

For what a perceptual hash cannot see: crops, banners, changed colours. Which kinds of copies an
encoder sees at which threshold, and which distinct images it takes for copies, is in
``docs/copies.md``.
"""

from collections.abc import Mapping, Sequence
from typing import Annotated, Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray
from pydantic import Field

from curation.groupings.duplicates import ranking
from curation.groupings.duplicates.near import Hashes
from curation.groupings.duplicates.row_kinds import by_bytes_alone
from curation.groupings.grouping import PASSED
from curation.groupings.similar import cells, vectors
from curation.groupings.similar.vectors import Vectors
from curation.output import column_files
from curation.signals.signal import Column, Settings

Mask = NDArray[np.bool_]
Places = NDArray[np.int64]

_OWN = ("id", "caption_length", "synthetic", "input_bytes", PASSED)
_DUPLICATES = ("exact_better", "near_better", "pair_better", "duplicate_of")


class Options(Settings):
    """``threshold`` is the cosine of two embeddings from which on images are similar; ``column``
    holds the embeddings, ``quality`` ranks rows as that of a pipeline does.
    """

    threshold: Annotated[float, Field(gt=0, le=1)] = 0.85
    column: str = "appearance"
    quality: Annotated[tuple[str, ...], Field(strict=False)] = ("pixels", "size")


class Similar:
    """Rows of which a better-ranked one looks alike, by embedding or as duplicates do.

    Duplicates of another row are similar to it, whatever their embeddings: no model has to look at
    them, and none of the others is similar to them. A row of the same bytes as a better-ranked one,
    but other captions, is similar to what that is similar to. Rank, best first: stages passed by a
    row's own rules, then the quality columns, the longer caption, the id. A summary holds about two
    bytes for each number of an embedding.
    """

    name, version, refers = "similar", 2, "similar_to"
    columns: Mapping[str, Column] = {
        "similar_better": Column(pa.int32(), "0 or 1", "there is a better-ranked similar image"),
        "similar_to": Column(pa.string(), "an id", "a better-ranked image that it is similar to"),
    }
    options = Options

    def __init__(self, options: Options = Options()) -> None:  # noqa: B008
        self.own = options
        self.settings: Mapping[str, Any] = options.model_dump(mode="json")
        read = (*_OWN, *_DUPLICATES, options.column, *options.quality)
        self.reads: Sequence[str] = tuple(dict.fromkeys(read))

    def with_options(self, options: Options) -> "Similar":
        """The grouping with what is set."""
        return Similar(options)

    def summary(self, unit: str, rows: pa.Table) -> pa.Table:
        """The rows that take part: what ranks them, and their embeddings."""
        rows = rows.filter(pa.array(self._takes_part(rows)))
        column = rows.column(self.own.column)
        rounded = vectors.rounded(column)
        size = 2 * (rounded.shape[1] if rounded.size else 1)
        packed = pa.FixedSizeBinaryArray.from_buffers(
            pa.binary(size), len(rounded), [None, pa.py_buffer(np.ascontiguousarray(rounded))]
        )
        names = ("id", PASSED, *self.own.quality, "caption_length")
        return rows.select([*dict.fromkeys(names)]).append_column("vector", packed)

    def merge(self, a: pa.Table, b: pa.Table) -> pa.Table:
        """The rows of both."""
        return pa.concat_tables([part for part in (a, b) if part.num_rows] or [a])

    def conclude(self, summary: pa.Table) -> pa.Table:
        """The ids of rows to which a better-ranked one is similar, and the id of that."""
        halves = ranking.content_halves(summary.column("id"))
        rank = self._ranked(summary, halves)
        ids = summary.column("id").take(pa.array(rank))
        by_id = np.lexsort((halves[rank, 1], halves[rank, 0]))
        ranked = _unpacked(summary.column("vector"), rank)
        best = cells.best_before(ranked, by_id, vectors.bound(self.own.threshold))
        beaten = np.flatnonzero(best >= 0)
        names = [ids.take(pa.array(beaten)), ids.take(pa.array(best[beaten]))]
        return pa.table(names, names=["id", "similar_to"])

    def measure(self, unit: str, rows: pa.Table, summary: pa.Table) -> pa.Table:
        """1 and the id where a better-ranked row is similar, null where no embedding says so."""
        beaten_ids, others = (
            summary.column(name).combine_chunks() for name in ("id", "similar_to")
        )
        place = pc.index_in(rows.column("id").combine_chunks(), value_set=beaten_ids)
        is_copy, alone = _is_beaten(rows), by_bytes_alone(rows)
        known = _is_duplicate(rows) | alone | vectors.valid(rows.column(self.own.column))
        is_similar = np.asarray(place.is_valid()) & ~alone & ~is_copy
        beaten = is_copy | is_similar
        other = pc.if_else(pa.array(is_similar), others.take(place), rows.column("duplicate_of"))
        return pa.table(
            {
                "similar_better": pa.array(beaten.astype(np.int32), mask=~known),
                "similar_to": pc.if_else(pa.array(beaten), other, pa.scalar(None, pa.string())),
            }
        )

    def _takes_part(self, rows: pa.Table) -> Mask:
        stands_alone = ~_is_duplicate(rows) & ~by_bytes_alone(rows)
        return stands_alone & vectors.valid(rows.column(self.own.column))

    def _ranked(self, summary: pa.Table, halves: Hashes) -> Places:
        """The rows of a summary, the best first."""
        keys = [halves[:, 1], halves[:, 0]]
        for name in ("caption_length", *reversed(self.own.quality), PASSED):
            values = column_files.as_float(summary.column(name))
            keys.append(-np.where(np.isnan(values), -np.inf, values))
        return np.lexsort(keys)


def _is_duplicate(rows: pa.Table) -> Mask:
    """Which rows a better-ranked one of the same bytes, or a near-duplicate, stands for."""
    exact, near = (column_files.as_float(rows.column(name)) > 0 for name in _DUPLICATES[:2])
    return np.asarray(exact | near, np.bool_)


def _is_beaten(rows: pa.Table) -> Mask:
    """Those of them that fall with it; a row of other captions falls where the image does."""
    pair, near = (column_files.as_float(rows.column(name)) > 0 for name in _DUPLICATES[1:3])
    return np.asarray(pair | near, np.bool_)


def _unpacked(column: pa.ChunkedArray, rank: Places) -> Vectors:
    """The packed vectors of a summary's rows in the order ``rank``: (N, D)."""
    place = np.empty(len(rank), np.int64)
    place[rank] = np.arange(len(rank))
    size, start = column.type.byte_width // 2, 0
    unpacked = np.empty((len(rank), size), np.int16)
    for part in column.chunks:
        numbers = np.frombuffer(part.buffers()[1], np.int16).reshape(-1, size)
        own = numbers[part.offset : part.offset + len(part)]
        unpacked[place[start : start + len(part)]] = own
        start += len(part)
    return unpacked


SIMILAR = Similar()
