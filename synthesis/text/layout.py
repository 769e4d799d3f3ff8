"""Where lines go in a frame: the largest size that fits, alignment, justification."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Literal

from synthesis import raster
from synthesis.text import bidi, filling, placing
from synthesis.text import lines as setting
from synthesis.text.lines import Line, Measured
from synthesis.text.placing import Placed, PlacedLine

Alignment = Literal["left", "centre", "justified"]
_FEW_LINES = 6  # up to so many lines are balanced
_SHORT_LAST_LINE = 0.35  # of the measure: a shorter last line looks forgotten


@dataclass(frozen=True)
class Frame:
    """The rectangle the text must stay in, in pixels."""

    left: float
    top: float
    width: float
    height: float


@dataclass(frozen=True)
class Setting:
    """How to set a text. ``leading`` is the distance of baselines in ems, ``vertical`` 0 (top of
    the frame) to 1 (bottom); ``block`` puts left-aligned lines in the frame's middle together.

    ``left`` is where lines begin: the right in text that runs right to left, the top in columns,
    which ``vertical`` moves from the frame's right (0) to its left (1).
    """

    alignment: Alignment
    leading: float
    vertical: float = 0.5
    block: bool = False


def largest_size(
    text: Sequence[Measured],
    frame: Frame,
    leading: float,
    sizes: range,
    *,
    wrap: bool,
    columns: bool = False,
) -> int | None:
    """The largest of ``sizes`` (pixels per em, ascending) at which the text fits the frame.

    Without ``wrap`` only the breaks of the text itself count. ``None``: it fits at none.
    """
    length, room = (frame.height, frame.width) if columns else (frame.width, frame.height)
    low, high = 0, len(sizes)  # sizes[:low] fit, sizes[high:] do not
    while low < high:
        middle = (low + high) // 2
        size = sizes[middle]
        extent = _filled_extent(text, length / size, leading, wrap)
        if extent is not None and extent * size <= room:
            low = middle + 1
        else:
            high = middle
    return sizes[low - 1] if low else None


def _filled_extent(
    text: Sequence[Measured], measure: float, leading: float, wrap: bool
) -> float | None:
    """From the first line's outer edge to the last one's in ems, lines as full as they can be.

    ``None`` where a unit is wider than the measure, or without ``wrap`` a line of the text's own.
    """
    lines: list[tuple[Measured, int, int]] = []
    for line in text:
        ends = setting.breaks_at(line, measure)
        if ends is None or (not wrap and len(ends) > 1):
            return None
        lines += [(line, start, end) for start, end in pairwise([0, *ends])] or [(line, 0, 0)]
    (first, *of_first), (last, *of_last) = lines[0], lines[-1]
    rise = setting.rise(first.units[slice(*of_first)])
    fall = setting.fall(last.units[slice(*of_last)])
    return rise + leading * (len(lines) - 1) + fall


def place(
    text: Sequence[Measured],
    frame: Frame,
    how: Setting,
    size: int,
    measure: float,
    *,
    columns: bool = False,
) -> list[PlacedLine]:
    """Every inked cluster at its place, in lines of at most ``measure`` ems.

    Columns go from right to left. Raises ``ValueError`` when a unit is wider than the measure
    (``largest_size`` finds a size at which none is).
    """
    lines = _broken(text, measure, how.alignment)
    longest = max(line.width for line in lines)
    length, room = (frame.height, frame.width) if columns else (frame.width, frame.height)
    rise, fall = setting.rise(lines[0].units), setting.fall(lines[-1].units)
    free = room - (rise + how.leading * (len(lines) - 1) + fall) * size
    first = free * how.vertical + rise * size
    placed = []
    stretches = _stretches(lines, longest, how)
    for number, (line, stretch) in enumerate(zip(lines, stretches, strict=True)):
        if line.units:
            start = _indent(line, longest, length / size, how, bool(stretch)) * size
            down = first + number * how.leading * size
            if columns:
                pen = (frame.left + frame.width - down, frame.top + start)
                placed.append(_place_column(line, pen, size, stretch))
            else:
                pen = (frame.left + start, float(round(frame.top + down)))
                placed.append(_place_row(line, pen, size, stretch))
    return placed


def _broken(text: Sequence[Measured], measure: float, alignment: Alignment) -> list[Line]:
    if alignment == "justified":
        return filling.justify(text, measure)
    filled = setting.fill(text, measure)
    if filled is None:
        raise ValueError(f"a word is wider than the measure of {measure} em")
    forgotten = len(filled) > 1 and filled[-1].width < _SHORT_LAST_LINE * measure
    if alignment == "centre" or len(filled) <= _FEW_LINES or forgotten:
        return filling.balance(text, measure)
    return filling.full(text, measure)


def _indent(line: Line, longest: float, measure: float, how: Setting, full: bool) -> float:
    """Where the line begins, from the frame's left or top, in ems; a full one is justified."""
    if how.alignment == "centre":
        return (measure - line.width) / 2
    inside = (measure - longest) / 2 if how.block or how.alignment == "justified" else 0.0
    if line.base:  # right to left: flush right
        return measure - inside - (longest if full else line.width)
    return inside


def _stretches(lines: Sequence[Line], longest: float, how: Setting) -> list[dict[int, float]]:
    """What is added after which cluster of each line, in ems; all lines are justified or none."""
    stretches = [
        {} if how.alignment != "justified" else filling.stretch(line, longest) for line in lines
    ]
    if any(stretch is None for stretch in stretches):
        return [{} for _ in lines]
    return [stretch or {} for stretch in stretches]


def _place_row(
    line: Line, start: tuple[float, float], size: int, stretch: dict[int, float]
) -> PlacedLine:
    """A line on its baseline: clusters in visual order from the left, kept in reading order."""
    clusters = line.clusters
    while clusters[-1].ink is None and len(clusters) > 1:
        clusters.pop()
    x, y = start
    pen = -setting.indent(line.units[0])
    placed: dict[int, Placed] = {}
    for number in bidi.visual_order([cluster.level for cluster in clusters]):
        cluster = clusters[number]
        room = line.tracking + stretch.get(number, 0.0)
        if cluster.ink:
            own = pen + (room if cluster.level % 2 else 0.0)
            placed[number] = placing.upright(cluster, (x + own * size, y), size)
        pen += cluster.advance + room
    return PlacedLine(line.text, tuple(placed[number] for number in sorted(placed)))


def _place_column(
    line: Line, start: tuple[float, float], size: int, stretch: dict[int, float]
) -> PlacedLine:
    x, y = start
    pen = -setting.indent(line.units[0])
    placed = []
    for number, cluster in enumerate(line.clusters):
        if cluster.ink:
            point = (x, y + pen * size)
            if cluster.turned:
                placed.append(placing.turned(cluster, point, size))
            else:
                pixel = raster.stepped(x), float(round(point[1]))
                placed.append(placing.upright(cluster, pixel, size))
        pen += cluster.advance + line.tracking + stretch.get(number, 0.0)
    return PlacedLine(line.text, tuple(placed))
