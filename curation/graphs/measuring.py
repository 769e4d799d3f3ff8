"""The graphs that measure: units by every cheap signal, and pending rows by models."""

import json
import time
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from functools import partial

import apache_beam as beam
import pyarrow as pa

from curation import sources, storage
from curation.configuration.loading import Pipeline
from curation.failures.errors import UsageError
from curation.graphs.steps import Step, named, reading, units
from curation.judging.cascade import Cascade
from curation.judging.verdicts import Judge
from curation.measuring import (
    asking,
    captions,
    choosing,
    contents,
    earlier,
    measure,
    models,
    pending,
)
from curation.measuring.chosen import Chosen
from curation.measuring.earlier import Known, Number
from curation.measuring.models import Model
from curation.output import column_files
from curation.output.measured import ROWS, metadata
from curation.runners import running
from curation.signals.captions import Said, ready
from curation.sources import plan

# What models saw is written again after a batch once so many times as long has passed as it takes.
WRITING_SHARE = 50
LEFT = "left/"  # before the name of a unit that some models are still to look at
BASE = "base"  # what all cheap signals together are called where rows are counted


class MeasureUnit(Step):
    """Unit name -> how many rows were measured and taken over, once its base and caption columns
    are of what the unit holds now.
    """

    def setup(self) -> None:
        super().setup()
        paths = earlier.noted(self.layout).get(self.measured.base, [])
        self.elsewhere = measure.earlier(self.chosen.signals, paths)

    def process(self, unit: str) -> Iterator[Number]:
        if contents.is_checked(self.measured, unit):
            return
        source = plan.read_unit(self.layout.plan(unit))
        before = contents.measured_before(self.measured, unit)
        own = measure.earlier(self.chosen.signals, [self.measured.base_path(unit)])
        known = Known({BASE: self.elsewhere}, {BASE: own})
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
                    partial(known.seen, BASE),
                )
        if before is None or not table.equals(before):
            if before is not None and metadata(before).get(ROWS) != metadata(table)[ROWS]:
                with named():
                    earlier.keep(self.measured, unit)
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
        yield from known.numbers()


class RunModels(Step):
    """Unit name -> of how many contents models were asked, and how many were known, once they have
    looked at what was pending and went on from there.

    Where ``apart`` are to look from other machines, the name too if that is left to be done.
    """

    def __init__(self, output: str, pipeline: Pipeline, apart: Sequence[str] = ()) -> None:
        super().__init__(output, pipeline)
        self.apart = tuple(apart)

    def setup(self) -> None:
        super().setup()
        self.judge = Judge(self.layout.root, self.pipeline, self.chosen)
        self.models = {
            entry.name: Model(
                entry,
                self.measured.models[entry.name].content,
                self.chosen.settings_of(entry),
                self.chosen.models[entry.name],
                entry.name in self.chosen.of_inputs,
            )
            for entry in self.chosen.signals
            if entry.name in self.chosen.models
        }
        paths = earlier.noted(self.layout)
        self.elsewhere = {
            name: model.earlier(paths.get(self.measured.models[name].folder, []))
            for name, model in self.models.items()
        }

    def process(self, unit: str) -> Iterator[Number]:
        source = plan.read_unit(self.layout.plan(unit))
        cascade = Cascade(self.judge, self.chosen, unit, pending.read(self.layout, unit))
        known = self._known(unit, cascade.base)
        asked, left = models.only(self._asked(cascade, known), self.apart)
        with reading(), asking.borrowed(self.pipeline.signals) as asker:
            batches = models.measure(asked, lambda uris: sources.read(source, only=uris), asker)
            self._keep(unit, cascade.base, batches)
        with named():
            contents.set_checked(self.measured, unit)
            if not left:
                storage.delete([self.layout.pending(unit)])
        yield from known.numbers()
        if left:
            yield LEFT + unit, 1

    def _asked(self, cascade: Cascade, known: Known) -> models.Asked:
        return models.Asked(cascade.base, cascade.wanted, self.models, cascade.following, known)

    def _known(self, unit: str, base: pa.Table) -> Known:
        """What was seen of the unit's images."""
        own = {
            name: model.earlier([path])
            for name, model in self.models.items()
            if storage.exists(path := self.measured.model_path(name, unit))
        }
        occurring = Counter(base.column("id").drop_null().to_pylist())
        return Known(self.elsewhere, own, {name for name, of in occurring.items() if of > 1})

    def teardown(self) -> None:
        asking.leave()

    def _keep(self, unit: str, base: pa.Table, batches: Iterable[tuple[int, models.Seen]]) -> None:
        """Write what is seen as it comes: a run that is killed repeats a few seconds' worth."""
        seen: models.Seen = {}
        written, took, done = time.monotonic(), 0.0, 0
        for rows, fresh in batches:
            for name, values in fresh.items():
                seen.setdefault(name, {}).update(values)
            done += rows
            if rows and not storage.is_remote(self.layout.root):
                self._say(unit, done)
            began = time.monotonic()
            if began - written >= WRITING_SHARE * took:
                seen = self._write_all(unit, base, seen)
                written = time.monotonic()
                took = written - began
        self._write_all(unit, base, seen)
        self._say(unit, done)

    def _say(self, unit: str, done: int) -> None:
        """Let who waits know how many rows are done with: by a size, which a listing tells."""
        with named():
            storage.write_bytes(self.layout.looked(unit), b"." * done)

    def _write_all(self, unit: str, base: pa.Table, seen: models.Seen) -> models.Seen:
        """Add what was seen to the files; returns what was seen since: nothing."""
        for name, values in seen.items():
            path = self.measured.model_path(name, unit)
            before = column_files.read(path) if storage.exists(path) else None
            table = models.merged(self.models[name], base, before, values)
            self.write_columns(unit, self.measured.models[name].folder, table)
        return {}


class WriteNumbers(Step):
    """("units", numbers by name) -> nothing, once they are written."""

    def process(self, element: tuple[str, Iterable[Number]]) -> None:
        with named():
            storage.write_bytes(self.layout.taken, json.dumps(dict(element[1])).encode())


def _is_of_rows(number: Number) -> bool:
    return not number[0].startswith(LEFT)


def _left(number: Number) -> Iterator[str]:
    """The unit that is left to be looked at, if it is said so."""
    if not _is_of_rows(number):
        yield number[0].removeprefix(LEFT)


def _of_units(number: Number) -> tuple[str, Number]:
    return "units", number


def _write_numbers(numbers: beam.PCollection, output: str, pipeline: Pipeline) -> None:
    """Add up what units say, and write it."""
    (
        numbers
        | "Said" >> beam.Filter(_is_of_rows)
        | "Add" >> beam.CombinePerKey(sum)
        | "Together" >> beam.Map(_of_units)
        | "Numbers" >> beam.GroupByKey()
        | "WriteNumbers" >> beam.ParDo(WriteNumbers(output, pipeline))
    )


def pending_units(output: str) -> Iterator[str]:
    """The units with rows that models are still to look at."""
    yield from pending.units(output)


def measure_units(output: str, pipeline: Pipeline, arguments: Sequence[str]) -> None:
    """Measure every unit's base columns. Raises ``RuntimeError``."""
    with running.pipeline(arguments) as root:
        measured = units(root, output) | "Measure" >> beam.ParDo(MeasureUnit(output, pipeline))
        _write_numbers(measured, output, pipeline)


def refuse_idle(chosen: Chosen, arguments: Sequence[str]) -> None:
    """Raise ``UsageError`` where hardware is asked for that no model would use."""
    if running.model_hints(arguments)[1] and not chosen.accelerated:
        raise UsageError(
            "--model-accelerator: no model of this pipeline uses one, and it would be paid for all "
            "the same; leave it out, or have captions written by a back end that does, such as "
            "transformers"
        )


def run_models(output: str, pipeline: Pipeline, arguments: Sequence[str]) -> None:
    """Let the models look at what is pending. Raises ``RuntimeError``.

    Those that use an accelerator look last, in a step of their own, where these options ask for
    hardware: what the others need no GPU for does not hold one up.
    """
    hints, accelerator = running.model_hints(arguments)
    apart = choosing.chosen(pipeline).accelerated if accelerator else []
    with running.pipeline(arguments) as root:
        looked = (
            root
            | "Output" >> beam.Create([output])
            | "Pending" >> beam.FlatMap(pending_units)
            | "Balance" >> beam.Reshuffle()
            | "Models"
            >> beam.ParDo(RunModels(output, pipeline, apart)).with_resource_hints(**hints)
        )
        if apart:
            more = (
                looked
                | "Left" >> beam.FlatMap(_left)
                | "Balance accelerated" >> beam.Reshuffle()
                | "Accelerated models"
                >> beam.ParDo(RunModels(output, pipeline)).with_resource_hints(
                    **hints, **accelerator
                )
            )
            looked = (looked, more) | "Both" >> beam.Flatten()
        _write_numbers(looked, output, pipeline)
