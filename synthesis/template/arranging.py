"""Boxes for parts: columns, rows, grids, stacks and boards, as large as their texts need."""

from collections.abc import Sequence
from typing import NamedTuple

from synthesis.template.boxes import Box
from synthesis.template.expanding import Part
from synthesis.template.measuring import SLACK, Measurer, weight
from synthesis.template.models import SQUARE
from synthesis.template.typeset import Overflow

_RESTS = {"start": 0.0, "centre": 0.5, "end": 1.0, "between": 0.0, "around": 0.5}


class Arranged(NamedTuple):
    """A part at its place; those that come later stand over the earlier."""

    part: Part
    box: Box
    inner: Box  # without the padding: where its text stands


class Arranger(Measurer):
    """Gives every part its place at one scale of the texts; raises ``Overflow`` where it cannot."""

    def arrange(self, part: Part, box: Box) -> list[Arranged]:
        """The part and all below it, in rendering and reading order."""
        arranged: list[Arranged] = []
        self._arrange(arranged, part, box)
        return arranged

    def _arrange(self, arranged: list[Arranged], part: Part, box: Box) -> None:
        top, right, bottom, left = self.pads(part)
        width, height = box.width - left - right, box.height - top - bottom
        inner = Box(box.left + left, box.top + top, width, height)
        if part.kind != "board" and self.height(part, box.width) > box.height + SLACK:
            raise Overflow
        arranged.append(Arranged(part, box, inner))
        if not part.children:
            return
        if part.kind == "column":
            self._arrange_column(arranged, part, inner)
        elif part.kind == "row":
            self._arrange_row(arranged, part, inner)
        elif part.kind == "grid":
            self._arrange_grid(arranged, part, inner)
        elif part.kind == "stack":
            for child in part.children:
                self._arrange(arranged, child, inner)
        elif part.kind == "board":
            for child in part.children:
                x, y, w, h = child.node.box or (0.0, 0.0, 1.0, 1.0)
                place = Box(inner.left + x * width, inner.top + y * height, w * width, h * height)
                self._arrange(arranged, child, place)

    def _arrange_column(self, arranged: list[Arranged], part: Part, inner: Box) -> None:
        gap = self.gap(part)
        least = [
            self.least_height(part, child, inner.width, inner.height) for child in part.children
        ]
        free = inner.height - sum(least) - gap * (len(least) - 1)
        if free < -SLACK:
            raise Overflow
        heights = _grown(least, [_grow(child) for child in part.children], max(free, 0.0))
        free = inner.height - sum(heights) - gap * (len(heights) - 1)
        y, gap = _spread(part.node.justify, inner.top, max(free, 0.0), gap, len(heights))
        rest = _RESTS.get(part.node.align or "start", 0.0)
        for child, tall in zip(part.children, heights, strict=True):
            wide = self.cross_width(part, child, inner.width)
            x = inner.left + (inner.width - wide) * rest
            self._arrange(arranged, child, Box(x, y, wide, tall))
            y += tall + gap

    def _arrange_row(self, arranged: list[Arranged], part: Part, inner: Box) -> None:
        gap = self.gap(part)
        widths = self.widths(part, inner.width)
        free = inner.width - sum(widths) - gap * (len(widths) - 1)
        x, gap = _spread(part.node.justify, inner.left, max(free, 0.0), gap, len(widths))
        align = part.node.align
        stretched = align in {None, "stretch"}
        for child, wide in zip(part.children, widths, strict=True):
            own = child.node.across is not None or child.node.is_square
            if not own and (child.node.shape is not None or (stretched and child.style is None)):
                tall, rest = inner.height, 0.0
            else:
                tall = min(self.row_height(child, wide), inner.height + SLACK)
                if child.node.across is not None:
                    tall = self.fixed(child.node.across, inner.height, child) or tall
                rest = _RESTS.get(align or "", 0.5)
            y = inner.top + (inner.height - tall) * rest
            self._arrange(arranged, child, Box(x, y, wide, tall))
            x += wide + gap

    def _arrange_grid(self, arranged: list[Arranged], part: Part, inner: Box) -> None:
        gap = self.gap(part)
        rows = self.grid_rows(part, inner.width)
        _, width = self.grid_columns(part, inner.width)
        more = inner.height - sum([tall for _, tall in rows]) - gap * (len(rows) - 1)
        more = max(more, 0.0) / len(rows) if part.node.justify is None else 0.0
        y = inner.top
        for row, tall in rows:
            for number, child in enumerate(row):
                x = inner.left + number * (width + gap)
                self._arrange(arranged, child, Box(x, y, width, tall + more))
            y += tall + more + gap


def _grow(part: Part) -> float:
    """A child's weight in a column's free height: shapes and boards grow unless told a length."""
    size = part.node.size
    if isinstance(size, str) and size.startswith("grow"):
        return weight(size)
    grows = part.kind == "board" or (part.kind == "shape" and part.node.shape not in SQUARE)
    return 1.0 if size is None and grows else 0.0


def _grown(least: Sequence[float], weights: Sequence[float], free: float) -> list[float]:
    """Heights where those with a weight share what is left as evenly as their needs allow."""
    growing = {number for number, weight in enumerate(weights) if weight}
    if not growing:
        return [*least]
    room = free + sum(least[number] for number in growing)
    heights = list(least)
    while growing:
        total = sum(weights[number] for number in growing)
        crowded = {n for n in growing if least[n] > room * weights[n] / total}
        if not crowded:
            for number in growing:
                heights[number] = room * weights[number] / total
            break
        room -= sum(least[number] for number in crowded)
        growing -= crowded
    return heights


def _spread(
    justify: str | None, start: float, free: float, gap: float, count: int
) -> tuple[float, float]:
    """Where the first child starts, and the gap between them."""
    if justify == "between" and count > 1:
        return start, gap + free / (count - 1)
    if justify == "around" and count:
        return start + free / count / 2, gap + free / count
    return start + free * _RESTS[justify or "start"], gap
