"""Measuring one unit: bytes read once, decoded once, every cheap signal as columns."""

import hashlib
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import pyarrow as pa

from curation import shard
from curation.measuring.decoded import decoded as decode
from curation.measuring.earlier import Earlier
from curation.output.input_columns import INPUTS
from curation.output.measured import CONTENT, ROWS, UNMEASURABLE
from curation.picture import decoding
from curation.picture.decoding import Picture
from curation.signals.captions import SPLITS, counted
from curation.signals.pair import Pair
from curation.signals.signal import Settings, Signal, fields, ready
from curation.sources import fields as source_fields
from curation.sources import keep_columns
from curation.sources.edits import named
from curation.sources.identity import captions_digest, content_id
from curation.sources.sample import Sample, source_digest
from curation.sources.values import clean

VERSION = 11  # raised when the rows below change meaning; part of the name of base files
# Signals are many short calls that each let go of the interpreter lock: two threads in them spend
# half as much again on waking one another; one at a time, beside others that decode, costs nothing.
_MEASURING = threading.Lock()
# What a signal raises of these says nothing about its image: the run ends. Anything else that it
# raises, whatever the library beneath calls it, is of this image: its row is quarantined.
NOT_OF_THE_PICTURE = (ImportError, MemoryError, OSError)
ROW_FIELDS = (
    pa.field("uri", pa.string(), nullable=False),
    pa.field("key", pa.string(), nullable=False),
    pa.field("id", pa.string()),
    pa.field("size", pa.int64()),
    pa.field("input_bytes", pa.int64(), nullable=False),  # of an edit's inputs; 0 for any other
    pa.field("reason", pa.string()),
    pa.field("detail", pa.string()),
    pa.field("source_digest", pa.string(), nullable=False),
    pa.field("caption_length", pa.int32(), nullable=False),
    pa.field("captions_digest", pa.uint64(), nullable=False),  # 0: it has none
    *(pa.field(counted(split), pa.int32(), nullable=False) for split in SPLITS),
    pa.field("synthetic", pa.bool_(), nullable=False),
    pa.field("caption_origin", pa.string()),  # where its captions were said; null: it has none
    pa.field("side_file_problem", pa.string()),  # side files that could not be read, and why
)

_OF_AN_IMAGE = ("file", "pixel", "derived")
_Named = tuple[str, Callable[[Any], Mapping[str, Any]]]  # a signal, and what measures
# columns of a shard that a signal may measure; where it measures null, what the source says stays
MEASURABLE = ("width", "height", "format", *source_fields.MEASURABLE)
_KEPT = ""  # the place in a row of what is kept of the source; no column is named so


def schema(signals: Sequence[Signal]) -> pa.Schema:
    """The schema of a base file; models are not part of it."""
    own = [entry for entry in signals if entry.tier != "model"]
    return pa.schema([*ROW_FIELDS, *map(shard.stored, fields(own))])


def input_field(signals: Sequence[Signal]) -> pa.Field:
    """What a base file with edit samples has besides: a list of what was measured of each input."""
    own = [entry for entry in signals if entry.tier in _OF_AN_IMAGE]
    kinds = [pa.field("size", pa.int64()), *map(shard.stored, fields(own))]
    return pa.field(INPUTS, pa.list_(pa.struct(kinds)))


def refusal(signals: Sequence[Signal]) -> str | None:
    """Why these signals cannot be run: one measures what is known already; None if they can."""
    of_shards = {field.name: field.type for field in (*shard.BASE_FIELDS, *shard.GROUP_FIELDS)}
    known = of_shards | {field.name: field.type for field in ROW_FIELDS}
    for entry in signals:
        for name, column in entry.columns.items():
            subject = f"signal {entry.name}: column {name!r}"
            if name in known and name not in MEASURABLE:
                return f"{subject} is known of every row and may not be measured; name it otherwise"
            if name in known and column.type != known[name]:
                return f"{subject} is {column.type}; expected {known[name]}, as shards have it"
    return None


def measure(
    samples: Iterable[Sample],
    signals: Sequence[Signal],
    keep: Sequence[str] = (),
    settings: Mapping[str, Settings] | None = None,
    known: Callable[[str], Mapping[str, Any] | None] = lambda content: None,
) -> pa.Table:
    """Measure the ``file``, ``pixel``, ``derived`` and ``pair`` signals of every sample, one row
    each. Where there are edit samples, ``INPUTS`` has what was measured of each of their inputs.

    Rows are sorted by key and location, so the table does not depend on the order of input. A
    sample without a whole image has a ``reason`` and null signals. The columns to ``keep``
    follow. ``settings`` are by name of signal. ``known`` gives what was measured of a content
    (``CONTENT``, joined by slashes) before, which is then taken as it is.
    """
    chosen = settings or {}
    by_tier = {
        tier: [(of.name, ready(of, chosen.get(of.name))) for of in signals if of.tier == tier]
        for tier in (*_OF_AN_IMAGE, "pair")
    }
    rows = [_measure_one(sample, by_tier, known) for sample in samples]
    rows.sort(key=lambda row: (row["key"], row["uri"]))
    columns = schema(signals)
    if any(row.get(INPUTS) is not None for row in rows):
        columns = columns.append(input_field(signals))
    table = pa.Table.from_pylist(rows, schema=columns)
    for name in keep:
        table = table.append_column(
            name, keep_columns.column([row[_KEPT].get(name) for row in rows])
        )
    return table.replace_schema_metadata({ROWS: rows_digest(table)})


def rows_digest(table: pa.Table) -> str:
    """Which rows a base file holds, in which order."""
    digest = hashlib.blake2b(digest_size=16)
    for name in CONTENT:
        for chunk in table.column(name).chunks:
            digest.update("\0".join(value or "" for value in chunk.to_pylist()).encode())
    return digest.hexdigest()


def caption_origin(sample: Sample) -> str | None:
    """Where its captions were said, each place once; None without any but blank ones.

    An instruction is no caption.
    """
    named = (name for name in source_fields.CAPTION_COLUMNS if name != "caption_instruction")
    splits = (getattr(sample, name) for name in named)
    captions = (caption for split in splits for caption in split or () if caption.text.strip())
    return ", ".join(dict.fromkeys(caption.origin or "unknown" for caption in captions)) or None


def why_lost(sample: Sample) -> tuple[str, str]:
    """The reason and detail of a sample without data."""
    reason, _, detail = (sample.error or "unreadable").partition(": ")
    return reason, detail


def earlier(signals: Sequence[Signal], paths: Sequence[str]) -> Earlier:
    """What base files of these signals hold: that of a row is of its image and source alone."""
    own = [entry for entry in signals if entry.tier != "model"]
    names = [of.name for of in fields(own)]
    kept = [schema(own).field(of) for of in ("reason", "detail", *names)]
    return Earlier(paths, CONTENT, kept, input_field(own))


def _measure_one(
    sample: Sample,
    signals: Mapping[str, Sequence[_Named]],
    known: Callable[[str], Mapping[str, Any] | None],
) -> dict[str, Any]:
    raw = sample.caption_raw or ()
    row: dict[str, Any] = {
        "uri": sample.uri,
        "key": sample.key,
        "source_digest": source_digest(sample),
        "caption_length": min(sum(len(caption.text) for caption in raw), 2**31 - 1),
        "captions_digest": captions_digest(sample),
        **{counted(split): len(getattr(sample, f"caption_{split}") or ()) for split in SPLITS},
        "synthetic": sample.synthetic,
        "input_bytes": sum(len(image.data) for image in sample.inputs or ()),
        "caption_origin": caption_origin(sample),
        "side_file_problem": sample.problem,
        _KEPT: sample.kept or {},
    }
    if sample.data is None:
        reason, detail = why_lost(sample)
        return row | {"reason": reason, "detail": detail}
    row |= {"id": content_id(sample), "size": len(sample.data)}
    before = known("/".join(row[name] for name in CONTENT))
    if before is not None and _says_all(before, sample):
        return {**row, **before}
    try:
        image, inputs = decode(sample)
    except decoding.PictureError as error:
        return row | {"reason": error.reason, "detail": error.detail[:500]}
    try:
        row |= _columns(image, sample, signals)
        if inputs:
            row[INPUTS] = [
                _columns(of, sample, signals, f"input {number}: ") | {"size": of.header.size}
                for number, of in enumerate(inputs, 1)
            ]
            row |= _of_pair(image, inputs, sample, signals["pair"])
    except _FailedError as error:
        return row | {INPUTS: None, "reason": UNMEASURABLE, "detail": str(error)}
    return row


def _says_all(before: Mapping[str, Any], sample: Sample) -> bool:
    """Whether what was measured before is all that would be measured now: of an edit its inputs,
    too, or why not. A broken image is to be told by the name that its file has now.
    """
    if not sample.inputs or before.get(INPUTS) is not None:
        return True
    reason, detail = before.get("reason"), before.get("detail") or ""
    if reason is None or reason == UNMEASURABLE:
        return reason is not None
    images = [(f"input {number}", of.path) for number, of in enumerate(sample.inputs, 1)]
    names = (named(f"{reason}: ", *of) for of in (*images, ("result", sample.path)))
    return f"{reason}: {detail}".startswith(tuple(names))


class _FailedError(Exception):
    """What a signal raised of an image."""


@contextmanager
def _naming(name: Callable[[], str]) -> Iterator[None]:
    try:
        yield
    except Exception as error:
        if isinstance(error, NOT_OF_THE_PICTURE):
            raise
        raise _FailedError(f"{name()}: {problem_of(error)}") from error


def _columns(
    picture: Picture, sample: Sample, signals: Mapping[str, Sequence[_Named]], which: str = ""
) -> dict[str, Any]:
    """The columns of one image. Raises ``_FailedError``, which says ``which`` image of a pair."""
    row: dict[str, Any] = {}
    name = ""
    with _naming(lambda: f"{which}{name}"):
        header = replace(picture.header, licence=sample.licence, source=sample.source)
        for name, function in signals["file"]:  # noqa: B007 (named where it fails)
            row |= function(header)
        with _MEASURING:
            for name, function in signals["pixel"]:  # noqa: B007
                row |= function(picture)
        for name, function in signals["derived"]:  # noqa: B007
            row |= function(row)
    return row


def _of_pair(
    image: Picture, inputs: Sequence[Picture], sample: Sample, signals: Sequence[_Named]
) -> dict[str, Any]:
    """The columns of a pair. Raises ``_FailedError``."""
    row: dict[str, Any] = {}
    instructions = sample.caption_instruction or ()
    said = tuple(caption.text for caption in instructions)
    languages = tuple(caption.language for caption in instructions if caption.language)
    pair = Pair(image, inputs, said, sample.edit_kind, sample.edit_operation, languages)
    name = ""
    with _naming(lambda: name), _MEASURING:
        for name, function in signals:  # noqa: B007
            row |= function(pair)
    return row


def problem_of(error: Exception) -> str:
    """What is told of a row that a signal failed on."""
    return clean(f"{type(error).__name__}: {error}"[:500])
