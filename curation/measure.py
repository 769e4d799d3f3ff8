"""Measuring one unit: bytes read once, decoded once, every signal written as columns."""

import threading
from collections.abc import Callable, Iterable, Sequence
from typing import Any

import cv2
import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from curation import picture, shard
from curation.signal import Signal, fields
from curation.sources.sample import Sample

VERSION = 2  # raised when the rows below change meaning; part of every unit name
# Signals are many short calls that each let go of the interpreter lock: two threads in them spend
# half as much again on waking one another; one at a time, beside others that decode, costs nothing.
_MEASURING = threading.Lock()
BATCH_SIZE = 16  # pictures given to a model at once: 16 x 200 kB of reduced pixels
# What a signal may raise on a picture nobody thought of: that row is quarantined, the rest goes on.
SIGNAL_ERRORS = (ArithmeticError, LookupError, TypeError, ValueError, cv2.error)
ROW_FIELDS = (
    pa.field("uri", pa.string(), nullable=False),
    pa.field("key", pa.string(), nullable=False),
    pa.field("id", pa.string()),
    pa.field("size", pa.int64()),
    pa.field("reason", pa.string()),
    pa.field("detail", pa.string()),
    pa.field("caption_length", pa.int32(), nullable=False),
    pa.field("synthetic", pa.bool_(), nullable=False),
)

Rows = list[dict[str, Any]]


def schema(signals: Sequence[Signal]) -> pa.Schema:
    """The schema of a signals file."""
    return pa.schema([*ROW_FIELDS, *fields(list(signals))])


def measure(samples: Iterable[Sample], signals: Sequence[Signal]) -> pa.Table:
    """Measure the ``file`` and ``pixel`` signals of every sample, one row each.

    Rows are sorted by key and location, so the table does not depend on the order of input. A
    sample without a whole picture has a ``reason`` and null signals. Model columns are null.
    """
    header_signals = [entry for entry in signals if entry.tier == "file"]
    pixel_signals = [entry for entry in signals if entry.tier == "pixel"]
    rows = [_measure_one(sample, header_signals, pixel_signals) for sample in samples]
    rows.sort(key=lambda row: (row["key"], row["uri"]))
    return pa.Table.from_pylist(rows, schema=schema(signals))


def _measure_one(
    sample: Sample, header_signals: Sequence[Signal], pixel_signals: Sequence[Signal]
) -> dict[str, Any]:
    captions = sample.caption_raw or ()
    row: dict[str, Any] = {
        "uri": sample.uri,
        "key": sample.key,
        "caption_length": min(sum(len(caption.text) for caption in captions), 2**31 - 1),
        "synthetic": sample.synthetic,
    }
    if sample.data is None:
        return row | {"reason": "unreadable", "detail": sample.error}
    row |= {"id": shard.content_id(sample.data), "size": len(sample.data)}
    try:
        decoded = picture.decode(sample.data)
    except picture.PictureError as error:
        return row | {"reason": error.reason, "detail": error.detail[:500]}
    entry = None
    try:
        for entry in header_signals:
            row |= entry.function(decoded.header)
        with _MEASURING:
            for entry in pixel_signals:
                row |= entry.function(decoded)
    except SIGNAL_ERRORS as error:
        told = f"{entry.name if entry else ''}: {type(error).__name__}: {error}"
        return row | {"reason": "unmeasurable", "detail": told[:500]}
    return row


def pending(
    table: pa.Table, alive: NDArray[np.bool_], models: Sequence[Signal]
) -> NDArray[np.bool_]:
    """Rows that are alive and lack a model's columns: (N,) bool."""
    missing = np.zeros(table.num_rows, np.bool_)
    for entry in models:
        for name in entry.columns:
            missing |= np.asarray(table.column(name).is_null().to_numpy(), np.bool_)
    return missing & alive


def fill_models(
    table: pa.Table,
    wanted: NDArray[np.bool_],
    models: Sequence[Signal],
    read: Callable[[set[str]], Iterable[Sample]],
) -> pa.Table:
    """Run the models over the wanted rows and return the table with their columns filled.

    ``read`` yields the samples of the given locations; a sample that no longer decodes keeps nulls
    and so is quarantined when it is judged.
    """
    uris = table.column("uri").to_pylist()
    row_of = {uris[row]: row for row in np.flatnonzero(wanted).tolist()}
    results: dict[int, dict[str, Any]] = {}
    rows: list[int] = []
    batch: list[picture.Picture] = []

    def flush() -> None:
        for entry in models:
            for row, values in zip(rows, entry.function(batch), strict=True):
                results.setdefault(row, {}).update(values)
        rows.clear()
        batch.clear()

    for sample in read(set(row_of)):
        if sample.data is None:
            continue
        try:
            batch.append(picture.decode(sample.data))
        except picture.PictureError:
            continue
        rows.append(row_of[sample.uri])
        if len(batch) == BATCH_SIZE:
            flush()
    if batch:
        flush()
    return _with_values(table, results, models)


def _with_values(
    table: pa.Table, results: dict[int, dict[str, Any]], models: Sequence[Signal]
) -> pa.Table:
    for entry in models:
        for name, column in entry.columns.items():
            values = table.column(name).to_pylist()
            for row, found in results.items():
                values[row] = found[name]
            place = table.schema.get_field_index(name)
            table = table.set_column(place, name, pa.array(values, column.type))
    return table
