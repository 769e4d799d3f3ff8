"""A unit measured for tests: its base file, and the columns of models that looked at some rows."""

from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

import numpy as np
import pyarrow as pa

from curation.measuring import measure, models
from curation.measuring.asking import Asker
from curation.measuring.chosen import Chosen
from curation.measuring.here import Here
from curation.measuring.models import Model
from curation.output import column_files
from curation.output.layout import Layout
from curation.output.measured import Measured
from curation.signals.signal import Signal
from curation.sources.sample import Sample

UNIT = "0" * 16


class MeasuredUnit:
    """The unit ``UNIT`` of a run in ``root``: ``samples`` measured by signals, all ruled."""

    def __init__(self, root: Path, samples: Sequence[Sample], signals: Sequence[Signal]) -> None:
        names = tuple(column for entry in signals for column in entry.columns)
        self.samples = samples
        self.chosen = Chosen(tuple(signals), {}, (names,))
        self.measured: Measured = self.chosen.measured(Layout(str(root)))
        self.base = measure.measure(samples, signals)
        column_files.write(self.measured.base_path(UNIT), self.base)

    def model(self, entry: Signal) -> Model:
        """The model of a signal."""
        return Model(entry, self.measured.models[entry.name].content)

    def look(
        self,
        entries: Sequence[Signal],
        rows: Sequence[int],
        read: Callable[[set[str]], Iterable[Sample]] | None = None,
        asker: Asker | None = None,
    ) -> None:
        """Let models look at rows, and write what they see."""
        loaded = [self.model(entry) for entry in entries]
        wanted = {entry.name: np.asarray(rows, np.int64) for entry in entries}
        reads = [name for of in loaded for name in of.reads]
        base = self.base.select(["uri", "id", *reads])
        asked = models.Asked(base, wanted, {of.signal.name: of for of in loaded})
        batches = [*models.measure(asked, read or self._read, asker or Here())]
        for model in loaded:
            path = self.measured.model_path(model.signal.name, UNIT)
            before = column_files.read(path) if Path(path).exists() else None
            values: models.Values = {}
            for _, seen in batches:
                values |= seen.get(model.signal.name, {})
            column_files.write(path, models.merged(model, self.base, before, values))

    def _read(self, uris: set[str]) -> Iterable[Sample]:
        return (sample for sample in reversed(self.samples) if sample.uri in uris)

    def column(self, name: str) -> list[object]:
        """A column of all rows."""
        values: list[object] = self.table([name]).column(name).to_pylist()
        return values

    def table(self, names: Sequence[str] | None = None) -> pa.Table:
        """Columns of all rows."""
        return self.measured.read(UNIT, names)
