"""Rows that were chosen one by one, or against each other: by people's picks, and the best of each
category. What fine-tuning is trained on (SFT).
"""

import heapq
import math
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from curation import shard
from curation.failures.errors import UsageError
from curation.shard import picks, selection
from curation.shard.selection import Mask
from train.configuration import DataConfiguration
from train.data.selection import of_shard
from train.data.skipped import NOT_BEST, NOT_PICKED
from train.tuning import BestConfiguration

Note = Callable[[str, int], None]
Ids = frozenset[str]


@dataclass(frozen=True)
class Chosen:
    """Ids of rows that were ``picked`` and of those that are the ``best``; None: all."""

    picked: Ids | None = None
    best: Ids | None = None

    def rows(self, batch: pa.RecordBatch, taken: Mask, note: Note) -> Mask:
        """Which of the rows ``taken`` (N,) of a batch are chosen; the others are noted."""
        for ids, reason in ((self.picked, NOT_PICKED), (self.best, NOT_BEST)):
            if ids is not None:
                mask = _among(batch, ids)
                note(reason, int((taken & ~mask).sum()))
                taken = taken & mask
        return taken


def _among(batch: pa.RecordBatch, ids: Ids) -> Mask:
    return np.array([identity in ids for identity in batch.column("id").to_pylist()], bool)


def liked(data: DataConfiguration) -> Ids | None:
    """The ids in the file of picks; None where there is no such file. Raises ``UsageError`` for one
    that likes nothing.
    """
    if not data.picks:
        return None
    ids = frozenset(picks.read(data.picks).liked(data.rating))
    if not ids:
        raise UsageError(
            f"{data.picks}: no image was picked, or rated {data.rating} or more (data.rating)"
        )
    return ids


def of_shards(paths: Iterable[str], data: DataConfiguration, named: str) -> Chosen:
    """What is chosen of shards; ``named`` begins the sentence of the ``UsageError`` that is raised
    where not one row of them was picked, or a column is missing.
    """
    picked, best = liked(data), None
    if picked is not None or data.best is not None:
        listed = list(paths)
        if picked is not None and not any(_any_of(path, picked) for path in listed):
            raise UsageError(
                f"{data.picks}: not one of its {len(picked):,} images is among those of {named}:"
                " are they picks of another run?"
            )
        if data.best is not None:
            best = _best(listed, data, data.best, picked)
    return Chosen(picked, best)


def _any_of(path: str, ids: Ids) -> bool:
    return any(_among(batch, ids).any() for batch in shard.read(path, ["id"]))


def _best(
    paths: Iterable[str], data: DataConfiguration, best: BestConfiguration, picked: Ids | None
) -> Ids:
    """Of the rows that are asked for otherwise, so many of each category; of equal ones the
    first.
    """
    kept: dict[str, list[tuple[float, int]]] = {}
    ids: dict[int, str] = {}
    number = 0
    for path in paths:
        for category, rank, identity in _ranked(path, data, best, picked):
            own, number = kept.setdefault(category, []), number + 1
            ids[number] = identity
            if len(own) < best.count:
                heapq.heappush(own, (rank, -number))
            else:
                _, gone = heapq.heappushpop(own, (rank, -number))
                del ids[-gone]
    return frozenset(ids.values())


def _ranked(
    path: str, data: DataConfiguration, best: BestConfiguration, picked: Ids | None
) -> Iterator[tuple[str, float, str]]:
    """(category, rank, id) of the rows of a shard that have both; the greatest rank is best."""
    outline = shard.outline(path)
    columns = list(outline.columns)
    selection.check_columns(path, columns, "data.best", (best.by, best.order))
    wanted, sign = of_shard(path, columns, data), -1.0 if best.least else 1.0
    read = dict.fromkeys(["id", best.by, best.order, *wanted.columns])
    for batch in shard.read(path, list(read)):
        kind = batch.schema.field(best.order).type
        if not (pa.types.is_integer(kind) or pa.types.is_floating(kind)):
            raise UsageError(f"{path}: data.best.order {best.order}: expected numbers, not {kind}")
        taken, _ = wanted.rows(batch, lambda reason, rows: None)
        if picked is not None:
            taken = taken & _among(batch, picked)
        columns_of = [batch.column(name).to_pylist() for name in ("id", best.by, best.order)]
        for is_taken, identity, category, value in zip(taken.tolist(), *columns_of, strict=True):
            if is_taken and category is not None and value is not None and math.isfinite(value):
                yield str(category), sign * value, identity
