"""The graph of a program: its parts, and what goes with them all."""

from collections.abc import Iterable, Iterator, Sequence

import apache_beam as beam

from curation.configuration.program import Program
from curation.failures import exit_codes
from curation.graphs.steps import OutputError
from curation.runners import fingerprint, memory, running


class ProgramStep(beam.DoFn):  # type: ignore[misc]
    """What the steps of a program know: where it writes, and which version asked."""

    def __init__(self, output: str, program: Program) -> None:
        super().__init__()
        self.output = output
        self.program = program
        self.driver = fingerprint.here([type(program).__module__])

    def setup(self) -> None:
        fingerprint.check(self.driver)
        import cv2

        cv2.setNumThreads(1)  # the runner's workers are the parallelism
        memory.keep_freed()
        self.program.prepare()


class CarryOut(ProgramStep):
    """A part of a program -> what it tells, once its files are there."""

    def process(self, part: str) -> Iterator[tuple[str, str]]:
        try:
            yield "all", self.program.carry_out(self.output, part)
        except OSError as error:
            raise OutputError(exit_codes.of_disk(error, self.output)) from error
        memory.give_back()


class Complete(ProgramStep):
    """(name, what all parts told) -> nothing, once what goes with them all is written."""

    def __init__(self, output: str, program: Program, parts: Sequence[str]) -> None:
        super().__init__(output, program)
        self.parts = tuple(parts)

    def process(self, element: tuple[str, Iterable[str]]) -> None:
        try:
            self.program.complete(self.output, self.parts, list(element[1]))
        except OSError as error:
            raise OutputError(exit_codes.of_disk(error, self.output)) from error


def carry_out(
    output: str, program: Program, parts: Sequence[str], arguments: Sequence[str]
) -> None:
    """Make the parts of a program. Raises ``RuntimeError``."""
    with running.pipeline(arguments) as root:
        (
            root
            | "Parts" >> beam.Create(list(parts))
            | "Balance" >> beam.Reshuffle()
            | "Make" >> beam.ParDo(CarryOut(output, program))
            | "All" >> beam.GroupByKey()
            | "Complete" >> beam.ParDo(Complete(output, program, parts))
        )
