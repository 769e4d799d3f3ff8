"""The signals of a pipeline: which there are, their settings, and the files their columns are in.

A file is named by a digest of all that its columns depend on: version and settings of the signals,
and what they read. Another signal changes none of them, save that all cheap signals share a file.
"""

import hashlib
import json
from collections.abc import Container, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import pyarrow as pa

from curation import shard
from curation.configuration.loading import Pipeline, Stage, resolved
from curation.groupings import discovery as groupings
from curation.groupings.duplicates.grouping import Duplicates
from curation.groupings.grouping import Grouping
from curation.measuring import measure, settings
from curation.networks.weights import MissingModelError
from curation.output.groups import GroupColumns, Groups
from curation.output.layout import Layout
from curation.output.measured import LOOKED, CaptionColumns, Measured, ModelColumns
from curation.signals import captions, discovery, signal
from curation.signals.captions import CaptionSignal
from curation.signals.signal import CAPTIONS, COSTS, Settings, Signal
from curation.strict_yaml import expected_one_of, shown

MODEL_FILE_VERSION = 1  # raised when what surrounds a model's columns changes meaning


@dataclass(frozen=True)
class Chosen:
    """A pipeline's ``signals`` and their ``settings`` by name.

    ``order`` are the columns that rules ask for, by stage, the loosest first; ``quotas`` those that
    each quota reads; ``requested`` columns that kept rows are to have, ruled or not; ``groupings``
    make columns of the rows together; ``captions`` are the rules on those, as plain data, and
    ``caption_signals`` what they name. Of cheap signals that are ``left_out`` the columns are there
    still, but neither ruled nor in shards.
    """

    signals: tuple[Signal, ...]
    settings: Mapping[str, Settings]
    order: tuple[tuple[str, ...], ...]
    quotas: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    requested: tuple[str, ...] = ()
    groupings: tuple[Grouping, ...] = ()
    captions: Any = None
    caption_signals: tuple[CaptionSignal, ...] = ()
    left_out: tuple[str, ...] = ()

    @cached_property
    def owner(self) -> dict[str, Signal]:
        """The signal of each column."""
        return {column: entry for entry in self.signals for column in entry.columns}

    @cached_property
    def models(self) -> dict[str, tuple[int, int]]:
        """Models that rules need, directly or because another reads them: (stage, wave) by name.

        In a stage the cheaper come first, and any after those that it reads. What is only requested
        comes after all stages.
        """
        placed: dict[str, tuple[int, int]] = {}
        for stage, columns in enumerate((*self.order, self.requested)):
            for column in columns:
                for name in self.read_by_groupings.get(column, (column,)):
                    if name in self.owner:
                        self._place(self.owner[name], stage, placed)
        return placed

    @cached_property
    def read_by_groupings(self) -> dict[str, tuple[str, ...]]:
        """By column of a grouping beside duplicates, the columns that it reads."""
        others = [entry for entry in self.groupings if entry is not self.duplicates]
        return {name: tuple(entry.reads) for entry in others for name in entry.columns}

    def _place(self, entry: Signal, stage: int, placed: dict[str, tuple[int, int]]) -> int:
        """The wave of a signal within the stage, once it and what it reads have their places."""
        read = [self._place(of, stage, placed) for of in self._read(entry)]
        if entry.tier != "model":
            return -1
        wave = max([COSTS.index(entry.cost), *(before + 1 for before in read)])
        return placed.setdefault(entry.name, (stage, wave))[1]

    def needed_for(self, column: str) -> tuple[str, ...]:
        """The models that a column is of: its own, and all whose columns that one reads."""
        if column not in self.owner or self.owner[column].tier != "model":
            return ()
        entry = self.owner[column]
        read = (name for of in entry.reads if of != CAPTIONS for name in self.needed_for(of))
        return (*read, entry.name)

    def _read(self, entry: Signal) -> list[Signal]:
        return [self.owner[name] for name in entry.reads if name != CAPTIONS]

    def measured(self, layout: Layout) -> Measured:
        """Where the columns of all signals of a run lie."""
        models = {
            entry.name: ModelColumns(
                self._model_folder(entry), tuple(entry.columns), CAPTIONS in entry.reads
            )
            for entry in self.signals
            if entry.tier == "model"
        }
        said = {
            entry.name: CaptionColumns(
                f"caption-{entry.name}-{_digest(self._of_caption(entry))}",
                tuple(captions.columns(entry)),
            )
            for entry in self.caption_signals
        }
        return Measured(layout, self._base_folder, models, said)

    def groups(self, layout: Layout) -> Groups:
        """Where the columns of all groupings of a run lie."""
        places = {
            entry.name: GroupColumns(self._group_folder(entry), tuple(entry.columns), entry.refers)
            for entry in self.groupings
        }
        if self.captions:
            read = [self._of_caption(entry) for entry in self.caption_signals]
            read += [self._dependence(entry) for entry in self.of_captions]
            folder = f"captions-{_digest([read, self.captions])}"
            names = tuple(f"captions_{split}_stage" for split in captions.SPLITS)
            places["captions"] = GroupColumns(folder, names, is_ruled=False)
        return Groups(layout, places)

    @property
    def of_captions(self) -> list[Signal]:
        """The models whose values of captions are ruled."""
        ruled = {column for columns in self.order for column in columns if "." in column}
        return [entry for entry in self.signals if ruled.intersection(entry.columns)]

    @property
    def duplicates(self) -> Duplicates:
        """The one grouping that every run has."""
        return next(entry for entry in self.groupings if isinstance(entry, Duplicates))

    @property
    def group_fields(self) -> list[pa.Field]:
        """The columns of groupings beside duplicates, as shards hold them."""
        return [
            pa.field(name, of.type)
            for entry in self.groupings
            for name, of in entry.columns.items()
            if entry is not self.duplicates
        ]

    def _group_folder(self, entry: Grouping) -> str:
        read = [self._dependence(self.owner[name]) for name in entry.reads if name in self.owner]
        columns = {name: str(column.type) for name, column in entry.columns.items()}
        known = [entry.name, entry.version, dict(entry.settings), columns]
        return f"{entry.name}-{_digest([*known, list(entry.reads), read])}"

    @cached_property
    def _base_folder(self) -> str:
        cheap = [self._dependence(entry) for entry in self.signals if entry.tier != "model"]
        return f"base-{_digest([measure.VERSION, shard.schema().names, cheap])}"

    def _model_folder(self, entry: Signal) -> str:
        return f"{entry.name}-{_digest([MODEL_FILE_VERSION, self._dependence(entry)])}"

    def _dependence(self, entry: Signal) -> list[Any]:
        """All that an entry's values depend on."""
        own = self.settings_of(entry)
        columns = {name: str(column.type) for name, column in entry.columns.items()}
        read = [self._dependence(of) for of in self._read(entry)]
        known = [entry.name, entry.version, own.model_dump(mode="json"), columns]
        return [*known, entry.short_side, CAPTIONS in entry.reads, read]

    def _of_caption(self, entry: CaptionSignal) -> list[Any]:
        settings = self.settings.get(entry.name, entry.settings())
        columns = {name: str(column.type) for name, column in entry.columns.items()}
        return [entry.name, entry.version, settings.model_dump(mode="json"), columns]

    def settings_of(self, entry: Signal) -> Settings:
        """What is set for a signal, or its defaults."""
        return self.settings.get(entry.name, entry.settings())

    def of_kept(self) -> list[str]:
        """The models that are to look at every kept row."""
        needed = (name for column in self.requested for name in self.needed_for(column))
        return [*dict.fromkeys(needed)]

    def shard_fields(self) -> list[pa.Field]:
        """The measured columns of a shard."""
        return [
            field
            for field in signal.fields(self.signals)
            if field.name in self.requested or self._is_in_shards(field.name)
        ]

    def _is_in_shards(self, column: str) -> bool:
        entry = self.owner[column]
        return entry.name not in self.left_out and entry.columns[column].in_shards

    def check(self) -> None:
        """Raises ``MissingModelError`` naming every model that rules need and that is not there."""
        missing: list[str] = []
        for entry in self.signals:
            if entry.name in self.models:
                with _noted(missing):
                    signal.check(entry, self.settings_of(entry))
        for of_captions in self.caption_signals:
            own = self.settings.get(of_captions.name, of_captions.settings())
            with _noted(missing):
                captions.check(of_captions, own)
        if missing:
            raise MissingModelError("\n".join(missing))


@contextmanager
def _noted(missing: list[str]) -> Iterator[None]:
    try:
        yield
    except MissingModelError as error:
        missing.append(str(error))


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
    order, requested = tuple(_order(pipeline)), pipeline.embeddings
    grouped = _groupings(pipeline)
    models = {entry.name: entry.options for entry in grouped}
    models |= {name: entry.settings for name, entry in named.items()}
    values = settings.bound(pipeline, models)
    grouped = tuple(
        entry.with_options(values.pop(entry.name)) if entry.name in values else entry
        for entry in grouped
    )
    made = limited, requested, grouped, _caption_rules(pipeline), _ruled(pipeline)
    selected = Chosen(signals, values, order, *made, pipeline.without)
    for place, name in enumerate(requested):
        if name not in selected.owner:
            message = f"unknown column {shown(name)}: {expected_one_of(name, selected.owner)}"
            raise pipeline.error(message, "embeddings", place)
    _check_reads(pipeline, selected)
    _check_categories(pipeline, selected)
    _check_ranked(pipeline, selected)
    return selected


def _caption_rules(pipeline: Pipeline) -> list[Any]:
    """The rules on captions as plain data; empty without any."""
    stages = resolved(pipeline)["stages"]
    rules = [[name, stage["captions"]] for name, stage in stages.items() if stage.get("captions")]
    return rules and [*rules, list(stages)]


def _ruled(pipeline: Pipeline) -> tuple[CaptionSignal, ...]:
    """The signals of captions that rules name, by name; where these are models', length counts."""
    owners = captions.owners()
    rules = (of for stage in pipeline.stages for of in (stage.captions or {}).values())
    columns = {column for of in rules for column in of}
    texts = columns & owners.keys() or ({captions.COUNTING} if columns else set[str]())
    entries = {owners[column].name: owners[column] for column in texts}
    return tuple(entries[name] for name in sorted(entries))


def _groupings(pipeline: Pipeline) -> tuple[Grouping, ...]:
    """Duplicates, and those that the configuration names, before anything is set for them."""
    plain = resolved(pipeline)
    rules = [plain["stages"], plain.get("settings"), plain.get("without")]
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
            if name != CAPTIONS and name not in selected.owner:
                message = f"signal {entry.name!r} reads the column {name!r}, which none measures"
                raise pipeline.error(f"{message}; leave it out as well", "without")
            if entry.tier == "derived" and _tier_of(name, selected) not in ("file", "pixel"):
                message = f"signal {entry.name!r} is derived: it cannot read the column {name!r}"
                raise pipeline.error(f"{message}; expected a file or pixel one", "signals")
    if "phash" in pipeline.without:
        message = "'phash' cannot be left out: near-duplicates are found by it"
        raise pipeline.error(message, "without")


def _tier_of(column: str, selected: Chosen) -> str:
    return selected.owner[column].tier if column in selected.owner else CAPTIONS


def _check_categories(pipeline: Pipeline, selected: Chosen) -> None:
    """Refuse a category that a column never holds: it would let nothing pass, in silence."""
    for stage in pipeline.stages:
        for name, bound in stage.bounds.items():
            entry = selected.owner.get(name)
            known = entry.columns[name].categories if entry else ()
            for category in (of for of in bound.among or () if known and of not in known):
                message = f"{name} is never {category!r}: {expected_one_of(str(category), known)}"
                raise pipeline.error(message, "stages", stage.name, "bounds", name, "in")


def _check_ranked(pipeline: Pipeline, selected: Chosen) -> None:
    """Refuse what groupings make where a row is ranked: their columns depend on those ranks."""
    made = {name: entry.name for entry in selected.groupings for name in entry.columns}
    named: list[tuple[str | None, tuple[str | int, ...]]] = [
        *((name, ("quality", place)) for place, name in enumerate(pipeline.quality)),
        *((quota.by, ("quotas", quota.name, "by")) for quota in pipeline.quotas),
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
    return reduced.model_copy(update={"stages": stages, "quality": quality, "quotas": quotas})


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


def looked(models: Iterable[str]) -> list[str]:
    """The columns that say whether models looked."""
    return [LOOKED + name for name in models]


def known_columns(selected: Chosen) -> dict[str, Any]:
    """The Arrow type of every column that rules may name, measured or of a grouping."""
    known = {field.name: field.type for field in signal.fields(selected.signals)}
    for entry in selected.groupings:
        known |= {name: of.type for name, of in entry.columns.items() if name != entry.refers}
    return known


def _digest(values: Any) -> str:
    return hashlib.blake2b(json.dumps(values).encode(), digest_size=6).hexdigest()
