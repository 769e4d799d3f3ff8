"""The signals of a pipeline: which there are, their settings, and the files their columns are in.

A file is named by a digest of all that its columns depend on: version and settings of the signals,
and what they read. Another signal changes none of them, save that all cheap signals share a file.
"""

import hashlib
import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import pyarrow as pa

from curation import shard
from curation.groupings.duplicates.grouping import Duplicates
from curation.groupings.grouping import Grouping
from curation.measuring import measure
from curation.networks.weights import MissingModelError
from curation.output.groups import GroupColumns, Groups
from curation.output.layout import Layout
from curation.output.measured import CaptionColumns, Measured, ModelColumns
from curation.signals import captions, signal
from curation.signals.captions import CaptionSignal
from curation.signals.signal import CAPTIONS, COSTS, SAID, Settings, Signal

MODEL_FILE_VERSION = 1  # raised when what surrounds a model's columns changes meaning


@dataclass(frozen=True)
class Chosen:
    """A pipeline's ``signals`` and their ``settings`` by name.

    ``order`` are the columns that rules ask for, by stage, the loosest first; ``quotas`` those that
    each quota reads; ``requested`` columns that kept rows are to have, ruled or not; ``groupings``
    make columns of the rows together; ``bounded`` are the columns that stages bound;
    ``captions`` are the rules on those, as plain data, and ``caption_signals`` what they name. Of
    cheap signals that are ``left_out`` the columns are there, but neither ruled nor in shards.
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
    bounded: frozenset[str] = frozenset()

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
                    for entry in self._measuring(name):
                        self._place(entry, stage, placed)
        return placed

    @cached_property
    def fillers(self) -> dict[str, Signal]:
        """By column that a model's fills, that model."""
        every = ((of.fills, entry) for entry in self.signals for of in entry.columns.values())
        return {column: entry for column, entry in every if column in self.owner}

    def _measuring(self, column: str) -> list[Signal]:
        """The signals that give a column its values: its own, and what fills it."""
        every = (self.owner.get(column), self.fillers.get(column))
        return [entry for entry in every if entry]

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
        """The models that a column is of: its own or what fills it, and all whose columns these
        read.
        """
        needed: list[str] = []
        for entry in (of for of in self._measuring(column) if of.tier == "model"):
            needed += (name for of in entry.reads if of not in SAID for name in self.needed_for(of))
            needed.append(entry.name)
        return tuple(needed)

    def _read(self, entry: Signal) -> list[Signal]:
        return [self.owner[name] for name in entry.reads if name not in SAID]

    @property
    def tiers(self) -> dict[str, str]:
        """The tier of every column that a rule may name."""
        groups = (column for entry in self.groupings for column in entry.columns)
        known = {column: entry.tier for column, entry in self.owner.items()}
        return {**known, "size": "file", **dict.fromkeys(groups, "group")}

    @property
    def scaling(self) -> set[str]:
        """The columns that are stored per side of the image, and ruled in pixels."""
        return {name for of in self.signals for name, it in of.columns.items() if it.scales}

    @cached_property
    def of_pairs(self) -> frozenset[str]:
        """The columns that edit samples alone have."""
        return frozenset(name for name, of in self.owner.items() if of.is_of_pairs)

    @cached_property
    def ruled_of_inputs(self) -> tuple[str, ...]:
        """The bounded columns that are of an image alone: bounds on them hold for every image of an
        edit. Captions, what depends on other rows and what reads captions are the result's.
        """
        own = (name for name in self.bounded & self.owner.keys() if self._is_of_image(name))
        return tuple(sorted({*own, *(self.bounded & {"size"})}))

    @cached_property
    def of_inputs(self) -> frozenset[str]:
        """The models that look at the inputs of edits, too: what bounds or models of pairs need."""
        pairs = [of for of in self.signals if of.name in self.models and of.is_of_pairs]
        asked = {name for entry in pairs for name in entry.reads if name in self.owner}
        return frozenset(
            model for name in {*asked, *self.ruled_of_inputs} for model in self.needed_for(name)
        )

    def _is_of_image(self, column: str) -> bool:
        entry = self.owner.get(column)
        if entry is None or entry.is_of_pairs or CAPTIONS in entry.reads:
            return False
        return all(self._is_of_image(name) for name in entry.reads if name not in SAID)

    def measured(self, layout: Layout) -> Measured:
        """Where the columns of all signals of a run lie."""
        models = {
            entry.name: ModelColumns(
                self._model_folder(entry),
                tuple(entry.columns),
                self._is_of_captions(entry),
                {of.fills: name for name, of in entry.columns.items() if of.fills},
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
            names = tuple(captions.stage_column(split) for split in captions.SPLITS)
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

    def _is_of_captions(self, entry: Signal) -> bool:
        """Whether its values depend on what is said, by what it reads or what that reads."""
        is_own = not set(SAID).isdisjoint(entry.reads)
        return is_own or any(map(self._is_of_captions, self._read(entry)))

    def _model_folder(self, entry: Signal) -> str:
        known = [MODEL_FILE_VERSION, self._dependence(entry)]
        if self._is_of_captions(entry) and set(SAID).isdisjoint(entry.reads):
            known.append(SAID)  # its files once did not say of which captions they are
        return f"{entry.name}-{_digest(known)}"

    def _dependence(self, entry: Signal) -> list[Any]:
        """All that an entry's values depend on."""
        own = self.settings_of(entry)
        columns = {name: str(column.type) for name, column in entry.columns.items()}
        read = [self._dependence(of) for of in self._read(entry)]
        known = [entry.name, entry.version, own.identity(), columns]
        said = [of for of in SAID[1:] if of in entry.reads]
        return [*known, entry.short_side, CAPTIONS in entry.reads, read, *said]

    def _of_caption(self, entry: CaptionSignal) -> list[Any]:
        settings = self.settings.get(entry.name, entry.settings())
        columns = {name: str(column.type) for name, column in entry.columns.items()}
        return [entry.name, entry.version, settings.identity(), columns]

    def settings_of(self, entry: Signal) -> Settings:
        """What is set for a signal, or its defaults."""
        return self.settings.get(entry.name, entry.settings())

    @property
    def accelerated(self) -> list[str]:
        """The models of this run that look from a GPU where there is one."""
        entries = (entry for entry in self.signals if entry.name in self.models)
        return [entry.name for entry in entries if self.settings_of(entry).uses_accelerator]

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


def _digest(values: Any) -> str:
    return hashlib.blake2b(json.dumps(values).encode(), digest_size=6).hexdigest()
