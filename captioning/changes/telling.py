"""From two images, and what was read in them, to what changed; or why that cannot be said."""

from collections.abc import Mapping, Sequence
from typing import Any, Literal

from captioning.changes import detail, geometry, grounds, texts, tones
from captioning.changes.change import Change, Line
from captioning.changes.pixels import Pixels, alike, is_same

Unsaid = Literal["unchanged", "unclear"]
Sizes = tuple[tuple[int, int], tuple[int, int]]  # width and height in pixels, before and after
Lines = tuple[Sequence[Line], Sequence[Line]]
EQUAL = 4.0  # levels of the mean of a window: less is storing an image again


def changes(
    before: Pixels, after: Pixels, sizes: Sizes, lines: Lines | None
) -> list[Change] | Unsaid:
    """What changed, in at most two changes; ``lines`` are None where nobody looked for text."""
    if not geometry.has_shape(before, after):
        moved = geometry.turned(before, after) or geometry.cut(before, after)
        moved = moved or geometry.extended(before, after)
        return [moved] if moved else "unclear"
    if (resized := geometry.scaled(before, after, sizes)) is not None:
        return [resized]
    if before.shape != after.shape:
        moved = geometry.cut(before, after) or geometry.extended(before, after)
        return [moved] if moved else "unclear"
    return _of_a_size(before, after, alike(before, after), lines)


def _of_a_size(
    before: Pixels, after: Pixels, small: tuple[Pixels, Pixels], lines: Lines | None
) -> list[Change] | Unsaid:
    """Changes of two images of a size, the cheapest to tell first."""
    if is_same(*small, EQUAL):
        return "unchanged"
    first = detail.cleared(before, after) or geometry.turned(before, after) or tones.toned(*small)
    if first is None and lines is not None and (rewritten := texts.rewritten(*small, lines)):
        return rewritten
    if first is None and not is_same(*small):
        first = grounds.regrounded(*small)
    return [first] if first else "unclear"


def lines_of(regions: Sequence[Mapping[str, Any]], size: tuple[int, int]) -> list[Line]:
    """Lines of the column ``text_regions`` of an image of a size, width and height in pixels."""
    width, height = size
    lines = []
    for of in regions:
        quad = of["quad"]
        box = (min(quad[::2]) / width, min(quad[1::2]) / height)
        far = (max(quad[::2]) / width, max(quad[1::2]) / height)
        lines.append(Line(of["text"] or "", float(of["score"]), (*box, *far)))
    return lines
