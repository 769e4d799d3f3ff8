"""Blocks of a layout moved, cards and other entries with all in them.

Where a layout is full, one of its entries is taken out before, and another moves to that place.
"""

from collections.abc import Iterator
from itertools import permutations
from random import Random

from curation.picture.colours import RGB
from synthesis.description import Name
from synthesis.edits.edit import Change
from synthesis.edits.layouts import marks, moving, places
from synthesis.edits.layouts.layout import Layout
from synthesis.edits.steps import Step
from synthesis.job import Job
from synthesis.template import laying

_SHARE = 0.7  # of moves: those that try a block before a text
_TRIES = 24  # pairs of entries
_LARGEST = 0.3  # of the canvas: what is larger is the image itself


def move_block(random: Random, layout: Layout, job: Job) -> Step[Layout]:
    """A card, an entry or a text at a free place elsewhere, as it is."""
    if random.random() < _SHARE:
        for step in _to_gaps(random, layout):
            return step
        for number, name, quoted in _blocks(random, layout):
            moved = places.moved(random, layout, number, _inks(layout, number))
            if moved is None:
                continue
            after, place = moved
            change = Change("layout.move", quoted, None, name, place=place)
            areas = (places.bounds(layout, number), places.bounds(after, number))
            return Step(layout, after, change, areas)
    return moving.move_text(random, layout, job)


def _to_gaps(random: Random, layout: Layout) -> Iterator[Step[Layout]]:
    """Entries moved to where another like them would stand, which is left out."""
    for first, second in _pairs(random, layout):
        before = places.hidden(layout, second)
        box, (dx, dy) = places.bounds(before, first), moving.way(layout, first, second)
        place, quoted = places.towards(before, box, dx, dy), moving.text_of(before, first)
        if place is None or quoted is None or not _is_free(before, first):
            continue
        after = places.shifted(before, first, dx, dy)
        name = moving.block_name(before, first)
        change = Change("layout.move", quoted, None, name, place=place)
        yield Step(before, after, change, (box, places.bounds(after, first)))


def _pairs(random: Random, layout: Layout) -> list[tuple[int, int]]:
    """Entries that would look the same in each other's places, in an order of chance."""
    lists = [numbers for numbers in moving.entries(layout) if layout.items[numbers[0]].text is None]
    pairs = [pair for numbers in lists for pair in permutations(numbers, 2)]
    some = random.sample(pairs, min(_TRIES, len(pairs)))
    return [pair for pair in some if moving.are_alike(layout, *pair)]


def _blocks(random: Random, layout: Layout) -> Iterator[tuple[int, Name, str]]:
    """The cards that stand free and can be named by a text in them, in an order of chance."""
    numbers = range(1, len(layout.items))
    for number in random.sample(numbers, len(numbers)):
        quoted = moving.text_of(layout, number) if _is_card(layout, number) else None
        if quoted and moving.is_whole(layout, number) and _is_free(layout, number):
            yield number, moving.CARD, quoted


def _is_card(layout: Layout, number: int) -> bool:
    """Whether a part is a card, and not nearly all of the image."""
    item, (width, height) = layout.items[number], layout.filling.size
    small = item.box.width * item.box.height <= _LARGEST * width * height
    is_block = item.shown and not item.text and small
    return is_block and moving.block_name(layout, number) == moving.CARD


def _inks(layout: Layout, number: int) -> list[RGB]:
    """The inks that stand on the ground itself: none where the block brings its own."""
    if layout.items[number].part.fill:
        return []
    return [layout.items[other].part.ink for other in layout.below(number)]


def _is_free(layout: Layout, number: int) -> bool:
    """Whether nothing but what is below an item is painted over it, or beyond the canvas."""
    left, top, right, bottom = places.bounds(layout, number)
    width, height = layout.filling.size
    later = [
        marks.extent(layout, other)
        for other, item in enumerate(layout.items)
        if other >= layout.items[number].end
        and item.shown
        and (item.text or marks.is_visible(item))
    ]
    inside = left >= 0 and top >= 0 and right <= width and bottom <= height
    return inside and not laying.meets((left, top, right, bottom), later)
