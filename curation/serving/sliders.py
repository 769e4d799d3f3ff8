"""The bounds page: each ruled column with its histogram, and bounds that can be moved along it."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from curation.output import column_files
from curation.report import charts, text
from curation.report.charts import Chart
from curation.report.histogram import Floats, Histogram, choose_axis
from curation.report.outcome import Bound
from curation.serving.site import Site
from curation.serving.trials import Moved, name_of

SAMPLE = 100_000  # rows that a histogram is of, evenly over all


@dataclass(frozen=True)
class Slider:
    """A bound that can be moved: where it stands now, as configured, and the ``values`` that the
    slider steps over, in the unit of the rule; ``edge`` is the nearest of these.
    """

    name: str
    label: str
    side: str
    value: float
    configured: float
    values: str
    edge: int
    last: int
    deeper: bool
    pixels: float


@dataclass(frozen=True)
class Ruled:
    """A column that bounds rule, its chart, and a slider for each bound."""

    column: str
    unit: str
    meaning: str
    chart: Chart
    sliders: tuple[Slider, ...]
    rows: int


def ruled(site: Site, moved: Moved) -> Iterator[Ruled]:
    """The ruled columns in the order of their rules, where any row was measured."""
    by_column: dict[str, list[Bound]] = {}
    for bound in site.trials.bounds.values():
        by_column.setdefault(bound.column, []).append(bound)
    kept = _sampled(site, pc.equal(site.rows.column("verdict"), "kept"))
    for column, bounds in by_column.items():
        if column not in site.types:
            continue
        values = _sampled(site, site.rows.column(column))
        floats = column_files.as_float(values)
        whole_numbers = not pa.types.is_floating(values.type)
        axis = choose_axis(floats[np.isfinite(floats)], bounds, whole_numbers)
        histogram = Histogram(column, tuple(bounds), axis)
        is_kept = np.asarray(kept, np.bool_)
        histogram.add(floats, is_kept, np.zeros(len(floats), np.bool_))
        known = site.rows.described.get(column)
        unit = known.unit if known else ""
        steps = _steps(axis.edges, axis.whole_numbers)
        sliders = tuple(_slider(bound, steps, dict(moved), unit) for bound in bounds)
        meaning = known.meaning if known else ""
        yield Ruled(column, unit, meaning, charts.lay_out(histogram, unit), sliders, len(floats))


def _sampled(site: Site, column: pa.ChunkedArray) -> pa.ChunkedArray:
    step = -(-len(site.rows) // SAMPLE)
    return column if step <= 1 else column.take(pa.array(np.arange(0, len(site.rows), step)))


def _steps(edges: Floats, whole_numbers: bool) -> Floats:
    """Values on the axis that a bound may take."""
    return (edges[:-1] + edges[1:]) / 2 if whole_numbers else edges


def _slider(bound: Bound, steps: Floats, moved: dict[str, float], unit: str) -> Slider:
    name = name_of(bound)
    value = moved.get(name, bound.bound)
    values = np.unique(
        np.array([_rounded(of * bound.scale) for of in steps] + [bound.bound, value])
    )
    label = f"{bound.stage}: {bound.column} {'≥' if bound.side == 'min' else '≤'}"
    return Slider(
        name,
        text.name(label),
        bound.side,
        value,
        bound.bound,
        ",".join(f"{of:.10g}" for of in values),
        int(np.abs(values - value).argmin()),
        len(values) - 1,
        bound.deeper,
        0.0 if bound.scale == 1 else bound.scale,
    )


def _rounded(value: float) -> float:
    return float(f"{value:.4g}")
