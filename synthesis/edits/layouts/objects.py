"""Icons, images and other marks of a layout removed, added, replaced or moved."""

from collections.abc import Iterator
from dataclasses import replace
from random import Random

from synthesis.description import Name
from synthesis.edits.edit import Change
from synthesis.edits.layouts import marks, names, places, texts
from synthesis.edits.layouts.layout import Item, Layout
from synthesis.edits.steps import Step
from synthesis.job import Job
from synthesis.template import art
from synthesis.template.boxes import Box
from synthesis.template.expanding import Part
from synthesis.unrenderable import UnrenderableError

OBJECTS = frozenset({"icon", "search", "art", "seal", "avatar", "stars", "arrow", "barcode", "map"})
REPLACED = frozenset({"icon", "art"})
MOVED = frozenset({"icon", "search", "seal", "avatar", "stars", "arrow", "barcode"})
_AT_EDGE = 1.0  # pixels
_LARGEST = 0.45  # of the canvas: what is larger is the image itself


def remove_object(random: Random, layout: Layout, job: Job) -> Step[Layout]:
    """A mark gone: what lies under it shows."""
    for number, item, name in _removable(random, layout):
        without = layout.with_item(number, replace(item, shown=False))
        change = Change("object.remove", thing=name)
        return Step(layout, without, change, (marks.extent(layout, number),))
    raise UnrenderableError("no_object", layout.filling.loaded.stem)


def add_object(random: Random, layout: Layout, job: Job) -> Step[Layout]:
    """A mark where there was none: what ``remove_object`` does, from the end."""
    for number, item, _ in _removable(random, layout):
        without, box = (
            layout.with_item(number, replace(item, shown=False)),
            marks.extent(layout, number),
        )
        place = texts.beside(layout, box) or texts.middle_of(layout, box)
        change = Change("object.add", thing=names.named(item.part), place=place)
        return Step(without, layout, change, (box,))
    raise UnrenderableError("no_object", layout.filling.loaded.stem)


def replace_object(random: Random, layout: Layout, job: Job) -> Step[Layout]:
    """Another icon or another image in the same place."""
    for number, item, name in _objects(random, layout, REPLACED):
        part, other = _another(random, item.part)
        after = layout.with_item(number, replace(item, part=part))
        change = Change("object.replace", thing=name, other=other)
        areas = (marks.extent(layout, number), marks.extent(after, number))
        return Step(layout, after, change, areas)
    raise UnrenderableError("no_object", layout.filling.loaded.stem)


def move_object(random: Random, layout: Layout, job: Job) -> Step[Layout]:
    """A mark at a free place elsewhere."""
    for number, item, name in _objects(random, layout, MOVED):
        moved = places.moved(random, layout, number, [item.part.ink])
        if moved is None:
            continue
        after, place = moved
        change = Change("object.move", thing=name, place=place)
        areas = (marks.extent(layout, number), marks.extent(after, number))
        return Step(layout, after, change, areas)
    raise UnrenderableError("no_free_place", layout.filling.loaded.stem)


def _objects(
    random: Random, layout: Layout, shapes: frozenset[str]
) -> Iterator[tuple[int, Item, Name]]:
    """The marks of those shapes that stand free and are not all of the image."""
    width, height = layout.filling.size
    for number, item, name in marks.of(random, layout, shapes):
        small = item.box.width * item.box.height <= _LARGEST * width * height
        if small and marks.is_free(layout, number):
            yield number, item, name


def _removable(random: Random, layout: Layout) -> Iterator[tuple[int, Item, Name]]:
    """The marks that can go without a trace: to none of them belongs a border that would stay."""
    for number, item, name in _objects(random, layout, OBJECTS):
        if not any(_meet(item.box, layout.items[up].box) for up in _bordered(layout, number)):
            yield number, item, name


def _bordered(layout: Layout, number: int) -> Iterator[int]:
    """The numbers of the parts with a border that an item is in."""
    for up in range(1, number):
        if number in layout.below(up) and layout.items[up].part.border:
            yield up


def _meet(box: Box, frame: Box) -> bool:
    """Whether a box reaches the edge of the frame that it is in."""
    near = (box.left - frame.left, box.top - frame.top)
    far = (near[0] + box.width - frame.width, near[1] + box.height - frame.height)
    return min(*near, -far[0], -far[1]) < _AT_EDGE


def _another(random: Random, part: Part) -> tuple[Part, Name]:
    """The part with another icon or another image, and what that is called."""
    is_art, before = part.node.shape == "art", names.named(part)
    known = names.ARTS if is_art else names.ICONS
    alike = {key for those in names.LOOKALIKES for key in those if _holds(those, before)}
    keys = [key for key in known if known[key] != before and key not in alike]
    if is_art:
        keys = [key for key in keys if key in art.DRAWN]
    key = random.choice(sorted(keys))
    node = part.node.model_copy(update={"name": key})
    return replace(part, node=node, data=None), known[key]


def _holds(keys: set[str], name: Name | None) -> bool:
    return any(name in {names.ICONS.get(key), names.ARTS.get(key)} for key in keys)
