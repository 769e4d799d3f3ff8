"""Clusters at their places: glyphs, origins and the true corners of their ink, in pixels."""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

import skia

from synthesis import raster
from synthesis.fonts.face import Extents, Font
from synthesis.sample import Quad, upright_quad
from synthesis.text.clusters import Cluster, bounds

Point = tuple[float, float]


class Placed(NamedTuple):  # a tuple: one is made for every glyph rendered, in half the time
    """A cluster at its place: its glyphs' ids and origins, and the bounds of its ink.

    ``angle`` turns the glyphs, in degrees clockwise; the ink's own corners are then ``corners``.
    ``slope`` is the angle of the line the cluster stands on.
    """

    text: str
    font: Font
    glyphs: tuple[int, ...]
    origins: tuple[Point, ...]
    box: Extents
    angle: float = 0.0
    corners: Quad | None = None
    slope: float = 0.0

    @property
    def quad(self) -> Quad:
        """The corners of its ink, clockwise from the top left of the upright glyph."""
        return self.corners or upright_quad(*self.box)


@dataclass(frozen=True)
class PlacedLine:
    """A line's text and its inked clusters in reading order."""

    text: str
    clusters: tuple[Placed, ...]

    @property
    def is_level(self) -> bool:
        """Whether it begins and ends on a line that does not slope."""
        return not (self.clusters[0].slope or self.clusters[-1].slope)

    @cached_property
    def box(self) -> Extents:
        """The bounds of all its ink."""
        return bounds([cluster.box for cluster in self.clusters])

    def quad(self, size: float) -> Quad:
        """The smallest rectangle around its ink that slopes as it does (see ``quad_around``)."""
        return upright_quad(*self.box) if self.is_level else quad_around(self.clusters, size)


def quad_around(clusters: Sequence[Placed], size: float) -> Quad:
    """The smallest rectangle around the ink of clusters at ``size`` pixels per em, sloping as they
    do between first and last.
    """
    slope = (clusters[0].slope + clusters[-1].slope) / 2
    if not (clusters[0].slope or clusters[-1].slope):
        return upright_quad(*bounds([cluster.box for cluster in clusters]))
    level = bounds([_along(cluster, size, slope) for cluster in clusters])
    return _turn_quad(upright_quad(*level), slope, (0.0, 0.0))


def _along(cluster: Placed, size: float, slope: float) -> Extents:
    """The bounds of a cluster's ink once the plane is turned back by ``slope`` degrees."""
    outlines = (
        [] if cluster.slope == slope else [cluster.font.outline(glyph) for glyph in cluster.glyphs]
    )
    boxes = []
    for outline, origin in zip(outlines, cluster.origins, strict=False):
        if outline is not None:
            matrix = skia.Matrix.RotateDeg(-slope)
            matrix.preTranslate(*origin)
            matrix.preRotate(cluster.angle)
            matrix.preScale(size, size)
            outline.transform(matrix)
            box = outline.computeTightBounds()
            boxes.append((box.left(), box.top(), box.right(), box.bottom()))
    return bounds(boxes) if boxes else _box(_turn_quad(cluster.quad, -slope, (0.0, 0.0)))


def upright(cluster: Cluster, pen: Point, size: int) -> Placed:
    """A cluster on its baseline, its glyphs where Skia can render them: on quarter pixels."""
    x, y = pen
    extents = cluster.font.extents
    if len(cluster.glyphs) == 1 and not cluster.glyphs[0][2]:  # nearly all: half the time
        ((glyph, dx, _),) = cluster.glyphs
        left, top, right, bottom = extents(glyph)
        across = raster.stepped(x + dx * size)
        box = (across + left * size, y + top * size, across + right * size, y + bottom * size)
        return Placed(cluster.text, cluster.font, (glyph,), ((across, y),), box)
    origins, boxes = [], []
    for glyph, dx, dy in cluster.glyphs:
        left, top, right, bottom = extents(glyph)
        across = raster.stepped(x + dx * size)
        down = y + raster.stepped(dy * size) if dy else y
        origins.append((across, down))
        boxes.append(
            (across + left * size, down + top * size, across + right * size, down + bottom * size)
        )
    return Placed(cluster.text, cluster.font, _ids(cluster), tuple(origins), bounds(boxes))


def _ids(cluster: Cluster) -> tuple[int, ...]:
    return tuple([glyph for glyph, _, _ in cluster.glyphs])


def turned(cluster: Cluster, pen: Point, size: int) -> Placed:
    """A cluster lying on its right side, exactly where the pen is."""
    origins, boxes = [], []
    for glyph, dx, dy in cluster.glyphs:
        x, y = pen[0] + dx * size, pen[1] + dy * size
        left, top, right, bottom = (value * size for value in cluster.font.extents(glyph))
        origins.append((x, y))
        boxes.append((x - bottom, y + left, x - top, y + right))
    left, top, right, bottom = bounds(boxes)
    corners = (right, top, right, bottom, left, bottom, left, top)
    box = (left, top, right, bottom)
    return Placed(cluster.text, cluster.font, _ids(cluster), tuple(origins), box, 90.0, corners)


def turn(cluster: Placed, degrees: float, about: Point) -> Placed:
    """The cluster turned clockwise about a point, with the line it stands on."""
    corners = _turn_quad(cluster.quad, degrees, about)
    return cluster._replace(
        origins=tuple(_turn_point(origin, degrees, about) for origin in cluster.origins),
        box=_box(corners),
        angle=cluster.angle + degrees,
        corners=corners,
        slope=cluster.slope + degrees,
    )


def _turn_point(point: Point, degrees: float, about: Point) -> Point:
    x, y = point[0] - about[0], point[1] - about[1]
    cosine, sine = math.cos(math.radians(degrees)), math.sin(math.radians(degrees))
    return about[0] + x * cosine - y * sine, about[1] + x * sine + y * cosine


def _turn_quad(quad: Quad, degrees: float, about: Point) -> Quad:
    x0, y0 = _turn_point((quad[0], quad[1]), degrees, about)
    x1, y1 = _turn_point((quad[2], quad[3]), degrees, about)
    x2, y2 = _turn_point((quad[4], quad[5]), degrees, about)
    x3, y3 = _turn_point((quad[6], quad[7]), degrees, about)
    return x0, y0, x1, y1, x2, y2, x3, y3


def _box(quad: Quad) -> Extents:
    return min(quad[0::2]), min(quad[1::2]), max(quad[0::2]), max(quad[1::2])


def runs(size: float, placed: Iterable[PlacedLine]) -> list[raster.Run]:
    """The placed lines for ``raster.render``: a run per font, upright and turned apart."""
    by_font: dict[tuple[Font, bool], list[Placed]] = {}
    for line in placed:
        for cluster in line.clusters:
            by_font.setdefault((cluster.font, cluster.angle != 0.0), []).append(cluster)
    return [
        raster.Run(
            font,
            size,
            [glyph for cluster in clusters for glyph in cluster.glyphs],
            [origin for cluster in clusters for origin in cluster.origins],
            [cluster.angle for cluster in clusters for _ in cluster.glyphs] if any_turned else (),
        )
        for (font, any_turned), clusters in by_font.items()
    ]
