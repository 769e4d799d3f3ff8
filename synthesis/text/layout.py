"""Where every glyph goes: the largest size that fits, lines, alignment, boxes in pixels."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from synthesis import drawing
from synthesis.fonts.face import Extents, Font
from synthesis.text import lines as setting
from synthesis.text.lines import Line, Unit
from synthesis.text.shaping import Cluster

Alignment = Literal["left", "centre", "justified"]
MOST_STRETCH = 0.12  # em a justified line may be widened by at each of its points
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
    """

    alignment: Alignment
    leading: float
    vertical: float = 0.5
    block: bool = False


@dataclass(frozen=True)
class Placed:
    """A cluster at its place: its glyphs' ids and origins, and the box of its ink in pixels."""

    text: str
    glyphs: tuple[int, ...]
    origins: tuple[tuple[float, float], ...]
    box: Extents


@dataclass(frozen=True)
class PlacedLine:
    """A line's text and its inked clusters in reading order."""

    text: str
    clusters: tuple[Placed, ...]

    @property
    def box(self) -> Extents:
        """The bounds of all its ink, in pixels."""
        return bounds([one.box for one in self.clusters])


def bounds(boxes: Sequence[Extents]) -> Extents:
    """The smallest box around all the boxes."""
    lefts, tops, rights, bottoms = zip(*boxes, strict=True)
    return min(lefts), min(tops), max(rights), max(bottoms)


def largest_size(
    text: Sequence[Sequence[Unit]], frame: Frame, leading: float, sizes: range, *, wrap: bool
) -> int | None:
    """The largest of ``sizes`` (pixels per em, ascending) at which the text fits the frame.

    Without ``wrap`` only the breaks of the text itself count. ``None``: it fits at none.
    """
    low, high = 0, len(sizes)  # sizes[:low] fit, sizes[high:] do not
    while low < high:
        middle = (low + high) // 2
        if _fits(text, frame, leading, sizes[middle], wrap):
            low = middle + 1
        else:
            high = middle
    return sizes[low - 1] if low else None


def _fits(
    text: Sequence[Sequence[Unit]], frame: Frame, leading: float, size: int, wrap: bool
) -> bool:
    filled = setting.fill(text, frame.width / size)
    if filled is None or (not wrap and len(filled) > len(text)):
        return False
    return _height(filled, leading) * size <= frame.height


def _height(lines: Sequence[Line], leading: float) -> float:
    return _rise(lines[0]) + leading * (len(lines) - 1) + _fall(lines[-1])


def _rise(line: Line) -> float:
    return -min(one.ink[1] for one in line.clusters if one.ink)


def _fall(line: Line) -> float:
    return max(one.ink[3] for one in line.clusters if one.ink)


def place(
    font: Font,
    text: Sequence[Sequence[Unit]],
    frame: Frame,
    how: Setting,
    size: int,
    measure: float,
) -> list[PlacedLine]:
    """Every inked cluster at its place, in lines of at most ``measure`` ems.

    Raises ``ValueError`` when a unit is wider than that (``largest_size`` finds one that fits).
    """
    lines = _broken(text, measure, how.alignment)
    column = max(line.width for line in lines)
    free = frame.height - _height(lines, how.leading) * size
    baseline = frame.top + free * how.vertical + _rise(lines[0]) * size
    placed = []
    for number, line in enumerate(lines):
        if line.units:
            left = frame.left + _indent(line, column, frame.width / size, how) * size
            y = baseline + number * how.leading * size
            placed.append(_place_line(font, line, (left, y), size, _stretch(line, column, how)))
    return placed


def _broken(text: Sequence[Sequence[Unit]], measure: float, alignment: Alignment) -> list[Line]:
    filled = setting.fill(text, measure)
    if filled is None:
        raise ValueError(f"a word is wider than the measure of {measure} em")
    few = len(filled) <= _FEW_LINES and alignment != "justified"
    forgotten = len(filled) > 1 and filled[-1].width < _SHORT_LAST_LINE * measure
    if alignment == "centre" or few or forgotten:
        return setting.balance(text, measure)
    return filled


def _indent(line: Line, column: float, measure: float, how: Setting) -> float:
    if how.alignment == "centre":
        return (measure - line.width) / 2
    return (measure - column) / 2 if how.block or how.alignment == "justified" else 0.0


def _stretch(line: Line, column: float, how: Setting) -> dict[int, float]:
    """What is added after which cluster (by its number), in ems."""
    points = setting.stretch_points(line) if how.alignment == "justified" and not line.last else []
    share = (column - line.width) / len(points) if points else 0.0
    return dict.fromkeys(points, share) if share <= MOST_STRETCH else {}


def _place_line(
    font: Font, line: Line, start: tuple[float, float], size: int, stretch: dict[int, float]
) -> PlacedLine:
    x, y = start
    pen = -setting.indent(line.units[0])
    placed = []
    for number, cluster in enumerate(line.clusters):
        if cluster.ink:
            placed.append(_place_cluster(font, cluster, (x + pen * size, y), size))
        pen += cluster.advance + line.tracking + stretch.get(number, 0.0)
    return PlacedLine(line.text, tuple(placed))


def _place_cluster(font: Font, cluster: Cluster, pen: tuple[float, float], size: int) -> Placed:
    origins = tuple(
        drawing.snapped(pen[0] + dx * size, pen[1] + dy * size) for _, dx, dy in cluster.glyphs
    )
    glyphs = tuple(glyph for glyph, _, _ in cluster.glyphs)
    boxes = [
        _ink_box(font, glyph, origin, size) for glyph, origin in zip(glyphs, origins, strict=True)
    ]
    return Placed(cluster.text, glyphs, origins, bounds(boxes))


def _ink_box(font: Font, glyph: int, origin: tuple[float, float], size: int) -> Extents:
    """The whole pixels the glyph's outline touches."""
    left, top, right, bottom = font.extents(glyph)
    x, y = origin
    return (
        float(math.floor(x + left * size)),
        float(math.floor(y + top * size)),
        float(math.ceil(x + right * size)),
        float(math.ceil(y + bottom * size)),
    )


def runs(font: Font, size: int, placed: Sequence[PlacedLine]) -> list[drawing.Run]:
    """The placed lines as what ``drawing.draw`` draws."""
    clusters = [one for line in placed for one in line.clusters]
    glyphs = [glyph for one in clusters for glyph in one.glyphs]
    origins = [origin for one in clusters for origin in one.origins]
    return [drawing.Run(font, size, glyphs, origins)]
