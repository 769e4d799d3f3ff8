"""Models over the rows that are still to be looked at: each its own columns, one read for all.

A batch of rows is read once for all the models that look at it, and each image decoded once for all
that ask for the same reduction. What one model fails on, the others still measure.
"""

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, TypeVar

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from curation import shard
from curation.measuring import earlier, pending
from curation.measuring.asking import Asker, DiedError, FailedError, HangError
from curation.measuring.earlier import Known
from curation.measuring.measure import problem_of, rows_digest
from curation.measuring.pending import Pending
from curation.output.measured import PROBLEM, ROWS, keys
from curation.signals.row import SPLITS, Row
from curation.signals.signal import CAPTIONS, Settings, Signal
from curation.sources.sample import Sample

BATCH_SIZE = 16  # rows given to a model at once: 16 x 200 kB of reduced pixels
Of = TypeVar("Of")
READ = "read_digest"  # the column that says what was read beside the image; null: nothing was seen
Values = dict[int, dict[str, Any]]  # by row of the base file
Seen = dict[str, Values]  # by name of model


@dataclass(frozen=True)
class Model:
    """A model: its ``signal``, what is set for it, the columns that say what it looked at, and its
    ``place``: the stage and wave in which it looks.
    """

    signal: Signal
    content: tuple[str, ...]
    settings: Settings = field(default_factory=Settings)
    place: tuple[int, int] = (0, 0)

    @property
    def reads(self) -> list[str]:
        """The columns that it reads."""
        return [name for name in self.signal.reads if name != CAPTIONS]

    def digest_of(self, row: Row) -> str:
        """A digest of all that it reads of a row beside the image."""
        said = dict(row.captions) if CAPTIONS in self.signal.reads else None
        return earlier.digest([said, [row.columns[name] for name in self.reads]])

    def earlier(self, paths: Sequence[str]) -> earlier.Earlier:
        """What it saw before, as files of its columns say."""
        measured = [schema(self).field(name) for name in (*self.signal.columns, PROBLEM)]
        return earlier.Earlier(paths, ("id", READ), measured)


@dataclass(frozen=True)
class Asked:
    """Rows of a unit and the ``models`` (by name) that are to look at them.

    ``wanted`` are rows by name of model. Once they are seen, ``following`` says of rows which
    models are to look at them next, by what was seen of them. ``base`` has the columns that models
    read, besides location and id. What is ``known`` they are not asked.
    """

    base: pa.Table
    wanted: Mapping[str, NDArray[np.int64]]
    models: Mapping[str, Model]
    following: Callable[[Sequence[int], Seen], Pending] = lambda rows, seen: {}
    known: Known = field(default_factory=Known)


def only(asked: Asked, apart: Collection[str]) -> tuple[Asked, list[str]]:
    """The same but for the models ``apart``, and a list, which has those of them that are left to
    look once the others are done.
    """
    left: list[str] = []

    def others(rows: Mapping[str, Of]) -> dict[str, Of]:
        left.extend(name for name in rows if name in apart)
        return {name: of for name, of in rows.items() if name not in apart}

    return replace(
        asked,
        wanted=others(asked.wanted),
        following=lambda rows, seen: others(asked.following(rows, seen)),
    ), left


def schema(model: Model) -> pa.Schema:
    """The schema of a file of its columns."""
    columns = (pa.field(name, of.type) for name, of in model.signal.columns.items())
    known = [pa.field("row", pa.int32(), nullable=False)]
    known += [pa.field(name, pa.string()) for name in (*model.content, READ)]
    return pa.schema([*known, *map(shard.stored, columns), pa.field(PROBLEM, pa.string())])


def measure(
    asked: Asked, read: Callable[[set[str]], Iterable[Sample]], asker: Asker
) -> Iterator[tuple[int, Seen]]:
    """What each model sees, wave by wave of each batch, and how many rows are done with.

    ``read`` yields the samples of the given locations; an image that no longer decodes was looked
    at, and nothing seen.
    """
    uris = asked.base.column("uri").to_pylist()
    unread = {name: set(rows.tolist()) for name, rows in asked.wanted.items()}
    row_of = {uris[row]: row for rows in unread.values() for row in rows}
    for batch in _batches(asked.base, row_of, read):
        asker.begin(batch)
        seen: Seen = {}
        todo = {name: [row for row in batch if row in rows] for name, rows in unread.items()}
        while any(todo.values()):
            for wave in _waves(todo, asked.models):
                fresh = {name: _look(asked, name, batch, todo[name], seen, asker) for name in wave}
                for name, values in fresh.items():
                    seen.setdefault(name, {}).update(values)
                yield 0, fresh
            todo = asked.following([*batch], seen)
        for rows in unread.values():
            rows.difference_update(batch)
        yield len(batch), {}
    left = set().union(*unread.values())
    yield len(left), {name: {row: {PROBLEM: None} for row in of} for name, of in unread.items()}


def _waves(todo: Pending, models: Mapping[str, Model]) -> list[list[str]]:
    """The names of models with rows that look one after the other."""
    named = {name: rows for name, rows in todo.items() if rows}
    return pending.waves(named, {name: models[name].place for name in named})


def _look(
    asked: Asked,
    name: str,
    batch: Mapping[int, Row],
    rows: Sequence[int],
    seen: Seen,
    asker: Asker,
) -> Values:
    """What a model sees of rows of the batch, given what others saw."""
    model = asked.models[name]
    owner = {column: of for of in seen for column in asked.models[of].signal.columns}
    for row in rows:
        batch[row].columns = {
            column: seen[owner[column]][row].get(column)
            if column in owner and row in seen[owner[column]]
            else asked.base.column(column)[row].as_py()
            for column in model.reads
        }
    digests = {row: model.digest_of(batch[row]) for row in rows}
    contents = {row: f"{batch[row].id}/{digests[row]}" for row in rows}
    values = {key: asked.known.seen(name, key) for key in dict.fromkeys(contents.values())}
    first = {key: row for row, key in reversed(contents.items()) if values[key] is None}
    fresh = [row for row in rows if first.get(contents[row]) == row]
    for row, measured in zip(fresh, _each(model, fresh, asker), strict=True):
        values[contents[row]] = measured
        asked.known.add(name, contents[row], measured)
    return {row: {**(values[contents[row]] or {}), READ: digests[row]} for row in rows}


def _batches(
    base: pa.Table, row_of: Mapping[str, int], read: Callable[[set[str]], Iterable[Sample]]
) -> Iterator[dict[int, Row]]:
    """The rows in batches, by their numbers."""
    batch: dict[int, Row] = {}
    for sample in read(set(row_of)):
        if sample.data is None:
            continue
        captions = {
            split: [caption.text for caption in getattr(sample, split) or ()] for split in SPLITS
        }
        number = row_of[sample.uri]
        identity = base.column("id")[number].as_py()
        inputs = [image.data for image in sample.inputs or ()]
        batch[number] = Row(identity, sample.data, captions, {}, inputs)
        if len(batch) == BATCH_SIZE:
            yield batch
            batch = {}
    if batch:
        yield batch


def _each(model: Model, rows: Sequence[int], asker: Asker) -> list[dict[str, Any]]:
    """A model's columns for every row; a row it fails on has a problem instead.

    Where it fails on several at once, or gives no answer, it is asked about each alone.
    """
    if not rows:
        return []
    try:
        return asker.ask(model.signal, model.settings, rows)
    except (HangError, DiedError, FailedError) as error:
        if len(rows) == 1:
            if isinstance(error, FailedError):
                return [{PROBLEM: None if error.is_unseen else str(error)}]
            return [{PROBLEM: problem_of(error)}]
    return [values for row in rows for values in _each(model, [row], asker)]


def merged(model: Model, base: pa.Table, before: pa.Table | None, fresh: Values) -> pa.Table:
    """The file of a model's columns: what it saw ``before`` of rows that are there, and afresh.

    ``base`` has the columns of ``CONTENT``.
    """
    target = schema(model)
    content = {name: base.column(name).to_pylist() for name in model.content}
    rows: dict[int, dict[str, Any]] = {}
    if before is not None:
        known = {key: place for place, key in enumerate(keys(before, model.content).to_pylist())}
        old = before.to_pylist()
        for row, key in enumerate(keys(base, model.content).to_pylist()):
            if key is not None and key in known:
                rows[row] = old[known[key]]
    rows |= fresh
    table_rows = [
        values | {"row": row} | {name: of[row] for name, of in content.items()}
        for row, values in sorted(rows.items())
    ]
    table = pa.Table.from_pylist(table_rows, schema=target)
    return table.replace_schema_metadata({ROWS: rows_digest(base)})
