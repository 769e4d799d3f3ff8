"""The signals of a pipeline: which there are, their settings, and the files their columns are in.

A file is named by a digest of all that its columns depend on: version and settings of the signals,
and what they read. Another signal changes none of them, save that all cheap signals share a file.
"""

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from curation import shard
from curation.configuration.loading import Pipeline
from curation.measuring import measure
from curation.output.layout import Layout
from curation.output.measured import LOOKED, Measured, ModelColumns
from curation.signals import discovery, signal
from curation.signals.signal import CAPTIONS, COSTS, Settings, Signal

MODEL_FILE_VERSION = 1  # raised when what surrounds a model's columns changes meaning


@dataclass(frozen=True)
class Chosen:
    """A pipeline's ``signals`` and their ``settings`` by name.

    ``order`` are the columns that rules ask for, by stage, the loosest first.
    """

    signals: tuple[Signal, ...]
    settings: Mapping[str, Settings]
    order: tuple[tuple[str, ...], ...]

    @cached_property
    def owner(self) -> dict[str, Signal]:
        """The signal of each column."""
        return {column: entry for entry in self.signals for column in entry.columns}

    @cached_property
    def models(self) -> dict[str, tuple[int, int]]:
        """Models that rules need, directly or because another reads them: (stage, wave) by name.

        In a stage the cheaper come first, and any after those that it reads.
        """
        placed: dict[str, tuple[int, int]] = {}
        for stage, columns in enumerate(self.order):
            for column in columns:
                if column in self.owner:
                    self._place(self.owner[column], stage, placed)
        return placed

    def _place(self, entry: Signal, stage: int, placed: dict[str, tuple[int, int]]) -> int:
        """The wave of a signal within the stage, once it and what it reads have their places."""
        read = [self._place(of, stage, placed) for of in self._read(entry)]
        if entry.tier != "model":
            return -1
        wave = max([COSTS.index(entry.cost), *(before + 1 for before in read)])
        return placed.setdefault(entry.name, (stage, wave))[1]

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
        return Measured(layout, self._base_folder, models)

    @cached_property
    def _base_folder(self) -> str:
        cheap = [self._told(entry) for entry in self.signals if entry.tier != "model"]
        return f"base-{_digest([measure.VERSION, shard.schema().names, cheap])}"

    def _model_folder(self, entry: Signal) -> str:
        told = [MODEL_FILE_VERSION, self._told(entry)]
        return f"{entry.name}-{_digest(told)}"

    def _told(self, entry: Signal) -> list[Any]:
        """All that an entry's values depend on."""
        settings = self.settings.get(entry.name, entry.settings())
        columns = {name: str(column.type) for name, column in entry.columns.items()}
        read = [self._told(of) for of in self._read(entry)]
        known = [entry.name, entry.version, settings.model_dump(mode="json"), columns]
        return [*known, entry.short_side, CAPTIONS in entry.reads, read]

    def check(self) -> None:
        """Raises ``MissingModelError`` for a model that rules need and that is not there."""
        for entry in self.signals:
            if entry.name in self.models:
                entry.check(self.settings.get(entry.name, entry.settings()))


def chosen(pipeline: Pipeline) -> Chosen:
    """The signals of a pipeline. Raises ``ConfigurationError``, ``ValueError``."""
    signals = tuple(discovery.discover(pipeline.signals))
    order = tuple(tuple(stage.bounds) for stage in pipeline.stages)
    return Chosen(signals, {}, order)


def looked(models: Iterable[str]) -> list[str]:
    """The columns that say whether models looked."""
    return [LOOKED + name for name in models]


def known_columns(signals: Sequence[Signal]) -> dict[str, Any]:
    """The Arrow type of every measured column."""
    return {field.name: field.type for field in signal.fields(signals)}


def _digest(told: Any) -> str:
    return hashlib.blake2b(json.dumps(told).encode(), digest_size=6).hexdigest()
