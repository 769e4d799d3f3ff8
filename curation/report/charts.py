"""Where everything stands in the chart of a histogram; the template only prints it.

Horizontal places are per cent of the chart's width, vertical ones pixels, so that a chart stretches
with the page while its type keeps its size.
"""

import math
from dataclasses import dataclass

import numpy as np

from curation.report import text
from curation.report.histogram import Axis, Histogram
from curation.report.outcome import Bound

HEIGHT = 132  # pixels from the top of the chart to the axis
WIDEST = 9.0  # per cent, of a bar where there are few
HEADROOM = 22  # pixels above the tallest bar, for the bounds' labels


@dataclass(frozen=True)
class Bar:
    """One part of a stacked bar."""

    left: float
    width: float
    top: float
    height: float
    kind: str


@dataclass(frozen=True)
class Column:
    """A whole bin, for its tool tip."""

    left: float
    width: float
    label: str


@dataclass(frozen=True)
class Mark:
    """A tick of the axis or the line of a bound.

    ``anchor`` is start, middle or end; ``row`` the line its label stands on; ``side`` of a bound is
    ``min`` or ``max``; ``deeper`` bounds drop nothing.
    """

    left: float
    label: str
    anchor: str
    row: int = 0
    side: str = ""
    deeper: bool = False


@dataclass(frozen=True)
class Chart:
    """A histogram laid out; ``highest`` is the count of the tallest bar."""

    bars: tuple[Bar, ...]
    columns: tuple[Column, ...]
    ticks: tuple[Mark, ...]
    bounds: tuple[Mark, ...]
    highest: int
    logarithmic: bool
    height: int
    base: int


def lay_out(histogram: Histogram, unit: str) -> Chart:
    """Lay out a histogram."""
    axis = histogram.axis
    places = np.array([100 * axis.place(float(edge)) for edge in axis.edges])
    total = histogram.kept + histogram.rest + histogram.beyond
    highest = int(total.max(initial=0))
    marks = _bounds(histogram, unit)
    headroom = HEADROOM + 15 * max((mark.row for mark in marks), default=0)
    base = headroom + HEIGHT
    bars: list[Bar] = []
    columns: list[Column] = []
    for number in np.flatnonzero(total).tolist():
        left, right = float(places[number]), float(places[number + 1])
        gap = 0.12 * (right - left)
        width = min(right - left - gap, WIDEST)
        left = (left + right - width) / 2
        stack = {
            "kept": int(histogram.kept[number]),
            "rest": int(histogram.rest[number]),
            "beyond": int(histogram.beyond[number]),
        }
        bars += _stack(stack, highest, left, width, base)
        columns.append(Column(left, width, _tip(axis, number, stack, unit)))
    return Chart(
        tuple(bars),
        tuple(columns),
        tuple(_ticks(axis, unit)),
        tuple(marks),
        highest,
        axis.logarithmic,
        base + 22,
        base,
    )


def _stack(stack: dict[str, int], highest: int, left: float, width: float, base: int) -> list[Bar]:
    bars, top = [], float(base)
    for kind, count in stack.items():
        if count:
            height = max(1.5, HEIGHT * count / highest)
            top -= height
            bars.append(Bar(left, width, top, height, kind))
    return bars


def _tip(axis: Axis, number: int, stack: dict[str, int], unit: str) -> str:
    low, high = float(axis.edges[number]), float(axis.edges[number + 1])
    if axis.whole_numbers:
        span = text.figure((low + high) / 2, unit)
    else:
        span = f"{text.figure(low, unit)} to {text.figure(high, unit)}"
    names = {"kept": "kept", "rest": "lost to another rule", "beyond": "beyond a bound"}
    parts = [f"{text.count(count)} {names[kind]}" for kind, count in stack.items() if count]
    return f"{span}: {', '.join(parts)}"


def _bounds(histogram: Histogram, unit: str) -> list[Mark]:
    seen: dict[tuple[float, str], list[Bound]] = {}
    for bound in histogram.bounds:
        seen.setdefault((bound.value, bound.side), []).append(bound)
    marks: list[Mark] = []
    for (value, side), same in sorted(seen.items()):
        left = 100 * histogram.axis.place(value)
        if histogram.axis.whole_numbers:  # between the last bar that passes and the next
            step = 50 / (len(histogram.axis.edges) - 1)
            left += step if side == "max" else -step
        names = text.name(", ".join(bound.stage for bound in same), 40)
        label = f"{names}: {side} {same[0].said(unit)}"
        crowded = marks and left - marks[-1].left < 30
        row = (marks[-1].row + 1) % 3 if crowded else 0
        deeper = all(bound.deeper for bound in same)
        marks.append(Mark(left, label, "end" if left > 55 else "start", row, side, deeper))
    return marks


def _ticks(axis: Axis, unit: str) -> list[Mark]:
    low, high = float(axis.edges[0]), float(axis.edges[-1])
    values = _log_ticks(low, high) if axis.logarithmic else _linear_ticks(low, high)
    if axis.whole_numbers:
        values = sorted({float(round(value)) for value in values if low < round(value) < high})
    marks = []
    for value in values:
        left = 100 * axis.place(value)
        anchor = "start" if left < 4 else "end" if left > 96 else "middle"
        marks.append(Mark(left, text.figure(value, unit), anchor))
    return marks


def _linear_ticks(low: float, high: float, wanted: int = 5) -> list[float]:
    step = 10.0 ** math.floor(math.log10((high - low) / wanted))
    step *= next(factor for factor in (1, 2, 5, 10) if (high - low) / (factor * step) <= wanted + 2)
    first = math.ceil(low / step)
    return [number * step for number in range(first, math.floor(high / step) + 1)]


def _log_ticks(low: float, high: float) -> list[float]:
    decades = range(math.floor(math.log10(low)), math.ceil(math.log10(high)) + 1)
    for steps in ((1,), (1, 3), (1, 2, 5)):
        ticks = [step * 10.0**decade for decade in decades for step in steps]
        inside = [tick for tick in ticks if low <= tick <= high]
        if len(inside) >= 3:
            break
    return inside[:: -(-len(inside) // 6)]
