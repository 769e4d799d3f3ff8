"""The graph that measures units: every signal, and the models on rows that are alive."""

from collections.abc import Iterator, Sequence
from typing import Any

import apache_beam as beam
import pyarrow as pa

from curation import sources
from curation.configuration.loading import Pipeline
from curation.graphs.steps import Step, reading, units
from curation.judging import rules
from curation.judging.verdicts import tiers
from curation.measuring import contents, measure
from curation.output import column_files
from curation.runners import running
from curation.signals import signal
from curation.sources import plan


class MeasureUnit(Step):
    """Unit name -> unit name, once ``signals/<unit>.parquet`` is of what the unit holds now."""

    def process(self, unit: str) -> Iterator[str]:
        if not contents.is_checked(self.layout, unit):
            source = plan.read_unit(self.layout.plan(unit))
            before = contents.measured(self.layout, unit)
            with reading():
                keep = source.columns.keep
                table = contents.compared(before, sources.read(source)) if before else None
                if table is None:
                    table = measure.measure(sources.read(source), self.signals, keep)
            if before is not None and table.equals(before):
                self.set_checked(unit)
            else:
                self.write_signals(unit, table)
        yield unit


class RunModels(Step):
    """Unit name -> unit name, once its living rows have the columns of every ruled model."""

    def setup(self) -> None:
        super().setup()
        ruled = {column for stage in self.pipeline.stages for column in stage.bounds}
        self.models = [
            entry for entry in self.signals if entry.tier == "model" and ruled & set(entry.columns)
        ]
        for entry in self.models:
            signal.load(entry)

    def process(self, unit: str) -> Iterator[str]:
        if self.models:
            table = column_files.read(self.layout.signals(unit))
            wanted = measure.pending(table, self._alive(table), self.models)
            if wanted.any():
                source = plan.read_unit(self.layout.plan(unit))
                with reading():
                    table = measure.fill_models(
                        table, wanted, self.models, lambda uris: sources.read(source, only=uris)
                    )
                self.write_signals(unit, table)
        yield unit

    def _alive(self, table: pa.Table) -> Any:
        """Rows that pass what is cheap in the first, loosest stage."""
        known = tiers(self.signals)
        first = [
            check
            for check in rules.checks(self.pipeline, known)
            if check.stage == 0 and known[check.column] in ("file", "pixel")
        ]
        readable = column_files.is_null(table.column("reason"))
        judged = rules.judge(
            lambda column: column_files.as_float(table.column(column)),
            readable,
            first,
            self.pipeline,
        )
        return judged.depth > 0


def measure_units(output: str, pipeline: Pipeline, arguments: Sequence[str]) -> None:
    """Measure the units and run the models. Raises ``RuntimeError``."""
    with running.pipeline(arguments) as root:
        (
            units(root, output)
            | "Measure" >> beam.ParDo(MeasureUnit(output, pipeline))
            | "Models"
            >> beam.ParDo(RunModels(output, pipeline)).with_resource_hints(
                **running.model_hints(arguments)
            )
        )
