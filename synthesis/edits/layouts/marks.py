"""Marks of a layout - icons, images, seals, charts - that an edit can name and that stand free."""

from collections.abc import Iterator
from random import Random

from synthesis.captions.places import cell
from synthesis.description import Name, Words
from synthesis.edits.layouts import names, texts
from synthesis.edits.layouts.layout import Item, Layout
from synthesis.fonts.face import Extents
from synthesis.template import icons, laying, shapes
from synthesis.template.boxes import Box
from synthesis.template.brushes import whole_pixels

_SHADOW = 1.6  # units that a shadow reaches beyond its box
_STROKE = 1.2  # units that strokes of shapes reach beyond their box, at most
_REACHING = frozenset({"lines", "balloon", "bars", "gauge", "donut", "pie", "slider"})


def extent(layout: Layout, number: int) -> Extents:
    """The bounds of what an item paints, in pixels, with its text but without those below it."""
    item = layout.items[number]
    if item.part.node.shape in {"icon", "search"}:
        return icons.bounds(shapes.icon_of(item.part), Box(*whole_pixels(item.box)))
    left, top, width, height = item.box
    unit = laying.unit_of(layout.filling.size)
    reach = _SHADOW * unit if item.part.node.shadow else 0.0
    reach = max(reach, _STROKE * unit if item.part.node.shape in _REACHING else 0.0)
    box = (left - reach, top - reach, left + width + reach, top + height + reach)
    if item.text is None:
        return box
    if not is_visible(item):
        return item.text.box
    return union(box, item.text.box)


def union(box: Extents, other: Extents) -> Extents:
    """The bounds of both boxes."""
    pairs = list(zip(box, other, strict=True))
    return (min(pairs[0]), min(pairs[1]), max(pairs[2]), max(pairs[3]))


def is_visible(item: Item) -> bool:
    """Whether an item paints something beside its text."""
    part = item.part
    return bool(part.node.shape or part.fill or part.border or part.node.shadow)


def is_free(layout: Layout, number: int) -> bool:
    """Whether nothing is painted over an item's box but what is below it."""
    box = extent(layout, number)
    later = [
        extent(layout, other)
        for other in range(layout.items[number].end, len(layout.items))
        if layout.items[other].shown
        and (is_visible(layout.items[other]) or layout.items[other].text)
    ]
    inks = [text.box for other, _, text in layout.texts() if other not in layout.below(number)]
    return not laying.meets(box, [*later, *inks])


def of(random: Random, layout: Layout, wanted: frozenset[str]) -> Iterator[tuple[int, Item, Name]]:
    """The marks of those shapes that can be named, by their numbers, in an order of chance."""
    marks = [
        (number, item, name)
        for number, item in enumerate(layout.items)
        if item.shown and (name := names.named(item.part)) is not None
    ]
    chosen = [mark for mark in marks if mark[1].part.node.shape in wanted]
    for number, item, name in random.sample(chosen, len(chosen)):
        alike = [
            other for other, of, called in marks if other != number and _is_alike(called, name)
        ]
        if unique := _unique(layout, number, name, alike):
            yield number, item, unique


def _is_alike(name: Name, other: Name) -> bool:
    return name.english in other.english or name.chinese in other.chinese


def _unique(layout: Layout, number: int, name: Name, alike: list[int]) -> Name | None:
    """A name that only that mark has: the plain one, or one with its place."""
    if not alike:
        return name
    here = texts.beside(layout, extent(layout, number))
    others = [texts.beside(layout, extent(layout, other)) for other in alike]
    if here is not None and here not in others:
        return placed(name, here)
    own = _cell(layout, number)
    if any(_cell(layout, other) == own for other in alike):
        return None
    return placed(name, texts.middle_of(layout, extent(layout, number)))


def placed(name: Name, place: Name) -> Name:
    """A name with its place: ``heart icon at the top``."""
    return Name(f"{name.english} {place.english}", f"{place.chinese}的{name.chinese}")


def _cell(layout: Layout, number: int) -> tuple[int, int]:
    left, top, right, bottom = extent(layout, number)
    width, height = layout.filling.size
    return cell(Words("", "", None, (left + right) / 2 / width, (top + bottom) / 2 / height))
