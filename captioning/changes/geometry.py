"""Images mirrored, turned, cut, extended or stored at another size: the same pixels elsewhere."""

from collections.abc import Callable

import cv2
import numpy as np

from captioning.changes.change import Change, Operation, Side
from captioning.changes.pixels import Pixels, alike, is_same, small

MOVED = 20.0  # levels of the mean of a window: blocks of JPEGs lie elsewhere then
ASPECT = 0.01  # by which the ratio of sides may differ where an image was stored at another size
RESIZED = 1.15  # times the other: less is rounding
LEAST_CUT, MOST_CUT = 0.03, 0.75  # of a side
SEARCHED = 320  # pixels of the longer side at which a part is searched for
LIKE = 0.95  # correlation of a part with its place
SLACK = 3  # pixels around that place at which it is compared
_TURNS: dict[Operation, Callable[[Pixels], Pixels]] = {
    "mirror.sides": lambda rgb: rgb[:, ::-1],
    "mirror.top": lambda rgb: rgb[::-1],
    "rotate.half": lambda rgb: rgb[::-1, ::-1],
    "rotate.right": lambda rgb: np.rot90(rgb, -1),
    "rotate.left": lambda rgb: np.rot90(rgb, 1),
}


def turned(before: Pixels, after: Pixels) -> Change | None:
    """Mirrored or turned by right angles, where it can only have been in one way."""
    ways = [
        operation
        for operation, turn in _TURNS.items()
        if _has_shape(turned_image := np.ascontiguousarray(turn(before)), after)
        and is_same(*alike(turned_image, after), MOVED)
    ]
    return Change(ways[0]) if len(ways) == 1 else None


def _has_shape(rgb: Pixels, other: Pixels) -> bool:
    ratios = [of.shape[1] / of.shape[0] for of in (rgb, other)]
    return bool(abs(ratios[0] / ratios[1] - 1) <= ASPECT)


def has_shape(before: Pixels, after: Pixels) -> bool:
    """Whether two images have the same ratio of sides."""
    return _has_shape(before, after)


def scaled(
    before: Pixels, after: Pixels, sizes: tuple[tuple[int, int], tuple[int, int]]
) -> Change | None:
    """The same image at another of the ``sizes``, width and height in pixels, of both."""
    (old, _), (width, height) = sizes
    if not (_has_shape(before, after) and is_same(*alike(before, after), MOVED)):
        return None
    if width >= old * RESIZED:
        return Change("enlarge", size=(width, height))
    return Change("reduce", size=(width, height)) if old >= width * RESIZED else None


def cut(before: Pixels, after: Pixels) -> Change | None:
    """The result is a part of the input, at the same scale."""
    sides = _part_of(before, after, before.shape)
    return Change("crop", sides=sides) if sides else None


def extended(before: Pixels, after: Pixels) -> Change | None:
    """The input is a part of the result, at the same scale."""
    sides = _part_of(after, before, before.shape)
    return Change("extend", sides=sides) if sides else None


def _part_of(
    large: Pixels, part: Pixels, unit: tuple[int, ...]
) -> tuple[tuple[Side, int], ...] | None:
    """How much of ``large`` lies beside its ``part``: sides with percent of ``unit`` (H, W); None
    where it has no such part.
    """
    if any(p > w for p, w in zip(part.shape[:2], large.shape[:2], strict=True)):
        return None
    if part.shape == large.shape or min(part.shape[:2]) < 32:
        return None
    place = _place(large, part)
    if place is None:
        return None
    left, top = place
    height, width = part.shape[:2]
    if not is_same(small(large[top : top + height, left : left + width]), small(part), MOVED):
        return None
    beside: dict[Side, float] = {
        "left": left / unit[1],
        "right": (large.shape[1] - left - width) / unit[1],
        "top": top / unit[0],
        "bottom": (large.shape[0] - top - height) / unit[0],
    }
    if max(beside.values()) > MOST_CUT:
        return None
    sides = tuple((of, round(100 * share)) for of, share in beside.items() if share >= LEAST_CUT)
    return sides or None


def _place(large: Pixels, part: Pixels) -> tuple[int, int] | None:
    """Left and top of the part, in pixels; None where it is not there."""
    scale = min(1.0, SEARCHED / max(large.shape[:2]))
    images = [
        cv2.resize(cv2.cvtColor(of, cv2.COLOR_RGB2GRAY), None, fx=scale, fy=scale,
                   interpolation=cv2.INTER_AREA)
        for of in (large, part)
    ]  # fmt: skip
    if any(p > w for p, w in zip(images[1].shape, images[0].shape, strict=True)):
        return None
    if float(images[1].std()) < 2:  # a plain part is anywhere
        return None
    matches = cv2.matchTemplate(images[0], images[1], cv2.TM_CCOEFF_NORMED)
    _, best, _, (x, y) = cv2.minMaxLoc(matches)
    if best < LIKE:
        return None
    room = round(SLACK / scale)
    height, width = part.shape[:2]
    left = min(max(0, round(x / scale) - room), large.shape[1] - width)
    top = min(max(0, round(y / scale) - room), large.shape[0] - height)
    window = large[top : top + height + 2 * room, left : left + width + 2 * room]
    close = cv2.matchTemplate(window, part, cv2.TM_SQDIFF)
    _, _, (x, y), _ = cv2.minMaxLoc(close)
    return left + int(x), top + int(y)
