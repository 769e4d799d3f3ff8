"""Asking models in this process: what the process beside a run does, and what is timed."""

import math
from collections.abc import Mapping, Sequence
from typing import Any

import pyarrow as pa

from curation.measuring.asking import FailedError
from curation.measuring.measure import NOT_OF_THE_PICTURE, problem_of
from curation.picture.decoding import PictureError
from curation.signals.row import Row
from curation.signals.signal import Settings, Signal, ready


class Here:
    """An ``asking.Asker`` without another process; a model that dies or hangs takes this one."""

    def __init__(self) -> None:
        self._rows: Mapping[int, Row] = {}

    def begin(self, rows: Mapping[int, Row]) -> None:
        """Another batch, its rows by number."""
        self._rows = rows

    def ask(
        self, entry: Signal, settings: Settings, numbers: Sequence[int]
    ) -> list[dict[str, Any]]:
        """As ``Asker`` says."""
        measure = ready(entry, settings)
        try:
            measured = measure([self._rows[number] for number in numbers])
            return as_declared(entry, measured, len(numbers))
        except Exception as error:
            if isinstance(error, NOT_OF_THE_PICTURE):
                raise
            is_unseen = isinstance(error, PictureError)
            raise FailedError(problem_of(error), is_unseen=is_unseen) from error


def as_declared(
    entry: Signal, measured: Sequence[Mapping[str, Any]], count: int
) -> list[dict[str, Any]]:
    """The columns as declared. Raises whatever there is instead of what the signal declares."""
    if len(measured) != count:
        raise ValueError(f"{len(measured)} results for {count} rows")
    return [
        {name: _as_declared(name, values[name], it.type) for name, it in entry.columns.items()}
        for values in measured
    ]


def _as_declared(name: str, value: Any, kind: pa.DataType) -> Any:
    """A value of that type. Raises ``ValueError`` for a number that is none."""
    plain = pa.scalar(value, kind).as_py()
    numbers = plain if isinstance(plain, list) else [plain]
    if any(isinstance(number, float) and not math.isfinite(number) for number in numbers):
        raise ValueError(f"{name} is not a finite number")
    return plain
