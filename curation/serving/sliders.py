"""The bounds page: each ruled column with its histogram, and bounds that can be moved along it."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from curation.output import column_files
from curation.report import charts, text
from curation.report.charts import Chart
from curation.report.histogram import Floats, Histogram, choose_axis
from curation.report.outcome import Bound
from curation.serving import categories
from curation.serving.categories import Category, Choice
from curation.serving.site import Site
from curation.serving.trials import Moved, Value, name_of

SAMPLE = 100_000  # rows that a histogram is of, evenly over all
NO_STEPS: Floats = np.zeros(0)


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
    """A column that bounds rule: its chart and a slider for each bound that is a number, and the
    lists of those that are none. A chart is of so many ``rows``.
    """

    column: str
    unit: str
    meaning: str
    chart: Chart | None
    sliders: tuple[Slider, ...]
    choices: tuple[Choice, ...]
    rows: int


def ruled(site: Site, moved: Moved) -> Iterator[Ruled]:
    """The ruled columns in the order of their rules, where any row was measured."""
    by_column: dict[str, list[Bound]] = {}
    for bound in site.trials.bounds.values():
        by_column.setdefault(bound.column, []).append(bound)
    kept = pc.equal(site.rows.column("verdict"), "kept")
    for column, bounds in by_column.items():
        if column in site.types:
            known, now = site.rows.described.get(column), dict(moved)
            unit, meaning = (known.unit, known.meaning) if known else ("", "")
            values = site.rows.column(column)
            may_be = known.categories if known else ()
            lists = tuple(
                categories.choice(name_of(of), of, _among(of, now), values, kept, may_be)
                for of in bounds
                if of.side == "in"
            )
            numbers = [of for of in bounds if of.side != "in"]
            chart, steps, rows = None, NO_STEPS, len(values)
            if numbers:
                chart, steps, rows = _charted(site, column, numbers, unit, kept)
            sliders = tuple(_slider(of, steps, now, unit) for of in numbers)
            yield Ruled(column, unit, meaning, chart, sliders, lists, rows)


def _among(bound: Bound, moved: dict[str, Value]) -> tuple[Category, ...]:
    now = moved.get(name_of(bound))
    return now if isinstance(now, tuple) else bound.among


def _charted(
    site: Site, column: str, bounds: Sequence[Bound], unit: str, kept: pa.ChunkedArray
) -> tuple[Chart, Floats, int]:
    """The chart of a column, the values that its bounds may take, and how many rows it is of."""
    values, is_kept = _sampled(site, site.rows.column(column)), _sampled(site, kept)
    rows = len(values)
    if pa.types.is_list(values.type):
        is_kept = is_kept.take(pc.list_parent_indices(values))
        values = pc.list_flatten(values)
    floats = column_files.as_float(values)
    whole_numbers = not pa.types.is_floating(values.type)
    axis = choose_axis(floats[np.isfinite(floats)], bounds, whole_numbers)
    histogram = Histogram(column, tuple(bounds), axis)
    histogram.add(floats, np.asarray(is_kept, np.bool_), np.zeros(len(floats), np.bool_))
    return charts.lay_out(histogram, unit), _steps(axis.edges, axis.whole_numbers), rows


def _sampled(site: Site, column: pa.ChunkedArray) -> pa.ChunkedArray:
    step = -(-len(site.rows) // SAMPLE)
    return column if step <= 1 else column.take(pa.array(np.arange(0, len(site.rows), step)))


def _steps(edges: Floats, whole_numbers: bool) -> Floats:
    """Values on the axis that a bound may take."""
    return (edges[:-1] + edges[1:]) / 2 if whole_numbers else edges


def _slider(bound: Bound, steps: Floats, moved: dict[str, Value], unit: str) -> Slider:
    name = name_of(bound)
    value = float(moved.get(name, bound.bound))  # type: ignore[arg-type]
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
