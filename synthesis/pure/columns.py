"""Long texts in columns of readable lines, with half a line between paragraphs.

The whole text is set in one column as tall as it needs, then its lines are moved to where they
belong, so that a line ends in the same place wherever its column does.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from synthesis.pure.scripts import Script
from synthesis.text import block, placing
from synthesis.text.block import Block, Typography
from synthesis.text.layout import Frame
from synthesis.text.placing import Placed, PlacedLine
from synthesis.unrenderable import UnrenderableError

MOST_COLUMNS = 4
_GUTTER = 2.2  # ems between columns
_PARAGRAPH = 0.5  # of the distance of lines, between paragraphs
_SHORT = 0.6  # of the least characters of a line: columns are not narrower
_STEPS = 6  # sizes tried, each a little smaller than the one before
_STEP = 0.97


@dataclass(frozen=True)
class Columns:
    """A text in columns: how many, and how many ems a line of it may have."""

    block: Block
    count: int


def fit(
    text: str,
    typography: Typography,
    frame: Frame,
    sizes: range,
    script: Script,
    share_of_largest: float,
) -> Columns:
    """The text at the share of the largest size that fits, in as few columns as its lines allow.

    Raises ``UnrenderableError``.
    """
    choices: list[tuple[int, int]] = []  # numbers of columns, each with a size
    for count in range(1, MOST_COLUMNS + 1):
        size = _largest(text, typography, frame, sizes, count)
        if size is None:
            continue
        size = max(sizes[0], int(size * share_of_largest))
        characters = _width(frame, count, size) / (size * script.advance)
        if choices and characters < _SHORT * script.line[0]:
            break
        choices.append((count, size))
        if characters <= script.line[1]:
            break
    for count, size in reversed(choices):
        placed = _set(text, typography, frame, range(sizes[0], size + 1), count)
        if placed:
            return Columns(placed, count)
    raise UnrenderableError("does_not_fit", f"at {sizes[0]} px in {frame}")


def _width(frame: Frame, count: int, size: int) -> float:
    """The width of each of the columns in pixels."""
    return (frame.width - (count - 1) * _GUTTER * size) / count


def _largest(
    text: str, typography: Typography, frame: Frame, sizes: range, count: int
) -> int | None:
    """About the largest size at which the text fits the columns; ``None``: it fits at none."""
    gaps = text.count("\n\n")
    if count == 1 and not gaps:
        return largest_fitting(text, typography, frame, sizes)
    size: int | None = sizes[0]
    for _ in range(2):  # what gaps save and ends of columns waste depends on the size itself
        pitch = typography.setting.leading * (size or sizes[0])
        saved = gaps * (1 - _PARAGRAPH) * pitch - (count - 1) * pitch
        width = _width(frame, count, size or sizes[0])
        tall = Frame(0, 0, width, frame.height * count + saved)
        size = largest_fitting(text, typography, tall, sizes)
    return size


def largest_fitting(text: str, typography: Typography, frame: Frame, sizes: range) -> int | None:
    """The largest of the sizes at which the text fits the frame; ``None``: it fits at none."""
    try:
        return block.largest(text, typography, frame, sizes)
    except UnrenderableError as problem:
        if problem.reason != "does_not_fit":
            raise
        return None


def _set(text: str, typography: Typography, frame: Frame, sizes: range, count: int) -> Block | None:
    """The text at the largest of the sizes that fits in truth; ``None``: none of the largest."""
    if count == 1 and "\n\n" not in text:
        return block.at(text, typography, frame, sizes[-1])
    tried = {max(sizes[0], int(sizes[-1] * _STEP**step)) for step in range(_STEPS)}
    for size in sorted(tried, reverse=True):
        width = _width(frame, count, size)
        tall = Frame(0, 0, width, 2 * frame.height * (count + 1))
        if largest_fitting(text, typography, tall, range(size, size + 1)):
            moved = _moved(block.at(text, typography, tall, size), typography, frame, width, count)
            if moved:
                return moved
    return None


def _moved(
    block: Block, typography: Typography, frame: Frame, width: float, count: int
) -> Block | None:
    """The lines of one tall column in several of even height; ``None`` where they do not fit."""
    pitch = typography.setting.leading * block.size
    offsets = _offsets(block.lines, pitch)
    rise = _baseline(block.lines[0]) - block.lines[0].box[1]
    fall = max(line.box[3] - _baseline(line) for line in block.lines)
    room = math.floor(2 * (frame.height - rise - fall) / pitch) / 2  # in half lines
    for most in (offsets[-1] / count + step / 2 for step in range(2 * count + 8)):
        places = _places(offsets, min(most, room))
        if places[-1][0] < count:
            break
        if most >= room:
            return None
    lowest = max(down for _, down in places)
    free = frame.height - rise - fall - lowest * pitch
    top = frame.top + rise + free * typography.setting.vertical
    step = width + _GUTTER * block.size
    lines = []
    for line, (column, down) in zip(block.lines, places, strict=True):
        x = frame.left + (count - 1 - column if _is_right_to_left(block) else column) * step
        y = round(top + down * pitch) - _baseline(line)
        lines.append(shifted(line, float(round(x)), float(y)))
    return Block(block.text, block.size, tuple(lines), tuple(placing.runs(block.size, lines)))


def _offsets(lines: Sequence[PlacedLine], pitch: float) -> list[float]:
    """How far each line is below the first, in lines, an empty one counting as less."""
    offsets, taken, before = [], 0.0, 0
    first = _baseline(lines[0])
    for line in lines:
        number = round((_baseline(line) - first) / pitch)
        gaps = max(number - before - 1, 0)
        taken += (number - before - gaps) + gaps * _PARAGRAPH
        offsets.append(taken)
        before = number
    return offsets


def _places(offsets: Sequence[float], most: float) -> list[tuple[int, float]]:
    """Of every line its column and how far it is below that column's first, in lines."""
    starts = [0]
    for number, offset in enumerate(offsets):
        if offset - offsets[starts[-1]] > most + 1e-6:
            starts.append(_break_at(offsets, number, starts[-1]))
    ends = [*starts[1:], len(offsets)]
    return [
        (column, offsets[number] - offsets[start])
        for column, (start, end) in enumerate(zip(starts, ends, strict=True))
        for number in range(start, end)
    ]


def _break_at(offsets: Sequence[float], number: int, after: int) -> int:
    """Where a column begins that could at the latest begin with that line.

    No paragraph leaves its first line alone below, or its last line alone above.
    """

    def begins(place: int) -> bool:
        return place in {0, len(offsets)} or offsets[place] - offsets[place - 1] > 1

    latest = number
    if begins(number + 1) and not begins(number):
        number -= 1
    if begins(number - 1) and not begins(number):
        number -= 1
    return number if number > after else latest


def _baseline(line: PlacedLine) -> float:
    return line.clusters[0].origins[0][1]


def _is_right_to_left(block: Block) -> bool:
    """Whether the first line begins on the right."""
    clusters = block.lines[0].clusters
    return clusters[0].box[0] > clusters[-1].box[0]


def shifted(line: PlacedLine, x: float, y: float) -> PlacedLine:
    """An upright line moved by so many pixels."""
    return PlacedLine(
        line.text, tuple(_shifted_cluster(cluster, x, y) for cluster in line.clusters)
    )


def _shifted_cluster(cluster: Placed, x: float, y: float) -> Placed:
    """An upright cluster moved; made anew, which takes a fifth of the time of ``replace``."""
    left, top, right, bottom = cluster.box
    origins = tuple([(across + x, down + y) for across, down in cluster.origins])
    box = (left + x, top + y, right + x, bottom + y)
    return Placed(cluster.text, cluster.font, cluster.glyphs, origins, box)
