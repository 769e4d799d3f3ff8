"""Models over the rows that are still to be looked at: each its own columns, one read for all.

A batch of rows is read, and its images decoded, once for all the models of a wave. What one model
fails on, the others still measure.
"""

import math
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from curation import shard
from curation.measuring.measure import NOT_OF_THE_PICTURE, problem_of, rows_digest
from curation.measuring.patience import MOST_HANGS, HangError, Patience
from curation.networks.weights import MissingModelError
from curation.output.measured import PROBLEM, ROWS, keys
from curation.picture.decoding import PictureError
from curation.signals.row import SPLITS, Row
from curation.signals.signal import Measure, Signal
from curation.sources.sample import Sample

BATCH_SIZE = 16  # rows given to a model at once: 16 x 200 kB of reduced pixels
Values = dict[int, dict[str, Any]]  # by row of the base file
_PATIENCE = Patience()


@dataclass(frozen=True)
class Model:
    """A loaded model: its ``signal``, what ``measure``s, and the columns that it reads."""

    signal: Signal
    measure: Measure
    content: tuple[str, ...]


def schema(model: Model) -> pa.Schema:
    """The schema of a file of its columns."""
    columns = (pa.field(name, of.type) for name, of in model.signal.columns.items())
    known = [pa.field("row", pa.int32(), nullable=False)]
    known += [pa.field(name, pa.string()) for name in model.content]
    return pa.schema([*known, *map(shard.stored, columns), pa.field(PROBLEM, pa.string())])


def measure(
    base: pa.Table,
    wanted: Mapping[str, NDArray[np.int64]],
    models: Sequence[Model],
    read: Callable[[set[str]], Iterable[Sample]],
) -> Iterator[dict[str, Values]]:
    """What each model sees in the rows that are ``wanted`` of it (by its name), batch by batch.

    ``base`` has the columns that the models read, besides location and id. ``read`` yields the
    samples of the given locations; an image that no longer decodes was looked at, and nothing seen.
    """
    uris = base.column("uri").to_pylist()
    rows_of = {model.signal.name: set(wanted[model.signal.name].tolist()) for model in models}
    row_of = {uris[row]: row for rows in rows_of.values() for row in rows}
    for batch in _batches(base, row_of, read):
        seen: dict[str, Values] = {}
        for model in models:
            name = model.signal.name
            own = [(number, row) for number, row in batch if number in rows_of[name]]
            values = _each(model, [row for _, row in own])
            seen[name] = dict(zip((number for number, _ in own), values, strict=True))
            rows_of[name].difference_update(seen[name])
        yield seen
    yield {name: {row: {PROBLEM: None} for row in rows} for name, rows in rows_of.items()}


def _batches(
    base: pa.Table, row_of: Mapping[str, int], read: Callable[[set[str]], Iterable[Sample]]
) -> Iterator[list[tuple[int, Row]]]:
    others = [name for name in base.column_names if name not in ("uri", "id")]
    batch: list[tuple[int, Row]] = []
    for sample in read(set(row_of)):
        if sample.data is None:
            continue
        number = row_of[sample.uri]
        captions = {
            split: [caption.text for caption in getattr(sample, split) or ()] for split in SPLITS
        }
        columns = {name: base.column(name)[number].as_py() for name in others}
        identity = base.column("id")[number].as_py()
        inputs = [image.data for image in sample.inputs or ()]
        batch.append((number, Row(identity, sample.data, captions, columns, inputs)))
        if len(batch) == BATCH_SIZE:
            yield batch
            batch = []
    if batch:
        yield batch


def _each(model: Model, rows: Sequence[Row]) -> list[dict[str, Any]]:
    """A model's columns for every row; a row it fails on has a problem instead.

    Where it fails on several at once, or gives no answer, it is asked about each alone.
    """
    if not rows:
        return []
    try:
        measured = _PATIENCE.call(model.measure, rows, model.signal.patience)
        _PATIENCE.is_lost(hung=False)
        return as_declared(model.signal, measured, len(rows))
    except Exception as error:
        if isinstance(error, NOT_OF_THE_PICTURE):
            raise
        if len(rows) == 1:
            if _PATIENCE.is_lost(hung=isinstance(error, HangError)):
                raise MissingModelError(_no_answer(model.signal.name)) from None
            unseen = isinstance(error, PictureError)
            return [{PROBLEM: None if unseen else problem_of(error)}]
    return [values for row in rows for values in _each(model, [row])]


def _no_answer(name: str) -> str:
    told = f"the signal {name!r} gave no answer about {MOST_HANGS} images in a row"
    return f"{told}: see that its model works, or do without it by --without {name}"


def as_declared(
    entry: Signal, measured: Sequence[Mapping[str, Any]], count: int
) -> list[dict[str, Any]]:
    """The columns as declared. Raises whatever there is instead of what the signal declares."""
    if len(measured) != count:
        raise ValueError(f"{len(measured)} results for {count} rows")
    return [
        {name: _as_declared(name, values[name], it.type) for name, it in entry.columns.items()}
        for values in measured
    ]


def _as_declared(name: str, value: Any, kind: pa.DataType) -> Any:
    """A value of that type. Raises ``ValueError`` for a number that is none."""
    plain = pa.scalar(value, kind).as_py()
    numbers = plain if isinstance(plain, list) else [plain]
    if any(isinstance(number, float) and not math.isfinite(number) for number in numbers):
        raise ValueError(f"{name} is not a finite number")
    return plain


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
    told = [
        values | {"row": row} | {name: of[row] for name, of in content.items()}
        for row, values in sorted(rows.items())
    ]
    table = pa.Table.from_pylist(told, schema=target)
    return table.replace_schema_metadata({ROWS: rows_digest(base)})
