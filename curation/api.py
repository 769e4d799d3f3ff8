"""``import curation``: what ``beam run`` does, as a function. See ``docs/python.md``."""

import contextlib
import gc
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from curation import carrying_out, progress, shard
from curation.failures import arguments
from curation.failures.errors import UsageError
from curation.output import finished
from curation.output.layout import Layout
from curation.storage import user_paths
from curation.storage.user_paths import Place


@dataclass(frozen=True)
class Curated:
    """A finished run in ``output``. ``counts`` are those of its ``run.json``: ``in``, ``kept``,
    ``dropped``, ``quarantined``, and by stage and rule.
    """

    output: str
    counts: Mapping[str, Any]

    @property
    def shards(self) -> list[str]:
        """The Parquet files of what was kept, in order. Raises ``ShardError``, ``OSError``."""
        return shard.paths(Layout(self.output).shards)

    @property
    def report(self) -> str:
        """The page that shows what became of the images, and why."""
        return Layout(self.output).report

    def rows(self, columns: Sequence[str] | None = None) -> Iterator[dict[str, Any]]:
        """The kept rows, one by one: all columns, or those named. ``image`` has ``bytes``.

        Raises ``ShardError`` where a page does not match its checksum, ``OSError``.
        """
        return shard.rows(Layout(self.output).shards, columns)


def open_run(output: Place) -> Curated:
    """What a run left in ``output``. Raises ``OutcomeError`` where none has finished there."""
    place = user_paths.argument("output", output)
    counts: Mapping[str, Any] = finished.read_run(place)["counts"]
    return Curated(place, counts)


def curate(
    inputs: Place | Sequence[Place],
    output: Place,
    pipeline: str = "curate",
    *,
    config: Place | None = None,
    workers: int | None = None,
    unit_rows: int = 512,
    verify: bool = False,
    replace: bool = False,
    caption_column: Sequence[str] = (),
    key_column: str | None = None,
    keep_columns: Sequence[str] = (),
    allow_outside: bool = False,
    without: Sequence[str] = (),
    exclude: Sequence[Place] = (),
    reuse: Sequence[Place] = (),
    shared_filesystem: bool = False,
    beam_options: Sequence[str] = (),
    show_progress: bool = False,
) -> Curated:
    """Measure, judge and shard a collection; the options are those of ``beam run``, by its names.

    Run again after any interruption it goes on; of what is finished nothing is repeated.
    ``beam_options`` are options of Beam, such as ``--runner=SparkRunner``.

    Raises ``UsageError``, ``ConfigurationError``, ``SourceError`` and ``OwnershipError`` for what
    cannot be done, ``IncompleteError`` where too much was quarantined, ``LedgerError``, and
    ``OSError`` and ``RuntimeError`` where a step fails.
    """
    several = [inputs] if isinstance(inputs, str | Path) else inputs
    asked = carrying_out.Asked(
        inputs=_places("inputs", several),
        output=user_paths.argument("output", output),
        pipeline=pipeline,
        config=None if config is None else user_paths.argument("config", config),
        workers=workers,
        unit_rows=unit_rows,
        verify=verify,
        replace=replace,
        columns=carrying_out.columns(caption_column, key_column, keep_columns),
        allow_outside=allow_outside,
        without=tuple(without),
        exclude=_places("exclude", exclude),
        reuse=_places("reuse", reuse),
        shared_filesystem=shared_filesystem,
        beam_options=tuple(beam_options),
    )
    arguments.integers(1, workers=workers, unit_rows=unit_rows)
    with progress.shown(show_progress), _collected(), carrying_out.ready(asked) as ready:
        entry, options = ready
        if not carrying_out.is_of_stages(entry):
            raise UsageError(f"pipeline {pipeline} is a program; expected one of stages")
        request = carrying_out.request(asked, entry, options)
        outcome = carrying_out.watched(request)
        carrying_out.refuse_quarantine(request, outcome)
    return Curated(asked.output, outcome.counts)


def _places(name: str, given: Sequence[Place]) -> tuple[str, ...]:
    return tuple(user_paths.argument(name, place) for place in given)


@contextlib.contextmanager
def _collected() -> Iterator[None]:
    """A run freezes all objects there are; here these are somebody else's, too."""
    try:
        yield
    finally:
        gc.unfreeze()
