"""Boxes for parts: columns, rows, grids, stacks and boards, as large as their texts need."""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from synthesis.template.expanding import Part
from synthesis.template.typeset import Overflow, Typesetter

SQUARE = frozenset("icon avatar circle pie donut gauge toggle checkbox radio seal search".split())
_LEAST = {"pie": 26, "donut": 24, "gauge": 14, "art": 20, "bars": 22, "lines": 22, "map": 28}
_RESTS = {"start": 0.0, "centre": 0.5, "end": 1.0, "between": 0.0, "around": 0.5}
_BEARINGS = 0.25  # em the advances of a line are longer than its ink
_SLACK = 1.0  # pixels a box may be short: lengths are whole only for texts


class Box(NamedTuple):
    """Left, top, width and height in pixels."""

    left: float
    top: float
    width: float
    height: float


@dataclass(frozen=True)
class Arranged:
    """A part at its place; those that come later stand over the earlier."""

    part: Part
    box: Box
    inner: Box  # without the padding: where its text stands


@dataclass
class Arranger:
    """Gives every part its place at one scale of the texts; raises ``Overflow`` where it cannot."""

    setter: Typesetter
    unit: float
    spacing: float

    def arrange(self, part: Part, box: Box) -> list[Arranged]:
        """The part and all below it, in drawing and reading order."""
        return list(self._arrange(part, box))

    # natural sizes

    def _pads(self, part: Part) -> tuple[float, float, float, float]:
        """Top, right, bottom, left in pixels."""
        pad = part.node.pad
        if pad is None:
            return (0.0, 0.0, 0.0, 0.0)
        sides = (pad,) * 4 if isinstance(pad, int | float) else pad * 2 if len(pad) == 2 else pad
        by = self.unit * self.spacing
        return (sides[0] * by, sides[1] * by, sides[2] * by, sides[3] * by)

    def _gap(self, part: Part) -> float:
        return part.node.gap * self.unit * self.spacing

    def width(self, part: Part, most: float) -> float:
        """The width the part takes when nothing stretches it, at most ``most``."""
        key = ("width", round(most), self.setter.scale, self.setter.exact)
        if key not in part.memo:
            part.memo[key] = self._width(part, most)
        return float(part.memo[key])

    def _width(self, part: Part, most: float) -> float:
        top, right, bottom, left = self._pads(part)
        inner = most - left - right
        if part.style is not None:
            extent = self.setter.measure(part.text, part.style, "left", inner)
            bearings = _BEARINGS * self.setter.size(part.style)
            return min(math.ceil(extent.width + bearings) + 1, inner) + left + right
        widths = [self._child_width(part, child, inner) for child in part.children]
        if part.kind == "row":
            grown = [_grows_across(child) for child in part.children]
            even = max((wide for wide, grows in zip(widths, grown, strict=True) if grows), default=0)
            widths = [even if grows else wide for wide, grows in zip(widths, grown, strict=True)]
            gaps = self._gap(part) * max(len(widths) - 1, 0)
            return min(sum(widths) + gaps + left + right, most)
        if part.kind == "grid":
            return most
        return max(widths, default=0.0) + left + right

    def _child_width(self, part: Part, child: Part, inner: float) -> float:
        along = part.kind == "row"
        told = child.node.size if along else child.node.across
        if told is None and _is_square(child):
            told = child.node.size
        fixed = self._fixed(told, inner, child)
        if fixed is not None:
            return fixed
        return self.width(child, inner)

    def height(self, part: Part, width: float) -> float:
        """The height the part takes in ``width`` when nothing stretches it."""
        key = ("height", round(width * 4), self.setter.scale, self.setter.exact)
        if key not in part.memo:
            part.memo[key] = self._height(part, width)
        return float(part.memo[key])

    def _height(self, part: Part, width: float) -> float:
        top, right, bottom, left = self._pads(part)
        inner = width - left - right
        if part.style is not None:
            extent = self.setter.measure(part.text, part.style, part.align, inner)
            return extent.height + top + bottom
        if not part.children:
            return _LEAST.get(part.node.shape or "", 0.0) * self.unit
        if part.kind == "column":
            heights = [self._least_height(part, child, inner, 0.0) for child in part.children]
            return sum(heights) + self._gap(part) * (len(heights) - 1) + top + bottom
        if part.kind == "row":
            widths = self._widths(part, inner)
            tall = max(
                self._row_height(child, wide)
                for child, wide in zip(part.children, widths, strict=True)
            )
            return tall + top + bottom
        if part.kind == "grid":
            rows = self._grid_rows(part, inner)
            return sum(tall for _, tall in rows) + self._gap(part) * (len(rows) - 1) + top + bottom
        if part.kind == "stack":
            return max(self._row_height(child, inner) for child in part.children) + top + bottom
        return top + bottom

    def _fixed(self, told: str | float | None, total: float, part: Part) -> float | None:
        """A length told in units or as a share; ``None`` for all others."""
        if isinstance(told, int | float):
            return told * self.unit * (self.spacing if part.node.shape is None else 1.0)
        if isinstance(told, str) and told.endswith("%"):
            return float(told[:-1]) / 100 * total
        if isinstance(told, str) and told.startswith("@"):
            return min(part.share or 0.0, 1.0) * total
        return None

    def _least_height(self, part: Part, child: Part, width: float, total: float) -> float:
        """Along a column: what is told, else what the child needs."""
        fixed = self._fixed(child.node.size, total, child)
        if fixed is not None:
            return fixed
        return self.height(child, self._cross_width(part, child, width))

    def _row_height(self, child: Part, width: float) -> float:
        told = child.node.across
        if told is None and _is_square(child):
            told = child.node.size
        fixed = self._fixed(told, 0.0, child)
        return self.height(child, width) if fixed is None else fixed

    def _cross_width(self, part: Part, child: Part, inner: float) -> float:
        """The width of a column's child."""
        told = child.node.across
        if told is None and _is_square(child):
            told = child.node.size
        fixed = self._fixed(told, inner, child)
        if fixed is not None:
            return min(fixed, inner)
        if part.node.align in {None, "stretch"} or child.style is not None:
            return inner
        if child.kind in {"grid", "board", "shape"}:
            return inner
        return min(self.width(child, inner), inner)

    def _widths(self, part: Part, inner: float) -> list[float]:
        """The widths of a row's children."""
        gaps = self._gap(part) * (len(part.children) - 1)
        told = [child.node.size for child in part.children]
        widths: list[float | None] = []
        for child, length in zip(part.children, told, strict=True):
            fixed = self._fixed(length, inner, child)
            if fixed is None and length == "auto":
                fixed = self.width(child, inner)
            if fixed is None and child.node.shape in SQUARE and length is None:
                fixed = self._fixed(child.node.across, inner, child)
            widths.append(fixed)
        free = inner - gaps - sum(width for width in widths if width is not None)
        weights = [_weight(length) for length in told]
        weight = sum(w for w, width in zip(weights, widths, strict=True) if width is None)
        if free < -_SLACK:
            raise Overflow
        return [
            max(free, 0.0) * w / weight if width is None else width
            for w, width in zip(weights, widths, strict=True)
        ]

    def _grid_rows(self, part: Part, inner: float) -> list[tuple[list[Part], float]]:
        """The children of every row of a grid, and its height."""
        number, width = self._grid_columns(part, inner)
        rows = [part.children[at : at + number] for at in range(0, len(part.children), number)]
        return [(row, max(self._row_height(child, width) for child in row)) for row in rows]

    def _grid_columns(self, part: Part, inner: float) -> tuple[int, float]:
        """How many columns there are, and how wide one is; full rows where they can be had."""
        low, high = part.node.columns
        gap = self._gap(part)
        room = int((inner + gap) // (part.node.cell * self.unit + gap))
        most = max(low, min(high, room, len(part.children)))
        even = [n for n in range(most, low - 1, -1) if len(part.children) % n == 0]
        number = even[0] if even and even[0] * 2 > most else most
        return number, (inner - gap * (number - 1)) / number

    # places

    def _arrange(self, part: Part, box: Box) -> Iterator[Arranged]:
        top, right, bottom, left = self._pads(part)
        width, height = box.width - left - right, box.height - top - bottom
        inner = Box(box.left + left, box.top + top, width, height)
        if part.kind != "board" and self.height(part, box.width) > box.height + _SLACK:
            raise Overflow
        yield Arranged(part, box, inner)
        if part.kind == "column":
            yield from self._arrange_column(part, inner)
        elif part.kind == "row":
            yield from self._arrange_row(part, inner)
        elif part.kind == "grid":
            yield from self._arrange_grid(part, inner)
        elif part.kind == "stack":
            for child in part.children:
                yield from self._arrange(child, inner)
        elif part.kind == "board":
            for child in part.children:
                x, y, w, h = child.node.box or (0.0, 0.0, 1.0, 1.0)
                place = Box(inner.left + x * width, inner.top + y * height, w * width, h * height)
                yield from self._arrange(child, place)

    def _arrange_column(self, part: Part, inner: Box) -> Iterator[Arranged]:
        gap = self._gap(part)
        least = [
            self._least_height(part, child, inner.width, inner.height) for child in part.children
        ]
        free = inner.height - sum(least) - gap * (len(least) - 1)
        if free < -_SLACK:
            raise Overflow
        heights = _grown(least, [_grow(child) for child in part.children], max(free, 0.0))
        free = inner.height - sum(heights) - gap * (len(heights) - 1)
        y, gap = _spread(part.node.justify, inner.top, max(free, 0.0), gap, len(heights))
        for child, tall in zip(part.children, heights, strict=True):
            wide = self._cross_width(part, child, inner.width)
            x = inner.left + (inner.width - wide) * _RESTS.get(_cross_align(part), 0.0)
            yield from self._arrange(child, Box(x, y, wide, tall))
            y += tall + gap

    def _arrange_row(self, part: Part, inner: Box) -> Iterator[Arranged]:
        gap = self._gap(part)
        widths = self._widths(part, inner.width)
        free = inner.width - sum(widths) - gap * (len(widths) - 1)
        x, gap = _spread(part.node.justify, inner.left, max(free, 0.0), gap, len(widths))
        for child, wide in zip(part.children, widths, strict=True):
            align = part.node.align
            own = child.node.across is not None or _is_square(child)
            if (align in {None, "stretch"} and child.style is None and not own) or (
                child.node.shape is not None and not own
            ):
                tall, rest = inner.height, 0.0
            else:
                tall = min(self._row_height(child, wide), inner.height + _SLACK)
                if child.node.across is not None:
                    tall = self._fixed(child.node.across, inner.height, child) or tall
                rest = _RESTS[align] if align not in {None, "stretch"} else 0.5
            yield from self._arrange(
                child, Box(x, inner.top + (inner.height - tall) * rest, wide, tall)
            )
            x += wide + gap

    def _arrange_grid(self, part: Part, inner: Box) -> Iterator[Arranged]:
        gap = self._gap(part)
        rows = self._grid_rows(part, inner.width)
        _, width = self._grid_columns(part, inner.width)
        more = inner.height - sum(tall for _, tall in rows) - gap * (len(rows) - 1)
        more = max(more, 0.0) / len(rows) if part.node.justify is None else 0.0
        y = inner.top
        for row, tall in rows:
            for number, child in enumerate(row):
                x = inner.left + number * (width + gap)
                yield from self._arrange(child, Box(x, y, width, tall + more))
            y += tall + more + gap


def _is_square(part: Part) -> bool:
    """Whether it is a shape as high as wide, of a size that is told."""
    told = part.node.size
    return part.node.shape in SQUARE and isinstance(told, int | float)


def _grows_across(part: Part) -> bool:
    """Whether a row's child shares what is left of the width."""
    told = part.node.size
    if told is None:
        return part.node.shape is None
    return isinstance(told, str) and told.startswith("grow")


def _cross_align(part: Part) -> str:
    return part.node.align or "start"


def _weight(told: str | float | None) -> float:
    if isinstance(told, str) and told.startswith("grow "):
        return float(told[5:])
    return 1.0


def _grow(part: Part) -> float:
    """A child's weight in a column's free height: shapes and boards grow unless told a length."""
    told = part.node.size
    if isinstance(told, str) and told.startswith("grow"):
        return _weight(told)
    return 1.0 if told is None and part.kind in {"board"} else (
        1.0 if told is None and part.kind == "shape" and part.node.shape not in SQUARE else 0.0
    )


def _grown(least: Sequence[float], weights: Sequence[float], free: float) -> list[float]:
    """Heights where those with a weight share what is left as evenly as their needs allow."""
    growing = {number for number, weight in enumerate(weights) if weight}
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
