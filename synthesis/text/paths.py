"""Texts that do not stand level: turned blocks, and lines on an arc."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import groupby

from synthesis.fonts.face import font
from synthesis.text import bidi, lines, placing, scripts
from synthesis.text.block import Block, Typography
from synthesis.text.clusters import Cluster
from synthesis.text.placing import Placed, PlacedLine, Point
from synthesis.unrenderable import UnrenderableError

_MOST_OF_CIRCLE = 0.95  # a longer line would bite its tail


def turned(block: Block, degrees: float, about: Point) -> Block:
    """The block turned clockwise about a point, in pixels, with the true corners of all boxes."""
    placed = tuple(
        replace(
            line, clusters=tuple(placing.turn(cluster, degrees, about) for cluster in line.clusters)
        )
        for line in block.lines
    )
    return replace(block, lines=placed, runs=tuple(placing.runs(block.size, placed)))


def length(text: str, typography: Typography) -> float:
    """How long a text of one line is, in ems. Raises ``UnrenderableError`` as ``on_arc`` does."""
    return _line(text, typography).width


def on_arc(
    text: str,
    typography: Typography,
    size: int,
    centre: Point,
    radius: float,
    middle: float = 0.0,
    *,
    inside: bool = False,
) -> Block:
    """A text of one line on a circle, the line's middle at ``middle`` degrees from the top.

    ``centre`` and ``radius`` are in pixels, to the baseline; ``size`` in pixels per em. Tops point
    outwards, or with ``inside`` to the centre, as at the bottom of a seal. Words whose letters
    join stay straight. Raises ``UnrenderableError``: ``does_not_fit`` round the circle, or why no
    face can render it.
    """
    line = _line(text, typography)
    if line.width * size > _MOST_OF_CIRCLE * 2 * math.pi * radius:
        raise UnrenderableError("does_not_fit", f"{size} px round a circle of {radius} px")
    clusters = line.clusters
    while clusters[-1].ink is None:
        clusters.pop()
    pen = -line.width / 2 - lines.indent(line.units[0])
    placed: dict[int, Placed] = {}
    order = bidi.visual_order([cluster.level for cluster in clusters])
    for _, group in groupby(order, key=lambda number: _straight_with(clusters, number)):
        numbers = list(group)
        half = (sum(clusters[number].advance + line.tracking for number in numbers)) / 2
        along = math.degrees((pen + half) * size / radius)
        circle = _Circle(centre, radius, middle - along if inside else middle + along, inside)
        offset = -half
        for number in numbers:
            if clusters[number].ink:
                placed[number] = circle.place(clusters[number], offset * size, size)
            offset += clusters[number].advance + line.tracking
        pen += 2 * half
    bent = PlacedLine(line.text, tuple(placed[number] for number in sorted(placed)))
    return Block(text, size, (bent,), tuple(placing.runs(size, [bent])))


def _line(text: str, typography: Typography) -> lines.Line:
    fonts = [font(file) for file in typography.faces]
    units = lines.units(fonts, text, typography.language, typography.tracking)
    filled = lines.fill(lines.measured(units), math.inf) or []
    if len(filled) != 1 or not filled[0].units:
        raise ValueError("a text on an arc is one line")
    return filled[0]


def _straight_with(clusters: Sequence[Cluster], number: int) -> int:
    """A number that clusters of one joined word share; every other cluster has its own."""
    joined = scripts.script_of(clusters[number].text[0]) in scripts.JOINED
    if not joined or not number:
        return number
    if scripts.script_of(clusters[number - 1].text[0]) in scripts.JOINED:
        return _straight_with(clusters, number - 1)
    return number


@dataclass(frozen=True)
class _Circle:
    """The circle clusters stand on, at ``degrees`` from its top."""

    centre: Point
    radius: float
    degrees: float
    inside: bool

    def place(self, cluster: Cluster, offset: float, size: int) -> Placed:
        """A cluster whose left is ``offset`` pixels right of the point it is turned with."""
        x, y = self.centre
        baseline = y + self.radius if self.inside else y - self.radius
        level = placing.upright(cluster, (x + offset, baseline), size)
        return placing.turn(level, self.degrees - 180 * self.inside, self.centre)
