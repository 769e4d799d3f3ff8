"""A whole rendering: parts, manifest and contact sheet in one folder, resumed where it stopped."""

import time
from collections import Counter
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from curation import shard, storage
from synthesis import contact_sheet, parts
from synthesis.job import Job
from synthesis.pool import Drawn, draw_all
from synthesis.problems import UsageError

CONTACT_SHEET = "contact_sheet.png"


def run(job: Job, count: int, out: Path, workers: int, rows: int) -> dict[str, Any]:
    """Draw pictures 0 to ``count - 1`` into ``out``, ``rows`` to a shard; returns the summary.

    Raises ``UsageError`` when ``out`` holds shards of other settings, ``OSError`` from the disk.
    """
    started = time.monotonic()
    ranges = parts.ranges(count, rows)
    _refuse_strangers(out, len(ranges))
    storage.delete([str(path) for path in out.glob(f".part-*{storage.TEMPORARY_SUFFIX}")])
    finished = {
        number: part
        for number, (first, end) in enumerate(ranges)
        if (part := parts.read_finished(out / parts.name(number), job, first, end))
    }
    drawn_now = sum(end - first for k, (first, end) in enumerate(ranges) if k not in finished)
    with _progress() as progress:
        task = progress.add_task("drawing", total=count, completed=count - drawn_now, note="")
        for first_number, last_number in _gaps(len(ranges), finished):
            first, end = ranges[first_number][0], ranges[last_number][1]
            drawn = _watched(draw_all(job, first, end, workers), progress, task, started)
            for number in range(first_number, last_number + 1):
                span = ranges[number]
                own = islice(drawn, span[1] - span[0])
                finished[number] = parts.write(out / parts.name(number), job, *span, own)
    whole = [finished[number] for number in range(len(ranges))]
    shard.write_manifest(str(out), [part.info for part in whole])
    shards = [out / part.info.file for part in whole]
    sheet = out / CONTACT_SHEET
    if any(part.info.rows for part in whole):
        contact_sheet.write(sheet, shards, job.fonts, job.language)
    return _summary(job, out, whole, drawn_now, time.monotonic() - started)


def _refuse_strangers(out: Path, count: int) -> None:
    known = {parts.name(number) for number in range(count)}
    for path in sorted(out.glob("part-*.parquet")):
        if path.name not in known:
            raise UsageError(
                f"{path}: does not belong to this run of {count} shards; choose another --out, "
                "or remove it"
            )


def _gaps(count: int, finished: dict[int, parts.Part]) -> list[tuple[int, int]]:
    """Runs of neighbouring unfinished parts, first and last number of each."""
    gaps: list[tuple[int, int]] = []
    for number in range(count):
        if number in finished:
            continue
        if gaps and gaps[-1][1] == number - 1:
            gaps[-1] = (gaps[-1][0], number)
        else:
            gaps.append((number, number))
    return gaps


def _progress() -> Progress:
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
        TextColumn("{task.fields[note]}"),
    )
    return Progress(*columns, console=Console(stderr=True))


def _watched(
    drawn: Iterator[Drawn], progress: Progress, task: Any, started: float
) -> Iterator[Drawn]:
    rejected: Counter[str] = Counter()
    for done, one in enumerate(drawn, start=1):
        rejected.update(rejection.reason for rejection in one.rejections)
        reasons = " ".join(f"{reason}:{many}" for reason, many in sorted(rejected.items()))
        rate = done / max(time.monotonic() - started, 1e-9)
        progress.update(task, advance=1, note=f"{rate:.0f} images/s {reasons}")
        yield one


def _summary(
    job: Job, out: Path, whole: list[parts.Part], drawn_now: int, seconds: float
) -> dict[str, Any]:
    rejected: Counter[str] = Counter()
    for part in whole:
        rejected.update(part.rejected)
    rows = sum(part.info.rows for part in whole)
    gave_up = rejected.pop("gave_up", 0)
    return {
        "out": str(out),
        "images": rows,
        "missing": gave_up,
        "drawn_now": drawn_now,
        "shards": len(whole),
        "rejected": dict(sorted(rejected.items())),
        "settings": job.settings(),
        "fonts": [face.postscript for face in job.fonts],
        "wall_seconds": round(seconds, 3),
        "images_per_second": round(drawn_now / seconds, 1),
        "manifest": str(out / shard.MANIFEST_NAME),
        "contact_sheet": str(out / CONTACT_SHEET) if rows else None,
    }
