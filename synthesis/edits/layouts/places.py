"""Free places of a layout: where nothing stands, on a ground that what comes there shows on."""

import math
from collections.abc import Sequence
from dataclasses import replace
from random import Random

import cv2
import numpy as np
from numpy.typing import NDArray

from curation.picture.colours import RGB, contrast_ratio, lab
from synthesis.captions.places import Cell, cell
from synthesis.description import Name, Words
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


def moved(
    random: Random, layout: Layout, number: int, inks: Sequence[RGB]
) -> tuple[Layout, Name] | None:
    """The layout with an item and all below it at a free place, and where that is.

    Ground is what lies under the item now, or nearly that colour; every one of the inks shows on
    it. ``None``: there is no such place in another part of the image.
    """
    box = bounds(layout, number)
    ground = _ground(layout, box)
    here = _cell_of(layout, box)
    by_cell: dict[Cell, list[tuple[float, int, int]]] = {}
    width, height = layout.filling.size
    for left, top in _free(layout, box):
        across, down = (
            (left + (box[2] - box[0]) / 2) / width,
            (top + (box[3] - box[1]) / 2) / height,
        )
        at = cell(Words("", "", None, across, down))
        off = math.dist((across, down), ((at[1] + 0.5) / 3, (at[0] + 0.5) / 3))
        if at != here:
            by_cell.setdefault(at, []).append((off, left, top))
    for at in random.sample(sorted(by_cell), len(by_cell)):
        _, left, top = min(by_cell[at])
        dx, dy = left - math.floor(box[0]), top - math.floor(box[1])
        target = (box[0] + dx, box[1] + dy, box[2] + dx, box[3] + dy)
        under = _ground(layout, target)
        if _distance(under, ground) <= _SAME_GROUND and all(
            contrast_ratio(ink, under) >= _LEAST_CONTRAST for ink in inks
        ):
            place = naming.place((at[1] + 0.5) / 3, (at[0] + 0.5) / 3)
            return shifted(layout, number, dx, dy), place
    return None


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


def _free(layout: Layout, box: Extents) -> list[tuple[int, int]]:
    """Left and top of places as large as a box, with room around, where nothing stands."""
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
        return []
    sums = cv2.integral(busy)
    inside = sums[tall:, wide:] - sums[:-tall, wide:] - sums[tall:, :-wide] + sums[:-tall, :-wide]
    rows, columns = np.nonzero(inside[::_STEP, ::_STEP] == 0)
    return [
        (column * _STEP + room, row * _STEP + room)
        for row, column in zip(rows.tolist(), columns.tolist(), strict=True)
    ]


def _edges(pixels: Pixels) -> NDArray[np.uint8]:
    """(H, W) 1 where a pixel differs from the one to its right or below it."""
    edges = np.zeros(pixels.shape[:2], np.uint8)
    across = cv2.absdiff(pixels[:, 1:], pixels[:, :-1]).max(axis=2) > _EDGE
    down = cv2.absdiff(pixels[1:], pixels[:-1]).max(axis=2) > _EDGE
    edges[:, :-1] |= across
    edges[:-1] |= down
    return edges


def _ground(layout: Layout, box: Extents) -> RGB:
    """The commonest colour along the edge of a box."""
    height, width = layout.pixels.shape[:2]
    left, top = max(0, math.floor(box[0]) - 2), max(0, math.floor(box[1]) - 2)
    right, bottom = min(width, math.ceil(box[2]) + 2), min(height, math.ceil(box[3]) + 2)
    part = layout.pixels[top:bottom, left:right]
    edge = np.concatenate([part[0], part[-1], part[:, 0], part[:, -1]])
    red, green, blue = np.median(edge[:, :3], axis=0).astype(int).tolist()
    return red, green, blue


def _cell_of(layout: Layout, box: Extents) -> Cell:
    width, height = layout.filling.size
    return cell(Words("", "", None, (box[0] + box[2]) / 2 / width, (box[1] + box[3]) / 2 / height))


def _distance(colour: RGB, other: RGB) -> float:
    return math.dist(lab(colour), lab(other))
