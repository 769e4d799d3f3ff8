"""How large parts are: what their texts need, and what is told."""

import math

from synthesis.template.expanding import Part
from synthesis.template.models import SQUARE
from synthesis.template.typeset import Overflow, Typesetter

_LEAST = {"pie": 26, "donut": 24, "gauge": 14, "art": 20, "bars": 22, "lines": 22, "map": 28}
_BEARINGS = 0.25  # em the advances of a line are longer than its ink
_NARROW = 3.5  # cells: so narrow a grid rather has one column than a row that is not full
SLACK = 1.0  # pixels a box may be short: lengths are whole only for texts


class Measurer:
    """Sizes of parts in pixels at one scale of the texts; raises ``Overflow`` for none.

    ``spacing`` is what lengths and gaps are multiplied by, gaps also by ``loose``, and ``split``
    what shares are. What has been measured is kept: a part is asked for its size by every box
    around it.
    """

    def __init__(
        self,
        setter: Typesetter,
        unit: float,
        spacing: float,
        *,
        loose: float = 1.0,
        split: float = 1.0,
    ) -> None:
        self.setter = setter
        self.unit = unit
        self.spacing = spacing
        self.split = split
        self._spaced = unit * spacing
        self._gaps = self._spaced * loose
        self._widths: dict[tuple[int, int], float] = {}  # by the part's id, and what it is given
        self._heights: dict[tuple[int, int], float] = {}

    def pads(self, part: Part) -> tuple[float, float, float, float]:
        """Top, right, bottom, left in pixels."""
        top, right, bottom, left = part.node.sides
        by = self._gaps
        return (top * by, right * by, bottom * by, left * by)

    def gap(self, part: Part) -> float:
        """Between the children, in pixels."""
        return part.node.gap * self._gaps

    def width(self, part: Part, most: float) -> float:
        """The width the part takes when nothing stretches it, at most ``most``."""
        key = (id(part), round(most))
        width = self._widths.get(key)
        if width is None:
            width = self._widths[key] = float(self._width(part, most))
        return width

    def _width(self, part: Part, most: float) -> float:
        _, right, _, left = self.pads(part)
        inner = most - left - right
        if part.style is not None:
            extent = self.setter.measure(part.text, part.style, "left", inner)
            bearings = _BEARINGS * self.setter.size(part.style)
            return min(math.ceil(extent.width + bearings) + 1, inner) + left + right
        widths = [self._child_width(part, child, inner) for child in part.children]
        if part.kind == "row":
            grown = [_grows_across(child) for child in part.children]
            even = max(
                (wide for wide, grows in zip(widths, grown, strict=True) if grows), default=0
            )
            widths = [even if grows else wide for wide, grows in zip(widths, grown, strict=True)]
            gaps = self.gap(part) * max(len(widths) - 1, 0)
            return min(sum(widths) + gaps + left + right, most)
        if part.kind == "grid":
            return most
        return max(widths, default=0.0) + left + right

    def _child_width(self, part: Part, child: Part, inner: float) -> float:
        length = child.node.size if part.kind == "row" else child.node.across
        if length is None and child.node.is_square:
            length = child.node.size
        fixed = self.fixed(length, inner, child)
        return self.width(child, inner) if fixed is None else fixed

    def height(self, part: Part, width: float) -> float:
        """The height the part takes in ``width`` when nothing stretches it."""
        key = (id(part), round(width * 4))
        height = self._heights.get(key)
        if height is None:
            height = self._heights[key] = float(self._height(part, width))
        return height

    def _height(self, part: Part, width: float) -> float:
        top, right, bottom, left = self.pads(part)
        inner = width - left - right
        if part.style is not None:
            extent = self.setter.measure(part.text, part.style, part.align, inner)
            return extent.height + top + bottom
        if not part.children:
            return _LEAST.get(part.node.shape or "", 0.0) * self.unit
        return self._height_of_children(part, inner) + top + bottom

    def _height_of_children(self, part: Part, inner: float) -> float:
        children = part.children
        if part.kind == "column":
            heights = [self.least_height(part, child, inner, 0.0) for child in children]
            return sum(heights) + self.gap(part) * (len(heights) - 1)
        if part.kind == "row":
            widths = zip(children, self.widths(part, inner), strict=True)
            return max([self.row_height(child, wide) for child, wide in widths])
        if part.kind == "grid":
            rows = self.grid_rows(part, inner)
            return sum([tall for _, tall in rows]) + self.gap(part) * (len(rows) - 1)
        if part.kind == "stack":
            return max([self.row_height(child, inner) for child in children])
        return 0.0

    def fixed(self, length: str | float | None, total: float, part: Part) -> float | None:
        """A length told in units or as a share; ``None`` for all others."""
        if length is None:
            return None
        if not isinstance(length, str):
            return length * (self._spaced if part.node.shape is None else self.unit)
        if length.endswith("%"):
            return float(length[:-1]) / 100 * self.split * total
        if length.startswith("@"):
            return min(part.share or 0.0, 1.0) * total
        return None

    def least_height(self, part: Part, child: Part, width: float, total: float) -> float:
        """Along a column: what is told, else what the child needs."""
        fixed = self.fixed(child.node.size, total, child)
        if fixed is not None:
            return fixed
        return self.height(child, self.cross_width(part, child, width))

    def row_height(self, child: Part, width: float) -> float:
        """Along the other axis of a row: what is told, else what the child needs."""
        length = child.node.across
        if length is None and child.node.is_square:
            length = child.node.size
        fixed = self.fixed(length, 0.0, child)
        return self.height(child, width) if fixed is None else fixed

    def cross_width(self, part: Part, child: Part, inner: float) -> float:
        """The width of a column's child."""
        length = child.node.across
        if length is None and child.node.is_square:
            length = child.node.size
        fixed = self.fixed(length, inner, child)
        if fixed is not None:
            return min(fixed, inner)
        if part.node.align in {None, "stretch"} or child.style is not None:
            return inner
        if child.kind in {"grid", "board", "shape"}:
            return inner
        return min(self.width(child, inner), inner)

    def widths(self, part: Part, inner: float) -> list[float]:
        """The widths of a row's children."""
        gaps = self.gap(part) * (len(part.children) - 1)
        widths: list[float | None] = []
        free, total = inner - gaps, 0.0
        for child in part.children:
            length = child.node.size
            fixed = self.fixed(length, inner, child)
            if fixed is None and length == "auto":
                fixed = self.width(child, inner)
            if fixed is None and length is None and child.node.shape in SQUARE:
                fixed = self.fixed(child.node.across, inner, child)
            widths.append(fixed)
            if fixed is None:
                total += weight(length)
            else:
                free -= fixed
        if free < -SLACK:
            raise Overflow
        return [
            max(free, 0.0) * weight(child.node.size) / total if width is None else width
            for child, width in zip(part.children, widths, strict=True)
        ]

    def grid_rows(self, part: Part, inner: float) -> list[tuple[list[Part], float]]:
        """The children of every row of a grid, and its height."""
        number, width = self.grid_columns(part, inner)
        rows = [part.children[at : at + number] for at in range(0, len(part.children), number)]
        return [(row, max([self.row_height(child, width) for child in row])) for row in rows]

    def grid_columns(self, part: Part, inner: float) -> tuple[int, float]:
        """How many columns there are, and how wide one is; full rows where they can be had."""
        low, high = part.node.columns
        gap = self.gap(part)
        room = int((inner + gap) // (part.node.cell * self.unit + gap))
        most = max(low, min(high, room, len(part.children)))
        narrow = inner < _NARROW * part.node.cell * self.unit
        few = low if narrow else max(low, math.ceil(most / 2))
        number = min(range(most, few - 1, -1), key=lambda count: -len(part.children) % count)
        return number, (inner - gap * (number - 1)) / number


def _grows_across(part: Part) -> bool:
    """Whether a row's child shares what is left of the width."""
    length = part.node.size
    if length is None:
        return part.node.shape is None
    return isinstance(length, str) and length.startswith("grow")


def weight(length: str | float | None) -> float:
    """What a child that grows weighs among its neighbours."""
    if isinstance(length, str) and length.startswith("grow "):
        return float(length[5:])
    return 1.0
