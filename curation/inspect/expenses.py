"""What a run over the whole input would cost: CPU and GPU hours, disk, money.

CPU is measured anew on some of the sampled rows, so that no start-up counts. Listing and judging
are left out: they take microseconds a row.
"""

import io
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import numpy as np
import pyarrow as pa

from curation import sources
from curation.inspect import answers, intervals
from curation.inspect.answers import Answers
from curation.inspect.forecast import Forecast, Rows
from curation.inspect.intervals import Estimate
from curation.measuring import measure, models
from curation.measuring.chosen import Chosen
from curation.measuring.here import Here
from curation.measuring.models import Asked, Model
from curation.output import column_files, finished
from curation.output.layout import Layout
from curation.output.measured import CONTENT, LOOKED, Measured
from curation.signals.signal import Signal, ready
from curation.sources import plan, sampling
from curation.sources.sample import Unit

TIMED_ROWS, TIMED_BY_MODELS, TIMED_UNITS = 128, 16, 8
HOUR, GIGABYTE = 3600.0, 1e9


@dataclass(frozen=True)
class Prices:
    """What an hour of a core, an hour of a GPU and a gigabyte a month cost; None: not asked.

    ``tokens_per_second`` are those that a GPU writes, where that was measured elsewhere.
    """

    cpu_hour: float | None = None
    gpu_hour: float | None = None
    gigabyte_month: float | None = None
    tokens_per_second: float | None = None

    @property
    def any(self) -> bool:
        """Whether a cost can be told by them."""
        return any(of is not None for of in (self.cpu_hour, self.gpu_hour, self.gigabyte_month))


@dataclass(frozen=True)
class Step:
    """What one of the steps takes: CPU and GPU seconds a row, on so many ``rows``; of a model also
    the seconds until it has answered, and its ``folder``, which its version and settings name.
    """

    cpu_seconds: float
    gpu_seconds: float | None
    rows: Estimate
    wall_seconds: float | None = None
    folder: str | None = None

    @property
    def cpu_hours(self) -> Estimate:
        """CPU hours for the whole input."""
        return self.rows.times(self.cpu_seconds / HOUR)

    @property
    def gpu_hours(self) -> Estimate:
        """GPU hours for the whole input."""
        return self.rows.times((self.gpu_seconds or 0.0) / HOUR)

    @property
    def wall_hours(self) -> Estimate:
        """Hours for the whole input if one worker asks."""
        return self.rows.times((self.wall_seconds or 0.0) / HOUR)

    def as_json(self) -> dict[str, Any]:
        """Plain data."""
        return {
            "rows": self.rows.as_json(),
            "cpu_milliseconds_a_row": 1000 * self.cpu_seconds,
            "cpu_hours": self.cpu_hours.as_json(),
            "gpu_hours": None if self.gpu_seconds is None else self.gpu_hours.as_json(),
            "wall_hours": None if self.wall_seconds is None else self.wall_hours.as_json(),
            "seconds_a_row": [self.cpu_seconds, self.wall_seconds],
            "folder": self.folder,
        }


@dataclass(frozen=True)
class Expenses:
    """The steps by name, the bytes of columns and shards, and by name of model what language
    models are asked.
    """

    steps: Mapping[str, Step]
    columns: float
    shards: Estimate
    answers: Mapping[str, Answers]

    @property
    def cpu_hours(self) -> Estimate:
        """CPU hours of all steps."""
        return intervals.added([step.cpu_hours for step in self.steps.values()])

    @property
    def gpu_hours(self) -> Estimate | None:
        """GPU hours of all steps; None where no model ran on a GPU."""
        on_gpu = [step.gpu_hours for step in self.steps.values() if step.gpu_seconds is not None]
        return intervals.added(on_gpu) if on_gpu else None

    @property
    def gigabytes(self) -> Estimate:
        """What a run leaves on disk, in 10^9 bytes."""
        return intervals.added([self.shards, Estimate(*(self.columns,) * 3)]).times(1 / GIGABYTE)

    @property
    def tokens(self) -> Estimate | None:
        """What all tokens cost; None without a price of any."""
        known = [cost for of in self.answers.values() if (cost := of.cost) is not None]
        return intervals.added(known) if known else None

    def cost(self, prices: Prices) -> Estimate | None:
        """Once for computation and tokens, and of a month's storage; None without any price."""
        if not prices.any and self.tokens is None:
            return None
        return intervals.added(
            [
                self.cpu_hours.times(prices.cpu_hour or 0.0),
                (self.gpu_hours or Estimate(0.0, 0.0, 0.0)).times(prices.gpu_hour or 0.0),
                self.gigabytes.times(prices.gigabyte_month or 0.0),
                self.tokens or Estimate(0.0, 0.0, 0.0),
            ]
        )

    def as_json(self, prices: Prices) -> dict[str, Any]:
        """Plain data."""
        gpu, cost = self.gpu_hours, self.cost(prices)
        return {
            "steps": {name: step.as_json() for name, step in self.steps.items()},
            "cpu_hours": self.cpu_hours.as_json(),
            "gpu_hours": None if gpu is None else gpu.as_json(),
            "column_bytes": self.columns,
            "shard_bytes": self.shards.as_json(),
            "answers": {name: of.as_json() for name, of in self.answers.items()},
            "cost": None if cost is None else cost.as_json(),
        }


def expenses(
    output: str,
    run: Mapping[str, Any],
    chosen: Chosen,
    rows: Rows,
    predicted: Forecast,
    tokens_per_second: float | None = None,
) -> Expenses:
    """What the rows of a sample say of the whole input. Raises ``OSError``, ``ColumnFileError``.

    A language model takes GPU time by ``tokens_per_second`` where that is given.
    """
    layout = Layout(output)
    total = sum(stratum.rows for stratum in rows.design.strata)
    timed = _timed_units(layout, run["seed"])
    steps = {"measuring": Step(_measuring(timed, chosen), None, Estimate(*(total,) * 3))}
    asked: dict[str, Answers] = {}
    for name, share in predicted.models.items():
        entry, looks = next(of for of in chosen.signals if of.name == name), share.times(total)
        if entry.tokens:
            prices = chosen.settings_of(entry).token_prices()
            asked[name] = answers.answers(rows, entry.tokens, prices)
        folder = chosen.measured(layout).models[name].folder
        known = _timed_before(layout, name, folder) if entry.tokens else None
        if seconds := known or _model(layout, chosen, entry, run["seed"]):
            cpu, wall = seconds
            gpu = wall if _on_gpu() else None
            if tokens_per_second and name in asked:
                gpu = asked[name].gpu_seconds(tokens_per_second) / looks.value
            steps[name] = Step(cpu, gpu, looks, wall, folder)
    kept = rows.among("verdict", "kept")
    if kept.any():
        seconds_each = run["steps"]["shards"]["cpu_seconds"] / int(kept.sum())
        steps["shards"] = Step(seconds_each, None, predicted.kept.times(total))
    originals = (rows.numbers("size") + rows.numbers("input_bytes")) * kept
    written = sum(entry.size for entry in layout.written("shards"))
    overhead = written / originals.sum() if originals.any() else 1.0
    shards = intervals.total(originals, rows.design).times(overhead)
    columns = total * _column_bytes(layout, chosen.measured(layout))
    return Expenses(steps, columns, shards, asked)


def _timed_units(layout: Layout, seed: int) -> list[Unit]:
    """Units with some of their rows: of all files, or of a few containers."""
    units = {name: plan.read_unit(layout.plan(name)) for name in plan.read_names(layout.root)}
    files = [unit for unit in units.values() if unit.only is None]
    parts = {part.path: part for unit in files for part in unit.parts}
    chosen = [parts[path] for path in sampling.smallest(parts, TIMED_ROWS, seed)]
    sampled = [replace(files[0], parts=tuple(chosen))] if files else []
    boxes = [name for name, unit in units.items() if unit.only is not None]
    for name in sampling.smallest(boxes, TIMED_UNITS, seed):
        rows = sampling.smallest(units[name].only or (), TIMED_ROWS // TIMED_UNITS, seed)
        sampled.append(replace(units[name], only=tuple(rows)))
    return sampled


def _measuring(units: Sequence[Unit], chosen: Chosen) -> float:
    """CPU seconds a row of decoding and of all cheap signals."""
    spent, rows = 0.0, 0
    for unit in units:
        samples = list(sources.read(unit))
        if not rows:
            measure.measure(samples[:1], chosen.signals, unit.columns.keep, chosen.settings)
        start = time.process_time()
        measure.measure(samples, chosen.signals, unit.columns.keep, chosen.settings)
        spent += time.process_time() - start
        rows += len(samples)
    return spent / max(1, rows)


def _timed_before(layout: Layout, name: str, folder: str) -> tuple[float, float] | None:
    """What an earlier plan in this output timed of a model with the same settings, if any.

    Who answers for money is not asked again to be timed.
    """
    step = finished.forecast(layout).get("steps", {}).get(name, {})
    cpu, wall = step.get("seconds_a_row") or (None, None)
    if step.get("folder") != folder or cpu is None or wall is None:
        return None
    return float(cpu), float(wall)


def _model(layout: Layout, chosen: Chosen, entry: Signal, seed: int) -> tuple[float, float] | None:
    """CPU and wall seconds a row of a model, loaded; None where it looked at no row."""
    measured = chosen.measured(layout)
    content = measured.models[entry.name].content
    looks = entry.name in chosen.of_inputs
    model = Model(entry, content, chosen.settings_of(entry), of_inputs=looks)
    ready(entry, model.settings)
    cpu = wall = 0.0
    rows = 0
    # a captioner is timed as it is asked: by whole batches
    each = TIMED_BY_MODELS if entry.tokens else TIMED_BY_MODELS // 4
    for unit, base in _looked_at(measured, entry.name, model.reads, seed, each):
        numbers = np.arange(base.num_rows)
        for warm in (True, False) if not rows else (False,):
            wanted = {entry.name: numbers[:1] if warm else numbers}
            asked = Asked(base, wanted, {entry.name: model})
            start = time.process_time(), time.perf_counter()
            for _ in models.measure(asked, partial(sources.read, unit), Here()):
                pass
            if not warm:
                cpu += time.process_time() - start[0]
                wall += time.perf_counter() - start[1]
        rows += base.num_rows
    if not rows:
        return None
    return cpu / rows, wall / rows


def _looked_at(
    measured: Measured, model: str, names: Sequence[str], seed: int, each: int
) -> Iterator[tuple[Unit, pa.Table]]:
    """Some rows that a model looked at, at most ``each`` of a unit."""
    left = TIMED_BY_MODELS
    units = plan.read_names(measured.layout.root)
    for name in sampling.smallest(units, len(units), seed):
        columns = ["uri", *CONTENT, *names, LOOKED + model]
        table = measured.read(name, columns)
        seen = table.filter(table.column(LOOKED + model)).drop_columns([LOOKED + model])
        if seen.num_rows:
            unit = plan.read_unit(measured.layout.plan(name))
            chosen = seen.slice(0, max(1, min(left, each)))
            left -= chosen.num_rows
            yield unit, chosen.drop_columns(["source_digest"])
        if left <= 0:
            return


def _on_gpu() -> bool:
    """Whether a model that is loaded holds memory of a GPU."""
    torch = sys.modules.get("torch")
    return bool(torch and torch.cuda.is_available() and torch.cuda.memory_allocated())


def _column_bytes(layout: Layout, measured: Measured) -> float:
    """Bytes a row of all columns, in files as large as those of a whole run."""
    folders: dict[str, list[str]] = {}
    for top in ("signals", "groups"):
        for folder, _, entry in layout.columns(top):
            folders.setdefault(folder, []).append(entry.path)
    folders["ledger"] = [entry.path for entry in layout.written("ledger")]
    rows = sum(
        column_files.read(measured.base_path(unit), ["key"]).num_rows for unit in measured.units()
    )
    return sum(_together(paths) for paths in folders.values()) / max(1, int(rows))


def _together(paths: Sequence[str]) -> int:
    """The bytes of column files if they were one."""
    tables = [column_files.read(path) for path in paths]
    stream = io.BytesIO()
    joined = pa.concat_tables(tables, promote_options="permissive")
    column_files.write_to(stream, joined)
    return len(stream.getvalue())
