"""Measuring one unit: bytes read once, decoded once, every signal written as columns."""

import threading
from collections.abc import Callable, Iterable, Sequence
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from curation import shard
from curation.picture import decoding
from curation.signals.signal import Signal, fields
from curation.sources import fields as source_fields
from curation.sources import keep_columns
from curation.sources.sample import Sample, source_digest
from curation.sources.values import clean

VERSION = 3  # raised when the rows below change meaning; part of every unit name
# Signals are many short calls that each let go of the interpreter lock: two threads in them spend
# half as much again on waking one another; one at a time, beside others that decode, costs nothing.
_MEASURING = threading.Lock()
BATCH_SIZE = 16  # pictures given to a model at once: 16 x 200 kB of reduced pixels
# What a signal raises of these says nothing about its picture: the run ends. Anything else that it
# raises, whatever the library beneath calls it, is of this picture: its row is quarantined.
NOT_OF_THE_PICTURE = (ImportError, MemoryError, OSError)
ROW_FIELDS = (
    pa.field("uri", pa.string(), nullable=False),
    pa.field("key", pa.string(), nullable=False),
    pa.field("id", pa.string()),
    pa.field("size", pa.int64()),
    pa.field("reason", pa.string()),
    pa.field("detail", pa.string()),
    pa.field("source_digest", pa.string(), nullable=False),
    pa.field("caption_length", pa.int32(), nullable=False),
    pa.field("synthetic", pa.bool_(), nullable=False),
    pa.field("looked", pa.list_(pa.string())),  # the models that did, also those that saw nothing
    pa.field("caption_origin", pa.string()),  # where its captions were said; null: it has none
    pa.field("side_file_problem", pa.string()),  # side files that could not be read, and why
)

Rows = list[dict[str, Any]]
# columns of a shard that a signal may measure; where it measures null, what the source says stays
MEASURABLE = ("width", "height", "format", *source_fields.MEASURABLE)
_KEPT = ""  # the place in a row of what is kept of the source; no column is named so


def schema(signals: Sequence[Signal]) -> pa.Schema:
    """The schema of a signals file."""
    return pa.schema([*ROW_FIELDS, *map(shard.stored, fields(list(signals)))])


def refusal(signals: Sequence[Signal]) -> str | None:
    """Why these signals cannot be run: one measures what is known already; None if they can."""
    of_shards = {field.name: field.type for field in (*shard.BASE_FIELDS, *shard.GROUP_FIELDS)}
    known = of_shards | {field.name: field.type for field in ROW_FIELDS}
    for entry in signals:
        for name, column in entry.columns.items():
            told = f"signal {entry.name}: column {name!r}"
            if name in known and name not in MEASURABLE:
                return f"{told} is known of every row and may not be measured; name it otherwise"
            if name in known and column.type != known[name]:
                return f"{told} is {column.type}; expected {known[name]}, as shards have it"
    return None


def measure(
    samples: Iterable[Sample], signals: Sequence[Signal], keep: Sequence[str] = ()
) -> pa.Table:
    """Measure the ``file`` and ``pixel`` signals of every sample, one row each.

    Rows are sorted by key and location, so the table does not depend on the order of input. A
    sample without a whole picture has a ``reason`` and null signals. Model columns are null. The
    columns to ``keep`` follow.
    """
    header_signals = [entry for entry in signals if entry.tier == "file"]
    pixel_signals = [entry for entry in signals if entry.tier == "pixel"]
    rows = [_measure_one(sample, header_signals, pixel_signals) for sample in samples]
    rows.sort(key=lambda row: (row["key"], row["uri"]))
    table = pa.Table.from_pylist(rows, schema=schema(signals))
    for name in keep:
        table = table.append_column(
            name, keep_columns.column([row[_KEPT].get(name) for row in rows])
        )
    return table


def caption_origin(sample: Sample) -> str | None:
    """Where its captions were said, each place once; None without any but blank ones."""
    splits = (sample.caption_raw, sample.caption_recaption, sample.caption_fused)
    captions = (caption for split in splits for caption in split or () if caption.text.strip())
    return ", ".join(dict.fromkeys(caption.origin or "unknown" for caption in captions)) or None


def why_lost(sample: Sample) -> tuple[str, str]:
    """The reason and detail of a sample without data."""
    reason, _, detail = (sample.error or "unreadable").partition(": ")
    return reason, detail


def _measure_one(
    sample: Sample, header_signals: Sequence[Signal], pixel_signals: Sequence[Signal]
) -> dict[str, Any]:
    captions = sample.caption_raw or ()
    row: dict[str, Any] = {
        "uri": sample.uri,
        "key": sample.key,
        "source_digest": source_digest(sample),
        "caption_length": min(sum(len(caption.text) for caption in captions), 2**31 - 1),
        "synthetic": sample.synthetic,
        "caption_origin": caption_origin(sample),
        "side_file_problem": sample.problem,
        _KEPT: sample.kept or {},
    }
    if sample.data is None:
        reason, detail = why_lost(sample)
        return row | {"reason": reason, "detail": detail}
    row |= {"id": shard.content_id(sample.data), "size": len(sample.data)}
    try:
        decoded = decoding.decode(sample.data)
    except decoding.PictureError as error:
        return row | {"reason": error.reason, "detail": error.detail[:500]}
    entry = None
    try:
        for entry in header_signals:
            row |= entry.function(decoded.header)
        with _MEASURING:
            for entry in pixel_signals:
                row |= entry.function(decoded)
    except Exception as error:
        if isinstance(error, NOT_OF_THE_PICTURE):
            raise
        return row | _unmeasurable(entry, error)
    return row


def _unmeasurable(entry: Signal | None, error: Exception) -> dict[str, str]:
    told = f"{entry.name if entry else ''}: {type(error).__name__}: {error}"
    return {"reason": "unmeasurable", "detail": clean(told[:500])}


def pending(
    table: pa.Table, alive: NDArray[np.bool_], models: Sequence[Signal]
) -> NDArray[np.bool_]:
    """Rows that are alive and that one of the models never looked at: (N,) bool."""
    names = {entry.name for entry in models}
    looked = table.column("looked").to_pylist()
    return alive & np.asarray([not names.issubset(entry or ()) for entry in looked], np.bool_)


def fill_models(
    table: pa.Table,
    wanted: NDArray[np.bool_],
    models: Sequence[Signal],
    read: Callable[[set[str]], Iterable[Sample]],
) -> pa.Table:
    """Run the models over the wanted rows and return the table with their columns filled.

    ``read`` yields the samples of the given locations; a sample that no longer decodes keeps nulls
    and so is quarantined when it is judged. A row on which a model fails gets a ``reason``. All
    wanted rows are ``looked`` at, whatever was seen.
    """
    uris, looked = table.column("uri").to_pylist(), table.column("looked").to_pylist()
    row_of = {uris[row]: row for row in np.flatnonzero(wanted).tolist()}
    names = {entry.name for entry in models}
    results: dict[int, dict[str, Any]] = {
        row: {"looked": sorted(names.union(looked[row] or ()))} for row in row_of.values()
    }
    rows: list[int] = []
    batch: list[decoding.Picture] = []

    def flush() -> None:
        for entry in models:
            for row, values in zip(rows, _each(entry, batch), strict=True):
                results[row] = values | results[row]  # the first failure is the one told
        rows.clear()
        batch.clear()

    for sample in read(set(row_of)):
        if sample.data is None:
            continue
        try:
            batch.append(decoding.decode(sample.data))
        except decoding.PictureError:
            continue
        rows.append(row_of[sample.uri])
        if len(batch) == BATCH_SIZE:
            flush()
    if batch:
        flush()
    return _with_values(table, results, models)


def _each(entry: Signal, pictures: Sequence[decoding.Picture]) -> list[dict[str, Any]]:
    """A model's columns for every picture; a picture it fails on has a ``reason`` instead.

    Where it fails on several at once, it is asked about each alone.
    """
    try:
        return _values(entry, pictures)
    except Exception as error:
        if isinstance(error, NOT_OF_THE_PICTURE):
            raise
        if len(pictures) == 1:
            return [_unmeasurable(entry, error)]
    return [values for alone in pictures for values in _each(entry, [alone])]


def _values(entry: Signal, pictures: Sequence[decoding.Picture]) -> list[dict[str, Any]]:
    """The columns as declared. Raises whatever the model raises, and for other than it declares."""
    results = entry.function(list(pictures))
    if len(results) != len(pictures):
        raise ValueError(f"{len(results)} results for {len(pictures)} pictures")
    return [
        {name: pa.scalar(values[name], it.type).as_py() for name, it in entry.columns.items()}
        for values in results
    ]


def _with_values(
    table: pa.Table, results: dict[int, dict[str, Any]], models: Sequence[Signal]
) -> pa.Table:
    for name in (
        "reason",
        "detail",
        "looked",
        *(name for entry in models for name in entry.columns),
    ):
        values = table.column(name).to_pylist()
        for row, result in results.items():
            values[row] = result.get(name, values[row])
        place = table.schema.get_field_index(name)
        table = table.set_column(place, table.field(name), pa.array(values, table.field(name).type))
    return table
