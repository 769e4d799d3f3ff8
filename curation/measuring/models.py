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
from curation.output import input_columns
from curation.output.column_files import as_float
from curation.output.input_columns import INPUTS
from curation.output.measured import PROBLEM, ROWS, keys
from curation.signals.row import SPLITS, Row
from curation.signals.signal import CAPTIONS, Settings, Signal
from curation.sources.image_names import MOST_INPUTS
from curation.sources.sample import Sample

BATCH_SIZE = 16  # rows given to a model at once: 16 x 200 kB of reduced pixels
Of = TypeVar("Of")
READ = "read_digest"  # the column that says what was read beside the image; null: nothing was seen
Values = dict[int, dict[str, Any]]  # by row of the base file
Seen = dict[str, Values]  # by name of model


@dataclass(frozen=True)
class Model:
    """A model: its ``signal``, what is set for it, the columns that say what it looked at, and its
    ``place``: the stage and wave in which it looks. ``of_inputs``: at the inputs of edits, too.
    """

    signal: Signal
    content: tuple[str, ...]
    settings: Settings = field(default_factory=Settings)
    place: tuple[int, int] = (0, 0)
    of_inputs: bool = False

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
        more = input_field(self) if self.of_inputs else None
        return earlier.Earlier(paths, ("id", READ), measured, more)


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


def input_field(model: Model) -> pa.Field:
    """What such a file has besides where an edit was looked at: the columns of each input; an empty
    list where nothing was seen.
    """
    columns = (pa.field(name, of.type) for name, of in model.signal.columns.items())
    return pa.field(INPUTS, pa.list_(pa.struct(list(map(shard.stored, columns)))))


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
        inputs = _inputs(batch)
        asker.begin(batch | inputs)
        seen: Seen = {}
        todo = {name: [row for row in batch if row in rows] for name, rows in unread.items()}
        while any(todo.values()):
            for wave in _waves(todo, asked.models):
                fresh = {
                    name: _look(asked, name, batch | inputs, todo[name], seen, asker)
                    for name in wave
                }
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
    for row in rows:
        batch[row].columns = {
            column: _value(asked, seen, row, column, None) for column in model.reads
        }
    digests = {row: model.digest_of(batch[row]) for row in rows}
    if model.signal.is_of_pairs:
        for row in rows:
            batch[row].columns |= {
                input_columns.column(column): [
                    _value(asked, seen, row, column, place)
                    for place in range(len(batch[row].inputs))
                ]
                for column in model.reads
            }
    contents = {row: f"{batch[row].id}/{digests[row]}" for row in rows}
    edits = {contents[row] for row in rows if model.of_inputs and batch[row].inputs}
    values = {
        key: asked.known.seen(name, key, INPUTS if key in edits else None)
        for key in dict.fromkeys(contents.values())
    }
    first = {key: row for row, key in reversed(contents.items()) if values[key] is None}
    fresh = [row for row in rows if first.get(contents[row]) == row]
    of_inputs = _of_inputs(asked, model, batch, fresh, seen, asker)
    for row, own in zip(fresh, _each(model, fresh, asker), strict=True):
        measured = _joined(own, of_inputs[row]) if contents[row] in edits else own
        values[contents[row]] = measured
        asked.known.add(name, contents[row], measured)
    return {row: {**(values[contents[row]] or {}), READ: digests[row]} for row in rows}


def _value(asked: Asked, seen: Seen, row: int, column: str, place: int | None) -> Any:
    """A column of a row, or of its input at a ``place``: as it was seen just now, else stored."""
    for name, values in seen.items():
        if column in asked.models[name].signal.columns and row in values:
            if place is None:
                return values[row].get(column)
            inputs = values[row].get(INPUTS) or ()
            return inputs[place].get(column) if place < len(inputs) else None
    if place is None:
        return asked.base.column(column)[row].as_py()
    if (name := input_columns.column(column)) not in asked.base.column_names:
        return None
    stored = asked.base.column(name)[row].as_py() or ()
    return stored[place] if place < len(stored) else None


def _inputs(batch: Mapping[int, Row]) -> dict[int, Row]:
    """The inputs of the batch's edits as rows of their own, without captions, by ``_number``."""
    return {
        _number(number, place): Row(row.id, data, dict.fromkeys(SPLITS, ()), {})
        for number, row in batch.items()
        for place, data in enumerate(row.inputs)
    }


def _number(row: int, place: int) -> int:
    """The number of an input among the rows of a batch, which are numbered from 0."""
    return -1 - row * MOST_INPUTS - place


def _of_inputs(
    asked: Asked,
    model: Model,
    batch: Mapping[int, Row],
    rows: Sequence[int],
    seen: Seen,
    asker: Asker,
) -> dict[int, list[dict[str, Any]]]:
    """What a model sees of the inputs of these rows of the batch; nothing of rows without any."""
    if not model.of_inputs:
        return {}
    places = [(row, place) for row in rows for place in range(len(batch[row].inputs))]
    for row, place in places:
        batch[_number(row, place)].columns = {
            column: _value(asked, seen, row, column, place) for column in model.reads
        }
    numbers = [_number(*of) for of in places]
    measured: dict[int, list[dict[str, Any]]] = {}
    for (row, _), values in zip(places, _each(model, numbers, asker), strict=True):
        measured.setdefault(row, []).append(values)
    return measured


def _joined(result: dict[str, Any], inputs: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """What was seen of a result and of its inputs; a model that failed on one failed on all."""
    named = (f"input {place}: {of[PROBLEM]}" for place, of in enumerate(inputs, 1) if PROBLEM in of)
    if PROBLEM in result or any(PROBLEM in of for of in inputs):
        return {PROBLEM: result.get(PROBLEM) or next(named, None), INPUTS: []}
    return {**result, INPUTS: [*inputs]}


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
    if model.of_inputs:
        edits = np.flatnonzero(as_float(base.column("input_bytes")) > 0)
        for row in edits.tolist():
            if row in rows and rows[row].get(INPUTS) is None and row in fresh:
                rows[row] = {**rows[row], INPUTS: []}  # looked, and nothing seen
    if any(of.get(INPUTS) is not None for of in rows.values()):
        target = target.append(input_field(model))
    table_rows = [
        values | {"row": row} | {name: of[row] for name, of in content.items()}
        for row, values in sorted(rows.items())
    ]
    table = pa.Table.from_pylist(table_rows, schema=target)
    return table.replace_schema_metadata({ROWS: rows_digest(base)})
