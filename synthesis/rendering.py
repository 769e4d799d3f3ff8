"""A whole rendering in one folder: parts, manifest, pages to look at; resumed where it stopped."""

import time
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from itertools import islice
from typing import Any

from curation import progress, shard, storage
from curation.failures.errors import IncompleteError
from curation.storage import ownership
from synthesis import first_images, gallery, parts
from synthesis.job import Job
from synthesis.pool import Rendered, render_all

KIND = "rendering"
CONTACT_SHEET = "contact_sheet.png"
GALLERY = "gallery.html"


def run(job: Job, count: int, out: str, workers: int, rows: int) -> dict[str, Any]:
    """Render images 0 to ``count - 1`` into ``out``, ``rows`` to a shard; returns the summary.

    Raises ``UsageError`` when ``out`` holds shards of other settings, ``OwnershipError`` when it
    is not ours or another run is at work there, ``OSError`` from the disk.
    """
    with ownership.held(out, KIND):
        return _run(job, count, out, workers, rows)


def _run(job: Job, count: int, out: str, workers: int, rows: int) -> dict[str, Any]:
    started = time.monotonic()
    ranges = prepared(out, count, rows)
    places = [storage.join(out, parts.name(number)) for number in range(len(ranges))]
    finished = {
        number: part
        for number, span in enumerate(ranges)
        if (part := parts.read_finished(places[number], job, *span))
    }
    rendered_now = sum(end - first for k, (first, end) in enumerate(ranges) if k not in finished)
    tally = _Tally(count, count - rendered_now)
    with progress.watch(out, "images rendered", tally.count, tally.note):
        for first_number, last_number in _gaps(len(ranges), finished):
            first, end = ranges[first_number][0], ranges[last_number][1]
            results = tally.counted(render_all(job, first, end, workers))
            for number in range(first_number, last_number + 1):
                span = ranges[number]
                own = islice(results, span[1] - span[0])
                finished[number] = parts.write(places[number], job, *span, own)
    all_parts = [finished[number] for number in range(len(ranges))]
    complete(job, out, all_parts)
    seconds = time.monotonic() - started
    return {
        **summary(job, out, all_parts),
        "rendered_now": rendered_now,
        "wall_seconds": round(seconds, 3),
        "images_per_second": round(rendered_now / seconds, 1),
    }


def prepared(out: str, count: int, rows: int) -> list[tuple[int, int]]:
    """The index ranges of the parts, once ``out`` is ours, known to hold no others, and cleared
    of what a killed run left half-written.

    Raises ``UsageError``, ``OwnershipError``.
    """
    ranges = parts.ranges(count, rows)
    ownership.claim(out, KIND)
    parts.refuse_strangers(out, len(ranges))
    storage.remove_partials(out)
    return ranges


def complete(job: Job, out: str, all_parts: Sequence[parts.Part]) -> None:
    """Write what goes with all the parts: manifest, contact sheet and gallery."""
    shard.write_manifest(out, [part.info for part in all_parts])
    shards = [storage.join(out, part.info.file) for part in all_parts if part.info.rows]
    if shards:
        first_images.write(storage.join(out, CONTACT_SHEET), shards, job.fonts, job.language)
    rows = sum(part.info.rows for part in all_parts)
    page = storage.join(out, GALLERY)
    gallery.write(page, shards, job.settings(), _rejected(all_parts), rows)


def summary(job: Job, out: str, all_parts: Sequence[parts.Part]) -> dict[str, Any]:
    """What a rendering came to, as plain JSON-able data."""
    rejected = _rejected(all_parts)
    rows = sum(part.info.rows for part in all_parts)
    gave_up = rejected.pop("gave_up", 0)
    return {
        "out": out,
        "images": rows,
        "missing": gave_up,
        "shards": len(all_parts),
        "rejected": rejected,
        "settings": job.settings(),
        "fonts": [face.postscript for face in job.fonts],
        "manifest": storage.join(out, shard.MANIFEST_NAME),
        "contact_sheet": storage.join(out, CONTACT_SHEET) if rows else None,
        "gallery": storage.join(out, GALLERY),
    }


def refuse_missing(result: Mapping[str, Any]) -> None:
    """Raise ``IncompleteError`` where images of a summary are missing."""
    if missing := result["missing"]:
        raise IncompleteError(
            f"{missing} of {missing + result['images']} images could not be rendered (see"
            " `rejected`)"
        )


def as_text(result: Mapping[str, Any]) -> str:
    """A summary in a sentence."""
    rejected = ", ".join(f"{reason} {count}" for reason, count in result["rejected"].items())
    sheet = f" or {result['contact_sheet']}" if result["contact_sheet"] else ""
    return (
        f"{result['images']} images in {result['shards']} shards in {result['out']}"
        f" (rejected texts: {rejected or 'none'}); look at {result['gallery']}{sheet}"
    )


def _rejected(all_parts: Sequence[parts.Part]) -> dict[str, int]:
    rejected: Counter[str] = Counter()
    for part in all_parts:
        rejected.update(part.rejected)
    return dict(sorted(rejected.items()))


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


class _Tally:
    """What of a run is done, counted as it passes, and what was rejected on the way."""

    def __init__(self, total: int, there: int) -> None:
        self._total = total
        self._done = there
        self._rejected: Counter[str] = Counter()

    def counted(self, results: Iterator[Rendered]) -> Iterator[Rendered]:
        """The same results, counted."""
        for result in results:
            self._done += 1
            self._rejected.update(rejection.reason for rejection in result.rejections)
            yield result

    def count(self) -> tuple[int, int]:
        """How many images there are to render, and are rendered."""
        return self._total, self._done

    def note(self) -> str:
        """How many texts were rejected, by reason; empty where none was."""
        reasons = " ".join(f"{reason}:{many}" for reason, many in sorted(self._rejected.items()))
        return f"rejected {reasons}" if reasons else ""
