"""What every step of a graph knows, and what it raises.

Elements are names and row numbers; image bytes never cross a shuffle. Every step writes files
atomically and skips what is already there, so that a runner may repeat any of them.
"""

import contextlib
from collections.abc import Iterator

import apache_beam as beam
import pyarrow as pa

from curation.configuration.loading import Pipeline
from curation.failures import exit_codes
from curation.measuring import choosing, contents
from curation.output import column_files
from curation.output.layout import Layout
from curation.runners import fingerprint, memory
from curation.sources import plan


class OutputError(Exception):
    """Writing a result failed; a step's failure carries this name through any runner."""


class InputError(Exception):
    """Reading an input failed for a reason that lies in the filesystem, not in the input."""


@contextlib.contextmanager
def reading() -> Iterator[None]:
    """Give what a filesystem raises in the block a name that passes through any runner."""
    try:
        yield
    except OSError as error:
        raise InputError(
            f"{error}; check the network and the credentials, then run the same command again to "
            "go on"
        ) from error


class Step(beam.DoFn):  # type: ignore[misc]
    """What every step knows: where the run is, what it is to do, and which version asked."""

    def __init__(self, output: str, pipeline: Pipeline) -> None:
        super().__init__()
        self.layout = Layout(output)
        self.pipeline = pipeline
        self.driver = fingerprint.here(pipeline.signals)

    def setup(self) -> None:
        fingerprint.check(self.driver)
        import cv2

        cv2.setNumThreads(1)  # the runner's workers are the parallelism
        memory.keep_freed()
        self.chosen = choosing.chosen(self.pipeline)
        self.measured = self.chosen.measured(self.layout)

    def write_columns(self, unit: str, folder: str, table: pa.Table) -> None:
        """Write a unit's columns of one folder; ``contents.set_checked`` is to follow."""
        with named():
            contents.strike(self.layout, unit, folder)
            column_files.write(self.layout.signals(folder, unit), table)


@contextlib.contextmanager
def named() -> Iterator[None]:
    """Give what writing raises in the block a name that passes through any runner."""
    try:
        yield
    except OSError as error:
        raise OutputError(exit_codes.of_disk(error)) from error


def units(root: beam.Pipeline, output: str) -> beam.PCollection:
    """The names of all units, read where the graph runs: the graph does not grow with them."""
    return (
        root
        | "Plan" >> beam.Create([output])
        | "Units" >> beam.FlatMap(plan.read_names)
        | "Balance" >> beam.Reshuffle()
    )
