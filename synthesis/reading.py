"""Reading rendered text back (``curation.networks.ocr``), by our own quads, in our reading order.

A page is read as a stranger would: found and recognised by the model alone. A line is cut out by
our own quad, so that reading it also proves the quad.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cache

import cv2
import numpy as np
from numpy.typing import NDArray

from curation.networks.ocr import LARGEST_SIDE, TextReader
from curation.networks.ocr import LINE_HEIGHT as HEIGHT
from synthesis.fonts import files
from synthesis.raster import Pixels, render, solid
from synthesis.sample import Quad, upright_quad
from synthesis.text import block
from synthesis.text.block import Typography
from synthesis.text.layout import Frame, Setting
from synthesis.unrenderable import UnrenderableError
from synthesis.unrolling import is_curved, unrolled

# Of the height, left above and below a line. Tight keeps neighbours out, wide is what the model
# is used to: it reads both, and the one it is surer of counts.
_ROOMS = (0.12, 0.22)
_SMALLEST_LINE = 20  # pixels: a page with smaller lines is enlarged before it is searched
_PLAIN = ("Noto Sans CJK SC", "WenQuanYi Micro Hei", "Noto Sans", "DejaVu Sans")
_PLAIN_SIZE = range(36, 37)  # pixels per em
_STRIP = Frame(HEIGHT / 2, HEIGHT / 4, 1e5, 1e5)
_COLUMN = Frame(HEIGHT / 2, HEIGHT / 4, 2 * HEIGHT, 1e5)
_UPRIGHT = 1.5  # a line so many times as high as wide, of several characters, runs downwards


@dataclass(frozen=True)
class Line:
    """A rendered line with the quads of its glyphs, in pixels."""

    text: str
    quad: Quad
    glyphs: tuple[Quad, ...]


class Proofreader:
    """Reads what was rendered. Raises ``UsageError`` where a package of the reader is missing."""

    def __init__(self) -> None:
        self._reader = TextReader()

    def page(self, rgb: Pixels, lines: Sequence[Line]) -> str:
        """What the (H, W, 3) image says: found without our boxes, put in our reading order.

        Text found where no line of ours is comes last, so it is counted against us.
        """
        order = []
        for region in self._reader.page(rgb, _enlargement(rgb, lines)):
            middle = region.corners.mean(axis=0)
            order.append((_line_of(middle, lines), float(middle[0]), region.text))
        return "".join(text for _, _, text in sorted(order))

    def line(self, rgb: Pixels, line: Line) -> str:
        """What the line says, cut out by its quad (one that runs downwards: glyph by glyph)."""
        read = [self._reader.line(rectified(rgb, line, room)) for room in _ROOMS]
        return max(read, key=lambda text_and_score: text_and_score[::-1])[0]

    def plainly(self, line: Line, language: str) -> str:
        """What it reads of a line set in a common face, black on white, at the size it was
        trained on, downwards if it runs downwards: what is misread here is not the image's
        fault. Empty where no face has it.
        """
        text, down = line.text, runs_down(line)
        frame = _COLUMN if down else _STRIP
        try:
            placed = block.fit(text, replace(_plain(language), vertical=down), frame, _PLAIN_SIZE)
        except UnrenderableError:
            return ""
        left, top, right, bottom = placed.box
        canvas = solid(math.ceil(right) + HEIGHT, math.ceil(bottom) + HEIGHT, (255, 255, 255))
        render(canvas, placed.runs, (0, 0, 0))
        quad = upright_quad(left, top, right, bottom)
        glyphs = (
            tuple(glyph.quad for each in placed.lines for glyph in each.clusters) if down else ()
        )
        return self.line(np.ascontiguousarray(canvas[..., :3]), Line(text, quad, glyphs))


@cache
def _plain(language: str) -> Typography:
    known = [*files.find(language), *files.fallbacks(language)]
    upright = [face for face in known if face.family in _PLAIN and face.style == "Regular"]
    upright.sort(key=lambda face: _PLAIN.index(face.family))
    return Typography(language, tuple(upright or known), Setting("left", 1.5, 0.0), wrap=False)


def runs_down(line: Line) -> bool:
    """Whether the line is a column, which is read glyph by glyph."""
    width, height = _sides(np.array(line.quad, np.float32).reshape(4, 2))
    return not is_curved(line.glyphs) and height >= _UPRIGHT * width and len(line.glyphs) >= 2


def rectified(rgb: Pixels, line: Line, room: float) -> Pixels:
    """The line as a (``HEIGHT``, W, 3) strip to be read from left to right.

    ``room`` is the share of the height left above and below it, and as much at its ends.
    """
    corners = np.array(line.quad, np.float32).reshape(4, 2)
    if runs_down(line):
        cells = [_cell(rgb, cell, room) for cell in _cells(corners, line.glyphs)]
        return np.concatenate(cells, axis=1)
    if is_curved(line.glyphs):
        return unrolled(rgb, corners, line.glyphs, HEIGHT, room)
    return _cut(rgb, corners, *_sides(corners), room)


def _cut(
    rgb: Pixels, corners: NDArray[np.float32], width: float, height: float, share: float
) -> Pixels:
    """The quad with some room around it, as a strip ``HEIGHT`` high."""
    scale = HEIGHT * (1 - 2 * share) / height
    room = HEIGHT * share
    across = max(1, round(width * scale))
    left, right, top, bottom = room, room + across, room, HEIGHT - room
    target = np.array([[left, top], [right, top], [right, bottom], [left, bottom]], np.float32)
    size = (math.ceil(right + room), HEIGHT)
    if scale < 0.5:  # area first: a warp alone would skip pixels
        rgb = cv2.resize(rgb, None, fx=scale * 2, fy=scale * 2, interpolation=cv2.INTER_AREA)
        corners = corners * np.float32(scale * 2)
    warp = cv2.getPerspectiveTransform(corners, target)
    return np.asarray(
        cv2.warpPerspective(
            rgb, warp, size, flags=cv2.INTER_CUBIC, borderMode=cv2.BORDER_REPLICATE
        ),
        np.uint8,
    )


def _cell(rgb: Pixels, corners: NDArray[np.float32], room: float) -> Pixels:
    """A glyph of a line running downwards, at the foot of a cell ``HEIGHT`` high."""
    width, height = _sides(corners)
    margin = round(HEIGHT * room)
    scale = (HEIGHT - 2 * margin) / max(width, height)
    across, down = max(1, round(width * scale)), max(1, round(height * scale))
    target = np.array([[0, 0], [across, 0], [across, down], [0, down]], np.float32)
    warp = cv2.getPerspectiveTransform(corners, target)
    cut = cv2.warpPerspective(rgb, warp, (across, down), flags=cv2.INTER_AREA)
    sides = (HEIGHT - margin - down, margin, margin, margin)
    return np.asarray(cv2.copyMakeBorder(cut, *sides, cv2.BORDER_REPLICATE), np.uint8)


def _cells(line: NDArray[np.float32], glyphs: Sequence[Quad]) -> list[NDArray[np.float32]]:
    """The parts of a line running downwards that hold its glyphs, as wide as the line.

    They end half way to the next glyph, at most a tenth of the width away, so that none has ink of
    another.
    """
    down = (line[3] - line[0] + line[2] - line[1]) / 2
    spans = []
    for quad in glyphs:
        along = (np.array(quad, np.float32).reshape(4, 2) - line[0]) @ down / (down @ down)
        spans.append((float(along.min()), float(along.max())))
    most = 0.1 * _sides(line)[0] / float(np.linalg.norm(down))
    cells = []
    for number, (start, end) in enumerate(spans):
        before = spans[number - 1][1] if number else start - 2 * most
        after = spans[number + 1][0] if number + 1 < len(spans) else end + 2 * most
        first = start - min(most, max(0.0, (start - before) / 2))
        last = end + min(most, max(0.0, (after - end) / 2))
        left, right = line[3] - line[0], line[2] - line[1]
        corners = [line[0] + left * first, line[1] + right * first]
        corners += [line[1] + right * last, line[0] + left * last]
        cells.append(np.array(corners, np.float32))
    return cells


def _sides(corners: NDArray[np.float32]) -> tuple[float, float]:
    """Mean width and height of a quad, in pixels, each 1 or more."""
    top, right, bottom, left = (
        float(np.linalg.norm(corners[end] - corners[start]))
        for start, end in ((0, 1), (1, 2), (3, 2), (0, 3))
    )
    return max(1.0, (top + bottom) / 2), max(1.0, (left + right) / 2)


def _enlargement(rgb: Pixels, lines: Sequence[Line]) -> float:
    """How much to enlarge a page, for its smallest line to be found."""
    heights = [min(_sides(np.array(line.quad, np.float32).reshape(4, 2))) for line in lines]
    wanted = _SMALLEST_LINE / min(heights, default=float(_SMALLEST_LINE))
    return float(max(1.0, min(wanted, LARGEST_SIDE / max(rgb.shape[:2]))))


def _line_of(middle: NDArray[np.float32], lines: Sequence[Line]) -> int:
    """The number of the line whose quad holds the point, or is nearest within half its height."""
    best, nearest = len(lines), math.inf
    for number, line in enumerate(lines):
        corners = np.array(line.quad, np.float32).reshape(4, 2)
        point = (float(middle[0]), float(middle[1]))
        outside = -cv2.pointPolygonTest(corners, point, measureDist=True)
        if outside < min(nearest, min(_sides(corners)) / 2):
            best, nearest = number, max(outside, 0.0)
    return best
