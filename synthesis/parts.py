"""The shards of a rendering: fixed ranges of indices, each written once, skipped when there.

Part ``k`` holds the indices ``k * rows`` to ``(k + 1) * rows - 1``. Its footer records the job's
settings, the range and the rejections, so that a part is either whole and ours or not there:
nothing else has to be remembered for resuming. Paths may lie on any Beam filesystem.
"""

import hashlib
import json
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from itertools import islice
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from curation import shard, storage
from curation.failures.errors import UsageError
from curation.signals.discovery import discover
from curation.signals.signal import fields
from synthesis.job import Job
from synthesis.pool import Rendered
from synthesis.sample import row

METADATA = "synthesis"
_BATCH_ROWS = 16  # what is held beside the row group: a page of 4 megapixels is a megabyte or more
_ADVICE = "choose another --out, or remove it to render anew"


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


def refuse_strangers(folder: str, count: int) -> None:
    """Raise ``UsageError`` for a part in ``folder`` beyond the first ``count``."""
    known = {name(number) for number in range(count)}
    for file in there(folder):
        if file not in known:
            raise UsageError(
                f"{storage.join(folder, file)}: does not belong to this run of {count} shards; "
                "choose another --out, or remove it"
            )


def there(folder: str) -> list[str]:
    """The names of all parts in ``folder``; none where there is no folder."""
    if not (storage.is_remote(folder) or storage.exists(folder)):
        return []
    files = [storage.name_of(entry.path) for entry in storage.list_folder(folder)]
    return [file for file in files if file.startswith("part-") and file.endswith(".parquet")]


def read_finished(path: str, job: Job, first: int, end: int) -> Part | None:
    """The part at ``path`` if it is already there for this job and range.

    A shorter part of the same job (an earlier, smaller ``--n``) counts as not there, and so does a
    damaged one. Raises ``UsageError`` for a part of other settings, or one longer than asked.
    """
    if not storage.exists(path):
        return None
    info = shard.undamaged(path)
    if info is None and shard.is_listed(path):
        return None
    _, recorded = _record(path)
    _check_settings(path, recorded["settings"], _settings(job))
    if recorded["first"] != first or recorded["end"] > end:
        held = f"indices {recorded['first']} to {recorded['end'] - 1}"
        raise UsageError(f"{path}: holds {held}, not {first} to {end - 1}; {_ADVICE}")
    if recorded["end"] < end or info is None:
        return None
    return Part(info, first, end, recorded["rejected"])


def rejections(path: str) -> dict[str, int]:
    """How many texts were rejected on the way to the part at ``path``, by reason."""
    rejected: dict[str, int] = _record(path)[1]["rejected"]
    return rejected


def _record(path: str) -> tuple[int, dict[str, Any]]:
    """The number of rows of a part of ours, and what its footer says."""
    try:
        with storage.open_read(path) as stream:
            footer = pq.read_metadata(stream)
        recorded = json.loads((footer.metadata or {}).get(METADATA.encode(), b"null"))
    except (OSError, pa.ArrowException, ValueError) as error:
        raise UsageError(f"{path}: not a readable shard ({error}); {_ADVICE}") from error
    if recorded is None:
        raise UsageError(f"{path}: not a shard that synthesis wrote; {_ADVICE}")
    return footer.num_rows, recorded


ALL = "all"  # of what a setting chooses among, where it says nothing
_FIRST = ("schema", "lang", "mode")


def _check_settings(path: str, recorded: dict[str, str], asked: dict[str, str]) -> None:
    recorded = {"schema": "1"} | recorded  # shards of the first version did not say so
    for setting in sorted({*recorded, *asked}, key=_shown_first):
        before, now = recorded.get(setting, "unset"), asked.get(setting, "unset")
        if before != now:
            before, now = before or ALL, now or ALL
            raise UsageError(f"{path}: rendered with {setting} {before}, now {now}; {_ADVICE}")


def _shown_first(setting: str) -> tuple[int, str]:
    """What others follow from, as the fonts from the language, comes before them."""
    return _FIRST.index(setting) if setting in _FIRST else len(_FIRST), setting


def _settings(job: Job) -> dict[str, str]:
    return {**job.settings(), "schema": str(shard.VERSION), "columns": _columns_digest()}


@cache
def _schema() -> pa.Schema:
    return shard.schema(fields(discover()))


def _columns_digest() -> str:
    columns = str([(field.name, str(field.type)) for field in _schema()])
    return hashlib.blake2b(columns.encode(), digest_size=16).hexdigest()


def write(path: str, job: Job, first: int, end: int, results: Iterable[Rendered]) -> Part:
    """Write the part from its images in order. It appears whole or not at all (``OSError``).

    A row group and some rows are held, whatever the size of the part.
    """
    rejected: Counter[str] = Counter()

    def footer() -> dict[str, str]:
        counts = dict(sorted(rejected.items()))
        record = {"settings": _settings(job), "first": first, "end": end, "rejected": counts}
        return {METADATA: json.dumps(record)}

    info = shard.write(path, _batches(_rows(job, results, rejected), _schema()), _schema(), footer)
    return Part(info, first, end, dict(rejected))


def _rows(
    job: Job, results: Iterable[Rendered], rejected: Counter[str]
) -> Iterator[Mapping[str, Any]]:
    """The rows of what was rendered; counts what was not."""
    for result in results:
        rejected.update(rejection.reason for rejection in result.rejections)
        if result.sample is None:
            rejected["gave_up"] += 1
        else:
            yield row(result.sample, job.key(result.index), job.licence)


def _batches(rows: Iterator[Mapping[str, Any]], schema: pa.Schema) -> Iterator[pa.RecordBatch]:
    while batch := list(islice(rows, _BATCH_ROWS)):
        yield pa.RecordBatch.from_pylist(batch, schema)
