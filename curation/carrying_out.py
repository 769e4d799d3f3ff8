"""A run as a user asks for it: ``beam run`` and ``curation.curate`` both carry it out by these."""

import contextlib
import logging
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

from curation.failures.errors import IncompleteError, UsageError

if TYPE_CHECKING:
    from typing_extensions import TypeIs

    from curation.configuration.loading import Pipeline
    from curation.configuration.program import Program
    from curation.request import Request
    from curation.run import Outcome
    from curation.sources.fields import Columns

IN_WORKERS = tuple(f"curation.graphs.{name}" for name in ("judging", "measuring", "writing"))


@dataclass(frozen=True)
class Asked:
    """The arguments of ``beam run``, by their names there; ``beam_options`` follow them."""

    inputs: tuple[str, ...]
    output: str
    pipeline: str
    config: str | None
    workers: int | None
    unit_rows: int
    verify: bool
    replace: bool
    columns: "Columns"
    allow_outside: bool
    without: tuple[str, ...]
    exclude: tuple[str, ...]
    reuse: tuple[str, ...]
    shared_filesystem: bool
    beam_options: tuple[str, ...]


@contextlib.contextmanager
def without_warnings() -> Iterator[None]:
    """While Beam is imported, which warns of cloud packages nobody asked for."""
    before = logging.root.manager.disable
    logging.disable(logging.WARNING)
    try:
        yield
    finally:
        logging.disable(before)


@contextlib.contextmanager
def ready(
    asked: Asked, ours: Sequence[str] = ()
) -> Iterator[tuple["Pipeline | Program", tuple[str, ...]]]:
    """The entry of the configuration and the options of Beam, when all is checked that can be
    before any work; worker processes are at hand in the block. ``ours`` are names of own options.

    Raises ``UsageError``, ``ConfigurationError``.
    """
    with without_warnings():
        from curation.configuration import loading
        from curation.runners import preflight, running
    from curation.runners.job import Job

    given = asked.beam_options
    running.refuse_unknown(given, ours)
    runner, beam_options = running.runner_of(given), running.options_of(given)
    entry = loading.load_any(asked.config, asked.pipeline)
    is_program = not is_of_stages(entry)
    own = asked.columns.named or asked.allow_outside or asked.without
    own = own or asked.exclude or asked.reuse
    check_inputs(asked.pipeline, is_program, asked.inputs, bool(own))
    places = (asked.inputs, asked.output, asked.shared_filesystem, asked.reuse)
    preflight.check(Job(runner, beam_options, *places))
    arguments = (*running.defaults(given, asked.workers, processes=is_program), *given)
    with running.workers(arguments, IN_WORKERS):
        yield entry, arguments


def is_of_stages(entry: "Pipeline | Program") -> "TypeIs[Pipeline]":
    """Whether an entry of the configuration is a pipeline of stages, not a program."""
    from curation.configuration.models import Pipeline

    return isinstance(entry, Pipeline)


def check_inputs(
    pipeline: str, is_program: bool, places: Sequence[str], has_input_options: bool
) -> None:
    """A pipeline reads inputs, a program none. Raises ``UsageError``."""
    if is_program == bool(places):
        wrong = "takes none" if is_program else "needs one: a folder, tar, Parquet, JSONL or glob"
        raise UsageError(f"--input: pipeline {pipeline} {wrong}")
    if is_program and has_input_options:
        raise UsageError(
            f"pipeline {pipeline} reads no input; expected no --caption-column, --key-column, "
            "--keep-columns, --allow-outside, --without, --exclude or --reuse; leave them out"
        )


def columns(captions: Sequence[str] | None, key: str | None, keep: Sequence[str]) -> "Columns":
    """What to read besides the usual columns. Raises ``UsageError`` for an empty name."""
    from curation.sources.fields import Columns

    named = Columns(tuple(dict.fromkeys(captions or ())), key, tuple(keep))
    if not all(named.named) or key == "":
        raise UsageError(
            "--caption-column, --key-column, --keep-columns: an empty name; expected the name of a "
            "column, such as --keep-columns similarity,hash"
        )
    return named


def request(asked: Asked, pipeline: "Pipeline", arguments: tuple[str, ...]) -> "Request":
    """What the run is to do. Raises ``UsageError`` for an unreadable list of names."""
    from curation import exclusion
    from curation.request import Request

    return Request(
        pipeline.name,
        pipeline,
        asked.inputs,
        asked.output,
        arguments,
        asked.unit_rows,
        asked.verify,
        asked.replace,
        asked.columns,
        asked.allow_outside,
        asked.without,
        exclude=tuple(name for path in asked.exclude for name in exclusion.read(path)),
        reuse=asked.reuse,
    )


def watched(wanted: "Request") -> "Outcome":
    """Carry it out, with progress. Raises as ``run.run``."""
    from curation.output.layout import looked_at, measured
    from curation.progress import note_of, watch
    from curation.run import run

    output = wanted.output
    looked = note_of("images seen by models", partial(looked_at, output))
    with watch(output, "units measured", partial(measured, output), looked):
        return run(wanted)


def refuse_quarantine(wanted: "Request", outcome: "Outcome") -> None:
    """Raise ``IncompleteError`` where more was quarantined than the configuration allows."""
    if outcome.quarantined_too_many:
        quarantined, total = outcome.counts["quarantined"], outcome.counts["in"]
        raise IncompleteError(
            f"{quarantined} of {total} were quarantined, more than the quarantine_limit of "
            f"{wanted.pipeline.quarantine_limit:g} allows: see the report"
        )
