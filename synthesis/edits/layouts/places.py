"""Free places of a layout: where nothing stands, on a ground that what comes there shows on."""

import math
from collections.abc import Sequence
from dataclasses import replace
from random import Random

import cv2
import numpy as np
from numpy.typing import NDArray

from curation.picture.colours import RGB, contrast_ratio, lab
from synthesis.captions.places import Cell
from synthesis.description import Name
from synthesis.edits import naming
from synthesis.edits.layouts import marks
from synthesis.edits.layouts.layout import Item, Layout
from synthesis.fonts.face import Extents
from synthesis.raster import Pixels
from synthesis.template.boxes import Box

_STEP = 4  # pixels between places that are tried
_AROUND = 0.012  # of the canvas's sides together: free room around what is moved
_EDGE = 5  # of 255: neighbouring pixels of one ground differ by less
_LEAST_CONTRAST = 3.0
_SAME_GROUND = 14.0  # of 100, in CIELAB
_FORTH = 0.15  # of a side of the canvas: how far what is moved goes at least
_ASIDE = 0.12  # the same: how far at most where no side is said
_BACK = 0.01  # the same: away from a side that is said
_NEAR_SIDE = 0.3  # the same: how far from a side its middle may come to lie


def moved(
    random: Random, layout: Layout, number: int, inks: Sequence[RGB]
) -> tuple[Layout, Name] | None:
    """The layout with an item and all below it at a free place, and where that is.

    Ground is what lies under the item now, or nearly that colour; every one of the inks shows on
    it. What is said is true of where the item comes to and of the way there. ``None``: there is no
    such place.
    """
    box = bounds(layout, number)
    without = hidden(layout, number)  # where it stands now it may stand, too
    ground, known = _ground(layout, box), _by_cell(layout, _free(without, box), box)
    for at in random.sample(sorted(known), len(known)):
        dx, dy = known[at][0] - math.floor(box[0]), known[at][1] - math.floor(box[1])
        under = _ground(without, (box[0] + dx, box[1] + dy, box[2] + dx, box[3] + dy))
        shows = all(contrast_ratio(ink, under) >= _LEAST_CONTRAST for ink in inks)
        if shows and math.dist(lab(under), lab(ground)) <= _SAME_GROUND:
            place = naming.place((at[1] + 0.5) / 3, (at[0] + 0.5) / 3)
            return shifted(layout, number, dx, dy), place
    return None


def towards(layout: Layout, box: Extents, dx: int, dy: int) -> Name | None:
    """Where what stands in a box comes to by a way across and down; ``None`` where the name of
    that place does not say the way.
    """
    size = np.array(layout.filling.size)
    here = np.array((box[0] + box[2], box[1] + box[3])) / 2 / size
    there = (here + np.array((dx, dy)) / size)[None]
    cells = np.minimum((there * 3).astype(np.int64), 2)
    if not _is_as_said(here, there, cells - 1)[0]:
        return None
    column, row = cells[0].tolist()
    return naming.place((column + 0.5) / 3, (row + 0.5) / 3)


def _by_cell(
    layout: Layout, places: NDArray[np.int64], box: Extents
) -> dict[Cell, tuple[int, int]]:
    """Of (N, 2) lefts and tops of places for a box those nearest to the middles of the cells of the
    grid that they lie in, of those to which the cell's name says the way.
    """
    size = np.array(layout.filling.size)
    middles = (places + np.array((box[2] - box[0], box[3] - box[1])) / 2) / size
    here = np.array((box[0] + box[2], box[1] + box[3])) / 2 / size
    cells = np.minimum((middles * 3).astype(np.int64), 2)
    said = _is_as_said(here, middles, cells - 1)
    places, middles, cells = places[said], middles[said], cells[said]
    off = np.hypot(*(middles - (cells + 0.5) / 3).T)
    nearest: dict[Cell, tuple[int, int]] = {}
    for index in np.argsort(off, kind="stable").tolist():
        column, row = cells[index].tolist()
        if (row, column) not in nearest:
            left, top = places[index].tolist()
            nearest[row, column] = (left, top)
            if len(nearest) == 9:
                break
    return nearest


def _is_as_said(
    here: NDArray[np.float64], there: NDArray[np.float64], sides: NDArray[np.int64]
) -> NDArray[np.bool_]:
    """(N,) whether a way from ``here`` (2,) to ``there`` (N, 2), across and down, 0 to 1, leads to
    those sides (N, 2): -1 is left and top, 1 right and bottom, 0 is not said.

    It is a good way to a side that is said, away from none, and hardly to any that is not; and it
    ends near the side. To the centre goes what comes much nearer to it.
    """
    way = there - here
    forth = way * sides
    straight = (np.abs(way) < _ASIDE) | (sides != 0)
    near = (np.abs(there - 0.5) >= 0.5 - _NEAR_SIDE) | (sides == 0)
    to_side = (forth.max(1) >= _FORTH) & (forth.min(1) >= -_BACK)
    nearer = np.hypot(*(here - 0.5)) - np.hypot(*(there - 0.5).T) >= _FORTH
    to_centre = (sides == 0).all(1) & nearer & (np.abs(there - 0.5) < _ASIDE).all(1)
    return np.asarray((to_side & straight.all(1) & near.all(1)) | to_centre)


def bounds(layout: Layout, number: int) -> Extents:
    """The bounds of all that an item and those below it paint."""
    box: Extents | None = None
    for other in layout.below(number):
        item = layout.items[other]
        if item.shown and (item.text or marks.is_visible(item)):
            extent = marks.extent(layout, other)
            box = extent if box is None else marks.union(box, extent)
    if box is None:
        raise ValueError(f"item {number} shows nothing")
    return box


def hidden(layout: Layout, number: int) -> Layout:
    """The layout without an item and all below it."""
    return layout.with_items(
        {other: replace(layout.items[other], shown=False) for other in layout.below(number)}
    )


def shifted(layout: Layout, number: int, dx: int, dy: int) -> Layout:
    """The layout with an item and all below it moved by whole pixels, over all others."""
    return layout.with_items(
        {other: _shifted(layout.items[other], dx, dy) for other in layout.below(number)}
    )


def _shifted(item: Item, dx: int, dy: int) -> Item:
    text = item.text
    if text is not None:
        left, top, right, bottom = text.box
        box = (left + dx, top + dy, right + dx, bottom + dy)
        text = replace(text, dx=text.dx + dx, dy=text.dy + dy, box=box)
    boxes = [
        Box(box.left + dx, box.top + dy, box.width, box.height) for box in (item.box, item.inner)
    ]
    return replace(item, box=boxes[0], inner=boxes[1], text=text, raised=True)


def _free(layout: Layout, box: Extents) -> NDArray[np.int64]:
    """(N, 2) left and top of places as large as a box, with room around, where nothing stands."""
    busy = _edges(layout.pixels)
    for item in layout.items[1:]:
        if item.shown and (item.part.node.shape or (item.part.fill and item.text)):
            left, top, width, height = item.box
            busy[
                max(0, math.floor(top)) : math.ceil(top + height),
                max(0, math.floor(left)) : math.ceil(left + width),
            ] = 1
    room = round(_AROUND * sum(layout.filling.size))
    wide = math.ceil(box[2]) - math.floor(box[0]) + 2 * room
    tall = math.ceil(box[3]) - math.floor(box[1]) + 2 * room
    if wide >= busy.shape[1] or tall >= busy.shape[0]:
        return np.zeros((0, 2), np.int64)
    sums = cv2.integral(busy)
    inside = sums[tall:, wide:] - sums[:-tall, wide:] - sums[tall:, :-wide] + sums[:-tall, :-wide]
    rows, columns = np.nonzero(inside[::_STEP, ::_STEP] == 0)
    return np.stack([columns, rows], axis=1) * _STEP + room


def _edges(pixels: Pixels) -> NDArray[np.uint8]:
    """(H, W) 1 where a pixel differs from the one to its right or below it."""
    edges = np.zeros(pixels.shape[:2], np.uint8)
    edges[:, :-1] |= _differ(pixels[:, 1:], pixels[:, :-1])
    edges[:-1] |= _differ(pixels[1:], pixels[:-1])
    return edges


def _differ(pixels: Pixels, others: Pixels) -> NDArray[np.bool_]:
    """Where two images of one size differ by an edge, in any channel."""
    differs = cv2.absdiff(pixels, others) > _EDGE
    return np.asarray(differs.view(np.uint32)[..., 0] != 0)


def _ground(layout: Layout, box: Extents) -> RGB:
    """The commonest colour along the edge of a box."""
    height, width = layout.pixels.shape[:2]
    left, top = max(0, math.floor(box[0]) - 2), max(0, math.floor(box[1]) - 2)
    right, bottom = min(width, math.ceil(box[2]) + 2), min(height, math.ceil(box[3]) + 2)
    part = layout.pixels[top:bottom, left:right]
    edge = np.concatenate([part[0], part[-1], part[:, 0], part[:, -1]])
    red, green, blue = np.median(edge[:, :3], axis=0).astype(int).tolist()
    return red, green, blue
