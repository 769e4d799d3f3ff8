"""Which signals a pipeline has, in which order rules ask for them, and what it may not ask for."""

from collections.abc import Container, Iterator, Mapping, Sequence
from typing import Any, NoReturn

import pyarrow as pa

from curation.configuration.loading import QUOTA_COLUMNS, Pipeline, Stage, resolved
from curation.configuration.models import Instead
from curation.groupings import discovery as groupings
from curation.groupings.duplicates.grouping import Duplicates
from curation.groupings.grouping import Grouping
from curation.measuring import settings
from curation.measuring.chosen import Chosen
from curation.signals import captions, discovery, signal
from curation.signals.captions import CaptionSignal
from curation.signals.signal import CAPTIONS, SAID, Signal
from curation.strict_yaml import expected_one_of, shown

TARGETS = "targets"  # the setting of groupings: shares of values, by column


def chosen(pipeline: Pipeline) -> Chosen:
    """The signals of a pipeline. Raises ``ConfigurationError``, ``ValueError``."""
    known = {entry.name: entry for entry in discovery.discover(pipeline.signals)}
    named: dict[str, Signal | CaptionSignal] = {**captions.discovered(), **known}
    for place, name in enumerate(pipeline.without):
        if name not in named:
            message = f"unknown signal {shown(name)}: {expected_one_of(name, named)}"
            raise pipeline.error(message, "without", place)
    signals = tuple(
        entry
        for name, entry in known.items()
        if name not in pipeline.without or entry.tier != "model"  # cheap ones share a file
    )
    limited = {quota.name: quota.columns for quota in pipeline.quotas}
    order, asked = tuple(_order(pipeline)), pipeline.measure
    grouped = _groupings(pipeline)
    models = {entry.name: entry.options for entry in grouped}
    models |= {name: entry.settings for name, entry in named.items()}
    values = settings.bound(pipeline, models)
    grouped = tuple(
        entry.with_options(values.pop(entry.name)) if entry.name in values else entry
        for entry in grouped
    )
    gone = {of for name in pipeline.without if name in known for of in known[name].columns}
    requested = tuple(name for name in asked if name not in gone)
    made = limited, requested, grouped, _caption_rules(pipeline), _ruled(pipeline)
    bounded = frozenset(name for stage in pipeline.stages for name in stage.bounds)
    selected = Chosen(signals, values, order, *made, pipeline.without, bounded)
    for place, name in enumerate(asked):
        if name not in selected.owner and name not in gone:
            message = f"unknown column {shown(name)}: {expected_one_of(name, selected.owner)}"
            raise pipeline.error(message, "measure", place)
    _check_reads(pipeline, selected)
    _check_written(pipeline, selected)
    _check_categories(pipeline, selected)
    _check_ranked(pipeline, selected)
    return selected


def _caption_rules(pipeline: Pipeline) -> list[Any]:
    """The rules on captions as plain data; empty without any."""
    stages = resolved(pipeline)["stages"]
    rules = [[name, stage["captions"]] for name, stage in stages.items() if stage.get("captions")]
    return rules and [*rules, list(stages)]


def _ruled(pipeline: Pipeline) -> tuple[CaptionSignal, ...]:
    """The signals of captions that rules name, by name."""
    owners = captions.owners()
    rules = (of for stage in pipeline.stages for of in (stage.captions or {}).values())
    columns = {column for of in rules for column in of}
    entries = {owners[column].name: owners[column] for column in columns & owners.keys()}
    return tuple(entries[name] for name in sorted(entries))


def _groupings(pipeline: Pipeline) -> tuple[Grouping, ...]:
    """Duplicates, and those that the configuration names, before anything is set for them."""
    plain = resolved(pipeline)
    rules = [plain["stages"], plain.get("settings"), plain.get("without")]
    rules += [plain["edits"]] if plain.get("edits") else []
    own = Duplicates(pipeline.near_duplicate.radius, pipeline.quality, rules)
    return (own, *groupings.discover(pipeline.groupings))


def _order(pipeline: Pipeline) -> Iterator[tuple[str, ...]]:
    """The columns that rules ask for, by stage: in each, quotas come last."""
    for stage in pipeline.stages:
        quotas = [quota for quota in pipeline.quotas if quota.since == stage.name]
        said = (
            captions.column(split, name)
            for split, of in (stage.captions or {}).items()
            for name in of
        )
        yield (*stage.bounds, *said, *(column for quota in quotas for column in quota.columns))


def _check_reads(pipeline: Pipeline, selected: Chosen) -> None:
    """Refuse to leave out what another signal that is needed reads, or duplicates are told by."""
    for entry in selected.signals:
        for name in entry.reads:
            if name not in SAID and name not in selected.owner:
                _refuse_reading(pipeline, entry.name, name)
            if entry.tier == "derived" and _tier_of(name, selected) not in ("file", "pixel"):
                message = f"signal {entry.name!r} is derived: it cannot read the column {name!r}"
                raise pipeline.error(f"{message}; expected a file or pixel one", "signals")
    if "phash" in pipeline.without:
        message = "'phash' cannot be left out: near-duplicates are found by it"
        raise pipeline.error(message, "without")


def _refuse_reading(pipeline: Pipeline, reader: str, column: str) -> NoReturn:
    """Say that a signal reads what no other measures, and which module would."""
    message = f"signal {reader!r} reads the column {column!r}, which none measures"
    modules = discovery.offering(lambda entry: column in entry.columns, pipeline.signals)
    if modules:
        name = f"{message}; name {modules[0]} in 'signals', which does, or leave {reader!r} out"
        raise pipeline.error(name, "signals")
    names = " ".join(f"--without {name}" for name in _depending(pipeline))
    raise pipeline.error(f"{message}; leave out all that depend on it: {names}", "without")


def _depending(pipeline: Pipeline) -> list[str]:
    """The signals left out, those that read what none of the others measures, and so on."""
    gone, every = list(pipeline.without), discovery.discover(pipeline.signals)
    while True:
        left = [of for of in every if of.name not in gone or of.tier != "model"]  # as in ``chosen``
        measured = {*SAID, *(column for of in left for column in of.columns)}
        lacking = [of.name for of in left if of.name not in gone and not measured >= {*of.reads}]
        if not lacking:
            return gone
        gone += lacking


def _check_written(pipeline: Pipeline, selected: Chosen) -> None:
    """Refuse rules that would see the captions of sources alone where a model writes them."""
    owners = captions.owners()
    for stage in pipeline.stages:
        for split, rules in (stage.captions or {}).items():
            if f"caption_{split}" not in selected.owner:
                continue
            start = captions.column(split, "")
            measured = [of.removeprefix(start) for of in selected.owner if of.startswith(start)]
            for name in rules:
                if name in owners and name not in measured:
                    message = (
                        f"{name!r} is measured of what sources say, and the signal "
                        f"{selected.owner[f'caption_{split}'].name!r} writes the {split}: "
                        f"expected one of {', '.join(sorted(measured)) or 'none'}"
                    )
                    path = ("stages", stage.name, "captions", split, name)
                    raise pipeline.error(message, *path)


def _tier_of(column: str, selected: Chosen) -> str:
    return selected.owner[column].tier if column in selected.owner else CAPTIONS


def _check_categories(pipeline: Pipeline, selected: Chosen) -> None:
    """Refuse a category that a column never holds: it would let nothing pass, or have no row."""
    for stage in pipeline.stages:
        for name, bound in stage.bounds.items():
            entry = selected.owner.get(name)
            known = entry.columns[name].categories if entry else ()
            for category in (of for of in bound.among or () if known and of not in known):
                message = f"{name} is never {category!r}: {expected_one_of(str(category), known)}"
                raise pipeline.error(message, "stages", stage.name, "bounds", name, "in")
    for column, value, path in _shared_out(pipeline):
        known = _values(selected, column)
        if known and value not in known:
            message = f"{column} is never {value!r}: {expected_one_of(value, known)}"
            raise pipeline.error(message, *path)


def _shared_out(pipeline: Pipeline) -> Iterator[tuple[str, str, tuple[str, ...]]]:
    """Every value that is given a share: the column, the value, and where in the file."""
    for quota in pipeline.quotas:
        path = ("quotas", quota.name)
        yield from ((quota.by, value, (*path, "share", value)) for value in quota.share or ())
        for column, shares in (quota.also or {}).items():
            yield from ((column, value, (*path, "also", column, value)) for value in shares)
    for name, values in pipeline.settings.items():
        targets = values.get(TARGETS)
        for column, shares in targets.items() if isinstance(targets, Mapping) else ():
            own = ("settings", name, TARGETS, column)
            yield from ((column, str(value), (*own, str(value))) for value in shares)


def _values(selected: Chosen, name: str) -> tuple[str, ...]:
    """All values that a column may have, as shares name them; empty where they are not known."""
    column = selected.owner[name].columns.get(name) if name in selected.owner else None
    kind = QUOTA_COLUMNS.get(name, column and column.type)
    if kind is not None and pa.types.is_boolean(kind):
        return "true", "false"
    return column.categories if column else ()


def _check_ranked(pipeline: Pipeline, selected: Chosen) -> None:
    """Refuse what groupings make where a row is ranked: their columns depend on those ranks."""
    made = {name: entry.name for entry in selected.groupings for name in entry.columns}
    named: list[tuple[str | None, tuple[str | int, ...]]] = [
        *((name, ("quality", place)) for place, name in enumerate(pipeline.quality)),
        *((quota.by, ("quotas", quota.name, "by")) for quota in pipeline.quotas),
        *(
            (of, ("quotas", quota.name, "also", of))
            for quota in pipeline.quotas
            for of in quota.also or ()
        ),
        *((quota.order, ("quotas", quota.name, "order")) for quota in pipeline.quotas),
    ]
    for name, path in named:
        if name in made:
            message = f"{name!r} is made by the grouping {made[name]!r}, and can only be bounded"
            raise pipeline.error(f"{message}; expected a column that a signal measures", *path)


def without(pipeline: Pipeline, names: Sequence[str]) -> Pipeline:
    """The pipeline with these signals left out, and all rules and quotas on their columns.

    Raises ``ConfigurationError`` for a name that is no signal's.
    """
    if not names and not pipeline.without:
        return pipeline
    every = dict.fromkeys((*pipeline.without, *names))
    reduced = pipeline.model_copy(update={"without": tuple(every)})
    chosen(reduced)
    signals = discovery.discover(pipeline.signals)
    gone = {name for entry in signals if entry.name in every for name in entry.columns}
    unsaid = {column for column, entry in captions.owners().items() if entry.name in every}
    stages = tuple(_stage_without(stage, gone, unsaid) for stage in pipeline.stages)
    quality = tuple(name for name in pipeline.quality if name not in gone)
    quotas = tuple(quota for quota in pipeline.quotas if not gone.intersection(quota.columns))
    edits = {kind: _instead_without(instead, gone) for kind, instead in pipeline.edits.items()}
    left = {"stages": stages, "quality": quality, "quotas": quotas, "edits": edits}
    return reduced.model_copy(update=left)


def _instead_without(instead: Instead, gone: Container[str]) -> Instead:
    """What holds instead for a kind of edit, without columns that are gone."""
    left = {
        which: {name: bound for name, bound in bounds.items() if name not in gone}
        for which, bounds in (("image", instead.image), ("inputs", instead.inputs))
    }
    return instead.model_copy(update=left)


def _stage_without(stage: Stage, gone: Container[str], unsaid: Container[str]) -> Stage:
    """The stage without rules on columns that are gone, or ``unsaid`` of captions."""
    bounds = {name: bound for name, bound in stage.bounds.items() if name not in gone}
    splits = {
        split: {
            name: bound
            for name, bound in of.items()
            if name not in unsaid and captions.column(split, name) not in gone
        }
        for split, of in (stage.captions or {}).items()
    }
    left = {split: of for split, of in splits.items() if of}
    return stage.model_copy(update={"bounds": bounds, "captions": left or None})


def known_columns(selected: Chosen) -> dict[str, Any]:
    """The Arrow type of every column that rules may name, measured or of a grouping."""
    known = {field.name: field.type for field in signal.fields(selected.signals)}
    for entry in selected.groupings:
        known |= {name: of.type for name, of in entry.columns.items() if name != entry.refers}
    return known
