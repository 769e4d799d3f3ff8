"""One run of a pipeline: plan, measure, judge, write, and a ledger that adds up.

The driver only moves metadata; everything that touches images is a step of ``curation.graphs``.
"""

import contextlib
import json
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from importlib.metadata import PackageNotFoundError, version
from typing import Any

import pyarrow as pa

from curation import exclusion, release, report, shard, storage
from curation.configuration.loading import check_columns, origin, resolved
from curation.costs import Steps
from curation.groupings.grouping import Telling
from curation.groupings.grouping import notes as grouping_notes
from curation.judging.ledger import Counts, LedgerError
from curation.measuring import asking, choosing, contents, earlier, measure
from curation.measuring.chosen import Chosen
from curation.output import changes, column_files, finished, mark
from curation.output.groups import Groups
from curation.output.layout import Layout
from curation.output.measured import Measured
from curation.progress import say
from curation.report.quotas import problems
from curation.request import Request
from curation.runners import memory
from curation.signals import pair_kind, signal
from curation.sources import keep_columns, plan, sampling
from curation.sources.confines import overlap
from curation.sources.departed import departed
from curation.sources.sample import SourceError, Unit, to_json
from curation.sources.sampling import Stratum
from curation.sources.stamp import settled
from curation.storage import ownership
from curation.writing import gather

KIND, KIND_OF_SAMPLE = "curation", "plan"
KINDS_SHOWN = 5  # names of edits that no rule knows
DRIVER_FOLDERS = ("plan", "checked", "ledger", "pending", "looked")
PACKAGES = ("apache-beam", "pyarrow", "pillow", "opencv-python-headless", "numpy", "nudenet")


@dataclass(frozen=True)
class Planned:
    """A unit's name and how many rows it holds, or None for a container not read yet."""

    id: str
    rows: int | None


@dataclass(frozen=True)
class Outcome:
    """What a run ended with; ``repeated`` says that everything was there already.

    ``strata`` say what a sample was drawn from, ``measured`` of how many contents the signals were
    asked and how many were taken over (``earlier.by_signal``), ``changes`` what became of the
    images of the last run (``changes.since``).
    """

    counts: dict[str, Any]
    quarantined_too_many: bool
    repeated: bool
    strata: tuple[Stratum, ...] = ()
    measured: Mapping[str, Mapping[str, int]] = field(default_factory=dict)
    changes: Mapping[str, Any] | None = None


def run(request: Request) -> Outcome:
    """Carry out a run, or what is left of it.

    Raises ``ConfigurationError``, ``SourceError``, ``OwnershipError``, ``LedgerError``,
    ``InputChangedError``, ``OSError`` (output), ``RuntimeError`` (a step failed).
    """
    excluded = exclusion.known(Layout(request.output), request.exclude)
    pipeline = exclusion.applied(choosing.without(request.pipeline, request.without), excluded)
    request = replace(request, pipeline=pipeline, exclude=excluded)
    signals = choosing.chosen(request.pipeline)
    check_columns(request.pipeline, choosing.known_columns(signals))
    if refusal := measure.refusal(signals.signals):
        raise request.pipeline.error(refusal, "signals")
    signals.check()
    fields = signal.fields(signals.signals)
    ours = shard.schema(fields), pa.schema([*measure.schema(signals.signals), *fields])
    keep_columns.refuse_clashes(request.columns.keep, *ours)
    _refuse_overlap(request)
    _refuse_strangers(request)
    kind = KIND if request.sample is None else KIND_OF_SAMPLE
    with ownership.held(request.output, kind):
        return _run(request, signals)


def _run(request: Request, signals: Chosen) -> Outcome:
    layout, steps = Layout(request.output), Steps()
    columns, groups = signals.measured(layout), signals.groups(layout)
    with steps.step("plan"):
        planned, notes, strata = _plan(request)
        identity = _identity_of_run(request, planned, (*columns.folders, *groups.folders))
        if not request.verify and (done := mark.counts_if_finished(layout, identity)):
            return Outcome(done, False, True, strata)
        _tell_departed(request, planned)
        if storage.exists(layout.success):
            changes.remember(layout)
        storage.delete([layout.success])
        exclusion.write(layout, request.exclude)
        units = _write_plan(request, planned, columns)
        del planned
    counts = _carry_out(request, units, notes, steps, signals)
    steps.changes = changes.since(layout)
    with steps.step("report"):
        report.write_report(request.output)
    _write_run(request, counts, steps, len(units), signals)
    too_many = counts["quarantined"] > request.pipeline.quarantine_limit * max(1, counts["in"])
    _forget_superseded(columns, groups)
    earlier.forget(layout, {unit.id for unit in units})
    if not too_many:
        storage.write_bytes(layout.success, json.dumps(mark.content(layout, identity)).encode())
        storage.delete([layout.before])
    said = earlier.by_signal(steps.measured), steps.changes
    return Outcome(counts, too_many, False, strata, *said)


def _refuse_overlap(request: Request) -> None:
    """A second run would take the shards of the first for input. Raises ``SourceError``."""
    for name in request.inputs:
        if why := overlap(request.output, name):
            raise SourceError(f"{request.output}: {why}; expected a folder apart; choose another")


def _refuse_strangers(request: Request) -> None:
    """What is to be reused is another output of ours. Raises ``SourceError``."""
    for folder in request.reuse:
        if ownership.kind_of(folder) not in (KIND, KIND_OF_SAMPLE):
            raise SourceError(
                f"--reuse {folder}: not the output of a run; expected a folder that beam run, or "
                "beam plan --output, wrote to"
            )
        if overlap(request.output, folder):
            raise SourceError(
                f"--reuse {folder}: is this run's own output, or lies around or in it; expected "
                "another one: a run goes on from its own by itself"
            )


def _tell_departed(request: Request, units: Sequence[Unit]) -> None:
    """Say which rows of the last run the inputs no longer have, before they go.

    Raises ``SourceError`` where the inputs are mostly others.
    """
    layout = Layout(request.output)
    earlier = finished.inputs(layout)
    lost = departed(request.output, units, request.inputs, earlier)
    if lost.is_refused and not request.replace:
        raise SourceError(
            f"{request.output}: holds the results of another collection: {lost.as_text()} are not "
            f"in {', '.join(request.inputs)}, and an output is of its inputs alone; give those as "
            "well, each by --input, choose another --output, or let these rows go by --replace"
        )
    if lost.gone and request.sample is None:
        say(f"{lost.as_text()} are no longer in the input: they leave the ledger and the shards")


def _carry_out(
    request: Request,
    units: Sequence[Planned],
    notes: Sequence[str],
    steps: Steps,
    signals: Chosen,
) -> dict[str, Any]:
    """Every step but the report; returns the ``counts`` of ``run.json``, which it writes."""
    from curation.graphs import judging, measuring, writing

    layout, output, pipeline = Layout(request.output), request.output, request.pipeline
    columns = signals.measured(layout)
    plan.write_names(output, (unit.id for unit in units))
    storage.delete([*layout.near_parts(), layout.counts, layout.assignment])
    rows = sum(unit.rows or plan.UNIT_ROWS for unit in units)
    names = {unit.id for unit in units}
    judging.refuse_too_many(signals, pipeline, rows)
    measuring.refuse_idle(signals, request.arguments)
    with steps.step("measure"):
        earlier.note(columns, names, request.reuse)
        measuring.measure_units(output, pipeline, request.arguments)
        steps.measured.update(earlier.numbers(layout))
        earlier.note(columns, names, request.reuse)  # and what units gave up meanwhile
    with asking.held():
        while True:
            with steps.step("judge"):
                judging.judge_units(output, pipeline, request.arguments, rows)
                counts = Counts.from_bytes(storage.read_bytes(layout.counts))
                counts.check(_inputs(columns, units))
            if not counts.pending:
                break
            storage.delete([entry.path for entry in layout.written("looked")])
            with steps.step("models"):
                measuring.run_models(output, pipeline, request.arguments)
                steps.measured.update(earlier.numbers(layout))
        storage.delete([entry.path for entry in layout.written("looked")])
        if "models" in steps.by_name:
            with steps.step("models"):
                asking.end()  # what its processes took is known once they have ended
    memory.give_back()  # of the images that were measured
    with steps.step("shards"):
        if gather.write_assignment(output, counts.kept_bytes):
            paths = (columns.base_path(unit.id) for unit in units)
            passed_on = keep_columns.fields(paths, request.columns.keep)
            writing.write_shards(output, pipeline, request.arguments, passed_on)
        else:
            shard.write_manifest(layout.shards, [])
        _check_shards(layout, counts, request.exclude)
    notes = [*notes, *(f"without {name}: no rule on what it measures" for name in pipeline.without)]
    if request.exclude:
        missed = exclusion.unmatched(columns, [unit.id for unit in units], request.exclude)
        notes += exclusion.notes(request.exclude, counts.of_rule(exclusion.RULE), missed)
    plain = counts.as_json()
    notes += [pair_kind.note(*of) for of in counts.unknown_kinds.most_common(KINDS_SHOWN)]
    notes += problems(resolved(pipeline).get("quotas", {}), plain.get("quotas", {}))
    notes += _of_groupings(signals, layout)
    plain |= {"notes": notes} if notes else {}
    _write_run(request, plain, steps, len(units), signals)
    return plain


def _of_groupings(signals: Chosen, layout: Layout) -> list[str]:
    """What groupings say of the whole."""
    groups = signals.groups(layout)
    wholes = ((grouping, groups.whole(grouping.name)) for grouping in signals.groupings[1:])
    return [
        sentence
        for grouping, path in wholes
        if isinstance(grouping, Telling) and storage.exists(path)
        for sentence in grouping_notes(grouping, column_files.read(path))
    ]


def _plan(request: Request) -> tuple[list[Unit], tuple[str, ...], tuple[Stratum, ...]]:
    """The units, notes on what is not read, and what a sample was drawn from."""
    began = time.time_ns()
    made = plan.planned(
        request.inputs,
        request.unit_rows,
        request.columns,
        allow_outside=request.allow_outside,
        output=request.output,
    )
    chosen, notes, strata = made.units, made.notes, tuple[Stratum, ...]()
    if request.sample is not None:
        drawn = sampling.draw(chosen, request.sample, request.pipeline.seed, request.unit_rows)
        chosen, strata = drawn.units, drawn.strata
        notes = (*notes, f"a sample: {drawn.sampled} of {drawn.rows:.0f} rows")
    units = [
        replace(unit, parts=tuple(settled(part, began) for part in unit.parts)) for unit in chosen
    ]
    return units, notes, strata


def _write_plan(request: Request, units: Sequence[Unit], columns: Measured) -> list[Planned]:
    """Write the plan and forget other ones; what differs from the last plan is to be compared.

    What was measured of other units stays until the run ends, to be taken over.
    """
    layout = columns.layout
    names = {unit.id for unit in units}
    own = (storage.join(layout.root, "signals", folder) for folder in columns.folders)
    storage.remove_partials(*{*layout.folders, *own})
    groups = layout.columns("groups")
    storage.delete([entry.path for _, unit, entry in groups if unit not in names])
    for folder in DRIVER_FOLDERS:
        stale = [
            entry.path
            for entry in layout.written(folder)
            if storage.name_of(entry.path).split(".")[0] not in names
        ]
        storage.delete(stale)
    there = set(layout.units("plan"))
    checked = set(layout.units("checked")) if request.verify else set()
    for unit in units:
        path, text = layout.plan(unit.id), to_json(unit).encode()
        is_same = unit.id in there and storage.read_bytes(path) == text
        if request.verify and unit.id in checked:
            contents.distrust(layout, unit.id)
        if not is_same:
            storage.write_bytes(path, text)
    return [Planned(unit.id, len(unit.parts) if unit.layout == "files" else None) for unit in units]


def _identity_of_run(request: Request, units: Sequence[Unit], folders: Sequence[str]) -> str:
    """What the run is of: its configuration, its inputs by their stamps, and what makes columns of
    them, by the ``folders`` of those.
    """
    parts = [mark.text_digest(to_json(unit), 16) for unit in units]
    what = [release.__version__, resolved(request.pipeline), folders, parts]
    return mark.text_digest(json.dumps(what), 16)


def _inputs(columns: Measured, units: Sequence[Planned]) -> int:
    """How many rows went in: the planned files, or what the containers hold."""
    return sum(
        column_files.read(columns.base_path(unit.id), ("key",)).num_rows
        if unit.rows is None
        else unit.rows
        for unit in units
    )


def _forget_superseded(columns: Measured, groups: Groups) -> None:
    """Remove columns that other versions or settings of the same signals and groupings made.

    Earlier versions of this program had files of all of them, without folders.
    """
    layout, folders = columns.layout, (*columns.folders, *groups.folders)
    names = {folder.rpartition("-")[0] for folder in folders}
    every = [*layout.columns(), *layout.columns("groups"), *layout.wholes()]
    superseded = [
        entry
        for folder, _, entry in every
        if folder not in folders and folder.rpartition("-")[0] in names
    ]
    superseded += [*layout.written("signals"), *layout.written("groups")]
    storage.delete([entry.path for entry in superseded])


def _check_shards(layout: Layout, counts: Counts, excluded: Sequence[str]) -> None:
    """Remove shards of other verdicts; raises ``LedgerError`` unless every kept row is in one.

    What a list of names took out is said beside them.
    """
    listed = shard.read_manifest(layout.shards)
    names = {info.file for info in listed}
    there = [entry.path for entry in layout.written("shards")]
    storage.delete([path for path in there if storage.name_of(path) not in names])
    rows = sum(info.rows for info in listed)
    if rows != counts.verdicts["kept"]:
        raise LedgerError(f"{counts.verdicts['kept']} rows kept, but {rows} in the shards")
    if excluded:
        said = {"names": len(excluded), "rows": counts.of_rule(exclusion.RULE)}
        shard.write_manifest(layout.shards, listed, {"excluded": said})


def _write_run(
    request: Request, counts: dict[str, Any], steps: Steps, units: int, signals: Chosen
) -> None:
    layout = Layout(request.output)
    content = {
        "pipeline": request.name,
        "configuration": resolved(request.pipeline),
        "configuration_file": origin(request.pipeline),
        "inputs": list(request.inputs),
        "columns": asdict(request.columns),
        "allow_outside": request.allow_outside,
        "versions": {"inkstone": release.__version__, **dict(_versions())},
        "seed": request.pipeline.seed,
        "counts": counts,
        "signals": signals.measured(layout).as_json(),
        "groups": signals.groups(layout).as_json(),
        "scaling": sorted(signals.scaling),
        "of_pairs": sorted(signals.of_pairs),
        "of_inputs": list(signals.ruled_of_inputs),
        "units": units,
        "measured": earlier.by_signal(steps.measured),
        "since_last_run": steps.changes,
        "steps": steps.by_name,
    }
    text = json.dumps(content, indent=1, ensure_ascii=False) + "\n"
    storage.write_bytes(layout.run, text.encode(errors="replace"))


def _versions() -> Iterator[tuple[str, str]]:
    for name in PACKAGES:
        with contextlib.suppress(PackageNotFoundError):
            yield name, version(name)
