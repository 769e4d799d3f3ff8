"""The shards of a rendering: fixed ranges of indices, each written once, skipped when there.

Part ``k`` holds the indices ``k * rows`` to ``(k + 1) * rows - 1``. Its schema metadata records
the job's settings, the range and the rejections, so that a part is either whole and ours or not
there: nothing else has to be remembered for resuming.
"""

import hashlib
import json
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from curation import shard
from curation.signal import discover, fields
from synthesis.job import Job
from synthesis.pool import Drawn
from synthesis.problems import UsageError
from synthesis.sample import row

METADATA = b"synthesis"
_BATCH_ROWS = 64


@dataclass(frozen=True)
class Part:
    """A finished shard: its line of the manifest, and what was rejected on the way by reason."""

    info: shard.ShardInfo
    first: int
    end: int
    rejected: dict[str, int]


def name(number: int) -> str:
    """The file name of part ``number``."""
    return f"part-{number:05d}.parquet"


def ranges(count: int, rows: int) -> list[tuple[int, int]]:
    """The index range of every part, end excluded."""
    return [(first, min(first + rows, count)) for first in range(0, count, rows)]


def read_finished(path: Path, job: Job, first: int, end: int) -> Part | None:
    """The part at ``path`` if it is already there for this job and range.

    A shorter part of the same job (an earlier, smaller ``--n``) counts as not there.
    Raises ``UsageError`` for a part of other settings, or one longer than asked.
    """
    if not path.exists():
        return None
    try:
        metadata = pq.read_schema(path).metadata or {}
    except (OSError, pa.ArrowInvalid) as error:
        raise UsageError(f"{path}: not a readable shard ({error}); {_ADVICE}") from error
    recorded = json.loads(metadata.get(METADATA, b"null"))
    if recorded is None:
        raise UsageError(f"{path}: not a shard that synthesis wrote; {_ADVICE}")
    _check_settings(path, recorded["settings"], _settings(job))
    if recorded["first"] != first or recorded["end"] > end:
        held = f"indices {recorded['first']} to {recorded['end'] - 1}"
        raise UsageError(f"{path}: holds {held}, not {first} to {end - 1}; {_ADVICE}")
    if recorded["end"] < end:
        return None
    with path.open("rb") as stream:
        digest = hashlib.file_digest(stream, "sha256").hexdigest()
    rows = pq.read_metadata(path).num_rows
    info = shard.ShardInfo(path.name, rows, path.stat().st_size, digest)
    return Part(info, first, end, recorded["rejected"])


_ADVICE = "choose another --out, or remove it to draw anew"


def _check_settings(path: Path, found: dict[str, str], asked: dict[str, str]) -> None:
    for setting in sorted({*found, *asked}):
        before, now = found.get(setting, "unset"), asked.get(setting, "unset")
        if before != now:
            raise UsageError(f"{path}: drawn with {setting} {before}, now {now}; {_ADVICE}")


def _settings(job: Job) -> dict[str, str]:
    return {**job.settings(), "columns": _columns_digest()}


@cache
def _plain_schema() -> pa.Schema:
    return shard.schema(fields(discover()))


def _columns_digest() -> str:
    columns = str([(field.name, str(field.type)) for field in _plain_schema()])
    return hashlib.blake2b(columns.encode(), digest_size=16).hexdigest()


def write(path: Path, job: Job, first: int, end: int, drawn: Iterable[Drawn]) -> Part:
    """Write the part from its pictures in order. It appears whole or not at all (``OSError``)."""
    rows = []
    rejected: Counter[str] = Counter()
    for one in drawn:
        rejected.update(rejection.reason for rejection in one.rejections)
        if one.sample is None:
            rejected["gave_up"] += 1
        else:
            rows.append(row(one.sample, job.key(one.index), job.licence))
    record = {
        "settings": _settings(job),
        "first": first,
        "end": end,
        "rejected": dict(sorted(rejected.items())),
    }
    plain = _plain_schema()
    schema = plain.with_metadata({**plain.metadata, METADATA: json.dumps(record).encode()})
    info = shard.write(str(path), _batches(rows, schema), schema)
    return Part(info, first, end, dict(rejected))


def _batches(rows: list[Mapping[str, Any]], schema: pa.Schema) -> Iterator[pa.RecordBatch]:
    for start in range(0, len(rows), _BATCH_ROWS):
        yield pa.RecordBatch.from_pylist(rows[start : start + _BATCH_ROWS], schema)
