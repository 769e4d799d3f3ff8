"""What the page's script needs to move a bound: counts by bin, and where each bound stands."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from curation.report import text
from curation.report.histogram import Axis, Histogram
from curation.report.outcome import Bound


@dataclass(frozen=True)
class Slider:
    """A bound that can be moved: its place among the bin edges, and what each edge reads.

    ``labels`` and ``places`` (per cent of the chart's width) are joined for the page's script.
    """

    bound: Bound
    name: str
    edge: int
    last: int
    labels: str
    label: str


@dataclass(frozen=True)
class Trial:
    """The sliders of a signal. ``passing`` are, bin by bin, the rows that pass all other rules."""

    sliders: tuple[Slider, ...]
    passing: str
    places: str
    kept: int


def trial(histogram: Histogram, unit: str) -> Trial | None:
    """What is to be tried of a signal; None where no bound drops anything, or nothing was left."""
    bounds = _moved(histogram.bounds)
    passing = histogram.kept + histogram.alone
    if not bounds or not passing.any():
        return None
    axis = histogram.axis
    return Trial(
        tuple(_slider(bound, axis, unit) for bound in bounds),
        ",".join(map(str, passing.tolist())),
        ",".join(f"{100 * axis.place(float(edge)):.2f}" for edge in axis.edges),
        int(histogram.kept.sum()),
    )


def _moved(bounds: Sequence[Bound]) -> list[Bound]:
    """Of each side the strictest bound that drops rows: a later stage only tightens."""
    last: dict[str, Bound] = {}
    for bound in bounds:
        if not bound.deeper:
            last[bound.side] = bound
    return list(last.values())


def _slider(bound: Bound, axis: Axis, unit: str) -> Slider:
    beside = (0.5 if bound.side == "max" else -0.5) if axis.whole_numbers else 0.0
    edge = int(np.abs(axis.edges - bound.value - beside).argmin())
    labels = [_label(float(value), bound, axis, unit) for value in axis.edges]
    name = f"{bound.stage} {bound.column} {bound.side}"
    return Slider(bound, name, edge, len(axis.edges) - 1, "|".join(labels), labels[edge])


def _label(edge: float, bound: Bound, axis: Axis, unit: str) -> str:
    """What a bound on an edge reads, in the unit of the rule."""
    if axis.whole_numbers:
        edge += -0.5 if bound.side == "max" else 0.5
    if bound.scale != 1:
        return f"{text.figure(edge * bound.scale)} px"
    return text.figure(edge, unit).replace("|", " ")
