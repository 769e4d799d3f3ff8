"""The graphs that measure: units by every cheap signal, and pending rows by models."""

import time
from collections.abc import Iterable, Iterator, Mapping, Sequence

import apache_beam as beam
import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from curation import sources, storage
from curation.configuration.loading import Pipeline
from curation.graphs.steps import Step, named, reading, units
from curation.measuring import captions, contents, measure, models, pending
from curation.measuring.models import Model
from curation.output import column_files
from curation.output.measured import CONTENT, LOOKED, ROWS
from curation.runners import running
from curation.signals import signal
from curation.signals.captions import Said, ready
from curation.signals.signal import CAPTIONS
from curation.sources import plan

# What models saw is written again after a batch once so many times as long has passed as it takes.
WRITING_SHARE = 50


class MeasureUnit(Step):
    """Unit name -> nothing, once its base and caption columns are of what the unit holds now."""

    def process(self, unit: str) -> None:
        if contents.is_checked(self.measured, unit):
            return
        source = plan.read_unit(self.layout.plan(unit))
        before = contents.measured_before(self.measured, unit)
        said: dict[str, Said] = {}
        with reading():
            samples = captions.noted(sources.read(source), said)
            table = contents.compared(before, samples) if before else None
            if table is None:
                table = measure.measure(
                    captions.noted(sources.read(source), said),
                    self.chosen.signals,
                    source.columns.keep,
                    self.chosen.settings,
                )
        if before is None or not table.equals(before):
            self.write_columns(unit, self.measured.base, table)
        for entry in self.chosen.caption_signals:
            if not captions.is_of(self.measured, entry.name, unit, table.schema.metadata[ROWS]):
                of = ready(entry, self.chosen.settings.get(entry.name))
                self.write_columns(
                    unit,
                    self.measured.captions[entry.name].folder,
                    captions.measure(entry, of, table, said),
                )
        with named():
            contents.set_checked(self.measured, unit)


class RunModels(Step):
    """Unit name -> nothing, once the models have looked at the rows that were pending."""

    def setup(self) -> None:
        super().setup()
        self.models = {
            entry.name: Model(
                entry,
                signal.ready(entry, self.chosen.settings_of(entry)),
                self.measured.models[entry.name].content,
            )
            for entry in self.chosen.signals
            if entry.name in self.chosen.models
        }

    def process(self, unit: str) -> None:
        wanted = pending.read(self.layout, unit)
        source = plan.read_unit(self.layout.plan(unit))
        for wave in pending.waves(wanted, self.chosen.models):
            chosen = [self.models[name] for name in wave]
            names = {name for model in chosen for name in model.signal.reads if name != CAPTIONS}
            flags = [LOOKED + name for name in wave]
            table = self.measured.read(unit, ["uri", *CONTENT, *sorted(names), *flags])
            base = table.drop_columns(flags)
            with reading():
                batches = models.measure(
                    base.drop_columns(["source_digest"]),
                    {name: _unlooked(table, name, wanted[name]) for name in wave},
                    chosen,
                    lambda uris: sources.read(source, only=uris),
                )
                self._keep(unit, chosen, base, batches)
        with named():
            contents.set_checked(self.measured, unit)
            storage.delete([self.layout.pending(unit)])

    def _keep(
        self,
        unit: str,
        chosen: Sequence[Model],
        base: pa.Table,
        batches: Iterable[Mapping[str, models.Values]],
    ) -> None:
        """Write what is seen as it comes: a run that is killed repeats a few seconds' worth."""
        seen: dict[str, models.Values] = {model.signal.name: {} for model in chosen}
        written, took = time.monotonic(), 0.0
        for batch in batches:
            for name, values in batch.items():
                seen[name] |= values
            began = time.monotonic()
            if began - written >= WRITING_SHARE * took:
                self._write_all(unit, chosen, base, seen)
                written = time.monotonic()
                took = written - began
        self._write_all(unit, chosen, base, seen)

    def _write_all(
        self,
        unit: str,
        chosen: Sequence[Model],
        base: pa.Table,
        seen: Mapping[str, models.Values],
    ) -> None:
        for model in chosen:
            self._write(unit, model, base, seen[model.signal.name])

    def _write(self, unit: str, model: Model, base: pa.Table, seen: models.Values) -> None:
        name = model.signal.name
        path = self.measured.model_path(name, unit)
        before = column_files.read(path) if storage.exists(path) else None
        table = models.merged(model, base, before, seen)
        self.write_columns(unit, self.measured.models[name].folder, table)


def _unlooked(table: pa.Table, name: str, wanted: Sequence[int]) -> NDArray[np.int64]:
    """The rows that are wanted of a model and not seen yet, as by a process that was killed."""
    rows = np.asarray(wanted, np.int64)
    looked = np.asarray(table.column(LOOKED + name), np.bool_)
    return rows[~looked[rows]]


def pending_units(output: str) -> Iterator[str]:
    """The units with rows that models are still to look at."""
    yield from pending.units(output)


def measure_units(output: str, pipeline: Pipeline, arguments: Sequence[str]) -> None:
    """Measure every unit's base columns. Raises ``RuntimeError``."""
    with running.pipeline(arguments) as root:
        units(root, output) | "Measure" >> beam.ParDo(MeasureUnit(output, pipeline))


def run_models(output: str, pipeline: Pipeline, arguments: Sequence[str]) -> None:
    """Let the models look at what is pending. Raises ``RuntimeError``."""
    with running.pipeline(arguments) as root:
        (
            root
            | "Output" >> beam.Create([output])
            | "Pending" >> beam.FlatMap(pending_units)
            | "Balance" >> beam.Reshuffle()
            | "Models"
            >> beam.ParDo(RunModels(output, pipeline)).with_resource_hints(
                **running.model_hints(arguments)
            )
        )
