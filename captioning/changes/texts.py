"""Texts that were replaced, added, removed or recoloured, where nothing else differs.

Each changed place has to lie in a line that was read with certainty, before, after, or both; all
other lines read the same. What was not read so is not said.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import cv2
import numpy as np
from numpy.typing import NDArray

from captioning.changes.change import Change, Line, Place
from captioning.changes.pixels import ENERGY, Field, Pixels, apart, energy
from captioning.composing.legible import HAN as FEW
from captioning.composing.legible import LETTERS, is_legible
from captioning.quotes import plain
from curation.picture.colours import nearest

CERTAIN = 0.97  # score of a line that is quoted
DIFFERS = 14.0  # levels: where a place counts as changed
STRAY = 0.0006  # of the image, changed beside all lines: less is a seam
ROOM = 0.45  # of a line's height around it that belongs to it
SHARED = 0.5  # of a line's box that has changed
OVERLAP = 0.3  # of the smaller of two boxes, by which a line takes the other's place
MINGLED = 0.35  # of a line's height by which lines may overlap, or be off the same height
LEGIBLE = 3  # most lines of a text that is quoted
LONGEST = 120  # characters of a text
Box = tuple[float, float, float, float]


@dataclass(frozen=True)
class _Group:
    """The lines before and after that stand in one place of the image."""

    before: tuple[Line, ...]
    after: tuple[Line, ...]


def rewritten(
    before: Pixels, after: Pixels, lines: tuple[Sequence[Line], Sequence[Line]]
) -> list[Change] | None:
    """What became of texts, a change for each place; None where something else has changed.

    Both images are of a size, ``lines`` those of the one and of the other.
    """
    changed = apart(before, after) > DIFFERS
    changed |= energy(before, after) > ENERGY * DIFFERS
    if not changed.any():
        return None
    touched = [[of for of in each if _share(changed, of.box) > 0.02] for each in lines]
    if not any(touched) or _beside(changed, touched) > STRAY:
        return None
    changes = [_change(of, before, after, lines) for of in _places(*touched)]
    sure = [of for of in changes if of is not None]
    if len(sure) != len(changes) or len(sure) > 2:
        return None
    return [_moved(*sure)] if _is_move(sure) else sure


def _beside(changed: NDArray[np.bool_], touched: Sequence[Sequence[Line]]) -> float:
    """The share of the image that changed beside all the lines."""
    left = changed.copy()
    for line in (of for each in touched for of in each):
        left[_slices(changed.shape, _grown(line.box, changed.shape))] = False
    return float(left.mean())


def _grown(box: Box, shape: tuple[int, ...]) -> Box:
    """The box with room around it."""
    height = min(box[3] - box[1], (box[2] - box[0]) * shape[1] / shape[0])
    up, aside = ROOM * height, ROOM * height * shape[0] / shape[1]
    return box[0] - aside, box[1] - up, box[2] + aside, box[3] + up


def _slices(shape: tuple[int, ...], box: Box) -> tuple[slice, slice]:
    high, wide = shape[:2]
    left, right = (min(max(0, round(of * wide)), wide) for of in (box[0], box[2]))
    top, bottom = (min(max(0, round(of * high)), high) for of in (box[1], box[3]))
    return slice(top, max(bottom, top + 1)), slice(left, max(right, left + 1))


def _share(changed: NDArray[np.bool_], box: Box) -> float:
    inside = changed[_slices(changed.shape, box)]
    return float(inside.mean()) if inside.size else 0.0


def _places(before: Sequence[Line], after: Sequence[Line]) -> list[_Group]:
    """Lines that stand together: those of both images whose boxes overlap, and their neighbours."""
    every = [(of, 0) for of in before] + [(of, 1) for of in after]
    group = list(range(len(every)))
    for first, (a, side) in enumerate(every):
        for second, (b, other) in enumerate(every):
            if first < second and (
                _overlap(a.box, b.box) > OVERLAP if side != other else _are_neighbours(a.box, b.box)
            ):
                old, new = group[second], group[first]
                group = [new if of == old else of for of in group]
    return [
        _Group(
            *(
                _ordered([line for (line, at), of in zip(every, group, strict=True)
                          if of == number and at == side])
                for side in (0, 1)
            )
        )
        for number in dict.fromkeys(group)
    ]  # fmt: skip


def _ordered(lines: Sequence[Line]) -> tuple[Line, ...]:
    """From the top, and from the left in a row: lines whose middles lie within one another."""
    rows: list[list[Line]] = []
    for line in sorted(lines, key=lambda of: of.box[1] + of.box[3]):
        middle = (line.box[1] + line.box[3]) / 2
        if rows and middle < rows[-1][0].box[3]:
            rows[-1].append(line)
        else:
            rows.append([line])
    return tuple(line for row in rows for line in sorted(row, key=lambda of: of.box[0]))


def _overlap(a: Box, b: Box) -> float:
    wide = min(a[2], b[2]) - max(a[0], b[0])
    high = min(a[3], b[3]) - max(a[1], b[1])
    least = min((of[2] - of[0]) * (of[3] - of[1]) for of in (a, b))
    return wide * high / least if wide > 0 and high > 0 and least > 0 else 0.0


def _are_neighbours(a: Box, b: Box) -> bool:
    """Whether two lines are of one text: one below the other, about as high."""
    heights = a[3] - a[1], b[3] - b[1]
    if max(heights) > 1.4 * min(heights):
        return False
    gap = max(a[1], b[1]) - min(a[3], b[3])
    return -0.3 * max(heights) < gap < 0.9 * max(heights) and min(a[2], b[2]) > max(a[0], b[0])


def _change(
    place: _Group, before: Pixels, after: Pixels, lines: tuple[Sequence[Line], Sequence[Line]]
) -> Change | None:
    """What happened in a place; None where it cannot be said with certainty."""
    if not all(map(_is_readable, (place.before, place.after))):
        return None
    old, new = _text(place.before), _text(place.after)
    if old is not None and _count(old, lines[0]) != 1:
        return None
    if old is None or new is None:
        return _new(place, before, after) if old is None else _gone(place, before, after)
    if plain(old) != plain(new):
        return Change("text.replace", old=old, new=new)
    return _recoloured(place, before, after, new) if old == new else None


def _new(place: _Group, before: Pixels, after: Pixels) -> Change | None:
    """A text where none was."""
    added = Change("text.add", new=_text(place.after), place=_place(place.after))
    return added if _is_empty(before, after, place.after) else None


def _gone(place: _Group, before: Pixels, after: Pixels) -> Change | None:
    """No text where there was one."""
    removed = Change("text.remove", old=_text(place.before), place=_place(place.before))
    return removed if _is_empty(after, before, place.before) else None


def _is_readable(lines: Sequence[Line]) -> bool:
    """Whether it is certain what lines say together; no quotation mark is among their signs."""
    if len(lines) > LEGIBLE or sum(len(of.text) for of in lines) > LONGEST:
        return False
    return all(map(_is_certain, lines)) and _is_in_order(lines)


def _is_in_order(lines: Sequence[Line]) -> bool:
    """Whether it is plain how lines follow: each below the other, or beside it at its height."""
    for first, second in pairwise(lines):
        high = min(of.box[3] - of.box[1] for of in (first, second))
        is_below = second.box[1] > first.box[3] - MINGLED * high
        is_beside = abs(second.box[1] - first.box[1]) < MINGLED * high
        if not (is_below or (is_beside and second.box[0] > first.box[2] - MINGLED * high)):
            return False
    return True


def _text(lines: Sequence[Line]) -> str | None:
    """Lines as one text; Chinese has no spaces between."""
    if not lines:
        return None
    text = lines[0].text
    for first, second in pairwise(lines):
        is_spaced = first.text[-1:].isascii() or second.text[:1].isascii()
        text += (" " if is_spaced else "") + second.text
    return text


def _count(text: str, lines: Sequence[Line]) -> int:
    """How often a text stands in an image."""
    return max(1, "".join(plain(of.text) for of in lines).count(plain(text)))


def _is_empty(rgb: Pixels, other: Pixels, lines: Sequence[Line]) -> bool:
    """Whether there is hardly a stroke where the other image has lines: no text unread."""
    for line in lines:
        places = [of[_slices(of.shape, line.box)] for of in (rgb, other)]
        edges = [_edges(of) for of in places]
        if edges[0] > 0.5 * edges[1]:
            return False
    return True


def _edges(rgb: Pixels) -> float:
    grey = cv2.cvtColor(rgb, cv2.COLOR_RGB2GRAY)
    return float(np.abs(cv2.Laplacian(grey, cv2.CV_32F)).mean())


def _place(lines: Sequence[Line]) -> Place:
    """Where lines stand: the thirds of the image's width and height that their middle is in."""
    box = _hull(lines)
    across, down = ((box[of] + box[of + 2]) / 2 for of in (0, 1))
    return (
        "left" if across < 1 / 3 else "right" if across > 2 / 3 else "middle",
        "top" if down < 1 / 3 else "bottom" if down > 2 / 3 else "middle",
    )


def _is_move(changes: Sequence[Change]) -> bool:
    """Whether a text was taken away in one place and stands in another."""
    kinds = sorted(of.operation for of in changes)
    if kinds != ["text.add", "text.remove"]:
        return False
    added, removed = sorted(changes, key=lambda of: of.operation)
    return added.new == removed.old and added.place != removed.place


def _moved(first: Change, second: Change) -> Change:
    added = first if first.operation == "text.add" else second
    return Change("layout.move", old=added.new, new=added.new, place=added.place)


def _is_certain(line: Line) -> bool:
    """Whether a line says that; a magnifying glass is read as a Q."""
    letters = plain(line.text)
    least = FEW if letters.isdecimal() or not letters.isascii() else LETTERS
    return line.score >= CERTAIN and len(letters) >= least and is_legible(line.text)


def _recoloured(place: _Group, before: Pixels, after: Pixels, text: str) -> Change | None:
    """The same text in another colour on the same ground."""
    boxes = [_hull(of) for of in (place.before, place.after)]
    if _overlap(*boxes) < 0.8:
        return None
    inks = [_ink(of, box) for of, box in zip((before, after), boxes, strict=True)]
    if inks[0] is None or inks[1] is None:
        return None
    names = [nearest(of) for of in inks if of]
    if names[0].english == names[1].english:
        return None
    return Change("text.recolour", old=text, new=text, colour=names[1])


def _hull(lines: Sequence[Line]) -> Box:
    return (
        min(of.box[0] for of in lines),
        min(of.box[1] for of in lines),
        max(of.box[2] for of in lines),
        max(of.box[3] for of in lines),
    )


def _ink(rgb: Pixels, box: Box) -> tuple[int, int, int] | None:
    """The colour of the strokes in a box on a plain ground; None where they have none."""
    inside = rgb[_slices(rgb.shape, box)].reshape(-1, 3)
    rim = _rim(rgb, box)
    away = np.abs(inside.astype(np.float32) - rim).max(axis=1)
    if float(away.max(initial=0)) < 60:
        return None
    strokes = inside[away > 0.8 * np.percentile(away, 99)]
    if len(strokes) < 12 or float(strokes.std(axis=0).max()) > 30:
        return None
    red, green, blue = (int(of) for of in np.median(strokes, axis=0))
    return red, green, blue


def _rim(rgb: Pixels, box: Box) -> Field:
    """The colour around a box."""
    inside = rgb[_slices(rgb.shape, _grown(box, rgb.shape))]
    rim = np.concatenate([inside[0], inside[-1], inside[:, 0], inside[:, -1]])
    return np.asarray(np.median(rim, axis=0), np.float32)
