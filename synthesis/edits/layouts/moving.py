"""Texts of a layout moved to a free place, and entries that change places."""

from collections.abc import Iterator
from dataclasses import replace
from random import Random

from synthesis.description import Name
from synthesis.edits import naming
from synthesis.edits.edit import Change
from synthesis.edits.layouts import marks, places, texts
from synthesis.edits.layouts.layout import Layout
from synthesis.edits.steps import Step
from synthesis.fonts.face import Extents
from synthesis.job import Job
from synthesis.unrenderable import UnrenderableError

_TRIES = 12  # pairs of entries
_STRIP = 4.0  # times as wide as high: what is wider is a row and no card
_SAME = 0.51  # pixels: boxes of one size differ by less
CARD = Name("card", "卡片")
ENTRY = Name("entry", "条目")
PANEL = Name("comic panel", "漫画格")


def move_text(random: Random, layout: Layout, job: Job) -> Step[Layout]:
    """A text at a free place elsewhere, as it is."""
    for number, item, called in texts.nameable(random, layout):
        if called.place is not None or marks.is_visible(item):
            continue
        moved = places.moved(random, layout, number, [item.part.ink])
        if moved is None:
            continue
        after, place = moved
        change = Change("layout.move", called.old, None, called.thing, place=place)
        areas = (texts.box_of(layout, number), texts.box_of(after, number))
        return Step(layout, after, change, areas)
    raise UnrenderableError("no_free_place", layout.filling.loaded.stem)


def swap_entries(random: Random, layout: Layout, job: Job) -> Step[Layout]:
    """Two entries of one list exchanged: whole where they are of one size, else their texts."""
    for first, second in _pairs(random, layout):
        swap = _blocks if layout.items[first].text is None else _texts
        step = swap(layout, first, second)
        if step is not None:
            return step
    raise UnrenderableError("nothing_to_swap", layout.filling.loaded.stem)


def entries(layout: Layout) -> list[list[int]]:
    """The numbers of what one node came to: parts of a list, or texts that are set alike."""
    by_node: dict[int, list[int]] = {}
    for number, item in enumerate(layout.items):
        if item.shown and (item.text or (item.part.node.each and _texts_below(layout, number))):
            by_node.setdefault(id(item.part.node), []).append(number)
    return [numbers for numbers in by_node.values() if len(numbers) > 1]


def _pairs(random: Random, layout: Layout) -> Iterator[tuple[int, int]]:
    """Pairs of entries of the same node: parts of a list, or texts that are set alike."""
    lists = entries(layout)
    for _ in range(_TRIES if lists else 0):
        first, second = sorted(random.sample(random.choice(lists), 2))
        yield first, second


def _texts_below(layout: Layout, number: int) -> list[int]:
    """The numbers of the texts of a part that stand in it: none that was moved away."""
    texts = [(other, layout.items[other].text) for other in layout.below(number)]
    return [other for other, text in texts if text and _stands_in(layout, number, text.box)]


def _stands_in(layout: Layout, number: int, box: Extents) -> bool:
    """Whether the middle of a box lies in an item's."""
    (left, top, width, height), (across, down) = layout.items[number].box, _middle(box)
    return left <= across <= left + width and top <= down <= top + height


def _middle(box: Extents) -> tuple[float, float]:
    return (box[0] + box[2]) / 2, (box[1] + box[3]) / 2


def is_whole(layout: Layout, number: int) -> bool:
    """Whether earlier edits moved nothing out of a part, and nothing from elsewhere onto it."""
    below = layout.below(number)
    moved = [
        (other, marks.extent(layout, other))
        for other, item in enumerate(layout.items)
        if item.shown and item.raised and (item.text or item.part.node.shape)
    ]
    return all((other in below) == _stands_in(layout, number, box) for other, box in moved)


def is_row(layout: Layout, number: int) -> bool:
    """Whether a part is a strip of several texts: to quote one of them would not name it."""
    box = layout.items[number].box
    return box.width > _STRIP * box.height and len(_texts_below(layout, number)) > 1


def _blocks(layout: Layout, first: int, second: int) -> Step[Layout] | None:
    """Two entries with all that is below them, in each other's places."""
    names = text_of(layout, first), text_of(layout, second)
    if not are_alike(layout, first, second) or names[0] is None or names[1] is None:
        return None
    dx, dy = way(layout, first, second)
    after = places.shifted(places.shifted(layout, first, dx, dy), second, -dx, -dy)
    areas = [places.bounds(of, number) for of in (layout, after) for number in (first, second)]
    thing = block_name(layout, first)
    return Step(layout, after, Change("layout.swap", *names, thing, thing), areas)


def are_alike(layout: Layout, first: int, second: int) -> bool:
    """Whether two entries, still whole, would look the same in each other's places."""
    left, right = layout.items[first], layout.items[second]
    alike = abs(left.box.width - right.box.width) < _SAME
    alike &= abs(left.box.height - right.box.height) < _SAME
    alike &= bool(left.part.fill) or left.part.grounds == right.part.grounds
    return alike and is_whole(layout, first) and is_whole(layout, second)


def way(layout: Layout, first: int, second: int) -> tuple[int, int]:
    """How far it is from one entry to another, across and down, in whole pixels."""
    here, there = layout.items[first].box, layout.items[second].box
    return round(there.left - here.left), round(there.top - here.top)


def block_name(layout: Layout, number: int) -> Name:
    """What a part of a layout is called: a card, a panel of a comic, or any entry."""
    item = layout.items[number]
    if any(layout.items[other].part.node.shape == "balloon" for other in layout.below(number)):
        return PANEL
    node, several = item.part.node, len(_texts_below(layout, number)) > 1
    is_card = several and item.box.width <= _STRIP * item.box.height
    is_card &= bool(item.part.fill) and bool(node.round or node.shadow or node.entry)
    return CARD if is_card else ENTRY


def text_of(layout: Layout, number: int) -> str | None:
    """The first text of an entry that can be quoted and stands once; ``None``: none does."""
    known = [item.part.text for _, item, _ in layout.texts()]
    for other in _texts_below(layout, number):
        text = layout.items[other].part.text
        if naming.stands_once(text, known, layout.language):
            return text
    return None


def _texts(layout: Layout, first: int, second: int) -> Step[Layout] | None:
    """Two texts that are set alike, each in the other's slot."""
    left, right = layout.items[first], layout.items[second]
    known = [item.part.text for _, item, _ in layout.texts()]
    if left.part.style != right.part.style or left.part.text == right.part.text:
        return None
    for item in (left, right):
        if not naming.stands_once(item.part.text, known, layout.language):
            return None
    empty = layout.with_item(second, replace(right, text=None))
    after = texts.with_text(empty, first, right.part.text, layout.setter)
    after = after and texts.with_text(after, second, left.part.text, layout.setter)
    if after is None:
        return None
    areas = [texts.box_of(of, number) for of in (layout, after) for number in (first, second)]
    role = texts.role_of(layout, first)
    change = Change("layout.swap", left.part.text, right.part.text, role, role)
    return Step(layout, after, change, areas)
