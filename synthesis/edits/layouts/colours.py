"""Other colours for the ground of a layout, and for its cards, buttons, icons and charts."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from functools import partial
from random import Random

from curation.picture.colours import RGB, Colour, contrast_ratio, nearest
from synthesis.description import Name
from synthesis.edits import colouring
from synthesis.edits.edit import Change
from synthesis.edits.layouts import marks, moving, places
from synthesis.edits.layouts.layout import Item, Layout
from synthesis.edits.masks import differing
from synthesis.edits.steps import Step
from synthesis.job import Job
from synthesis.template.colouring import LEAST_CONTRAST
from synthesis.unrenderable import UnrenderableError

_LEAST_GROUND = 0.2  # of the canvas: less is hardly a background
_PANEL = 0.2  # of the canvas: so large a box at an edge is a background, too
_AREAS = (0.002, 0.6)  # of the canvas: least and most of what is coloured anew
_LEAST_OF_SHAPES = 2.4  # contrast of a mark with what is under it
_OF_MARKS = 3.0  # the same, of a new colour
_INKED = frozenset(
    {"icon", "search", "seal", "stars", "bars", "lines", "gauge", "progress", "slider", "arrow"}
)
_BUTTON = Name("button", "按钮")
_BOX = Name("box", "色块")
_BALLOON = Name("speech bubble", "对话气泡")


def recolour_ground(random: Random, layout: Layout, job: Job) -> Step[Layout]:
    """The canvas in another colour; what stands on it stays as it is."""
    root, was = layout.items[0], layout.ground
    if len(root.part.fill) > 1:
        raise UnrenderableError("shaded_ground", layout.filling.loaded.stem)
    if any(_is_panel(layout, item) for item in layout.items[1:]):
        raise UnrenderableError("several_grounds", layout.filling.loaded.stem)
    standing = [  # what was moved may stand on the canvas, whatever it stood on before
        item.part
        for item in layout.items[1:]
        if item.raised or item.part.grounds == root.part.grounds
    ]
    inks = [part.ink for part in standing if part.text]
    marked = [part.ink for part in standing if part.kind == "shape" and part.node.shape != "art"]
    marked = [ink for ink in marked if contrast_ratio(ink, was) >= _LEAST_OF_SHAPES]

    def suits(rgb: RGB) -> bool:
        grounds = _tinted(layout, rgb)
        return (
            all(contrast_ratio(ink, of) >= LEAST_CONTRAST for ink in inks for of in grounds)
            and all(contrast_ratio(ink, of) >= _LEAST_OF_SHAPES for ink in marked for of in grounds)
            and len({nearest(of) for of in grounds}) == 1
        )

    colour = colouring.chosen(random, was, suits, colouring.GROUNDS_APART)
    if colour is None:
        raise UnrenderableError("no_colour", layout.filling.loaded.stem)
    part = replace(root.part, fill=(colour.rgb,), grounds=tuple(_tinted(layout, colour.rgb)))
    items = {
        number: replace(item, part=replace(item.part, grounds=part.grounds))
        for number, item in enumerate(layout.items)
        if item.part.grounds == root.part.grounds and item.part.kind != "shape"
    }
    after = layout.with_items({**items, 0: replace(root, part=part)})
    if differing(layout.pixels, after.pixels).mean() < _LEAST_GROUND:
        raise UnrenderableError("hardly_seen", layout.filling.loaded.stem)
    before = {nearest(of) for of in _tinted(layout, was)}
    name = before.pop() if len(before) == 1 else None
    return Step(layout, after, Change("background.recolour", colour=colour, was=name))


def _is_panel(layout: Layout, item: Item) -> bool:
    """Whether an item could be taken for a part of the background: large, and at an edge."""
    (left, top, wide, tall), (width, height) = item.box, layout.filling.size
    at_edge = left < 1 or top < 1 or left + wide > width - 1 or top + tall > height - 1
    plain = bool(item.part.fill) and item.part.node.shape in {None, "fill"} and item.shown
    return plain and at_edge and wide * tall >= _PANEL * width * height


def _tinted(layout: Layout, ground: RGB) -> list[RGB]:
    """A ground, and what forms under the layout make of it."""
    backdrop = layout.filling.backdrop
    return [ground, backdrop.tinted(ground)] if backdrop else [ground]


def recolour_thing(random: Random, layout: Layout, job: Job) -> Step[Layout]:
    """A card, a button, an icon or a chart in another colour."""
    ways = [_recoloured_surfaces, _recoloured_marks]
    random.shuffle(ways)
    for way in ways:
        for step in way(random, layout):
            return step
    raise UnrenderableError("no_colour", layout.filling.loaded.stem)


def _recoloured_surfaces(random: Random, layout: Layout) -> Iterator[Step[Layout]]:
    numbers = [
        number
        for number, item in enumerate(layout.items)
        if _is_surface(layout, item)
        and moving.is_whole(layout, number)
        and not moving.is_row(layout, number)
    ]
    for number in random.sample(numbers, len(numbers)):
        item = layout.items[number]
        quoted = moving.text_of(layout, number)
        (was,) = item.part.fill
        inks = _standing(layout, number)
        colour = colouring.chosen(random, was, partial(_shows, inks), colouring.GROUNDS_APART)
        if quoted is None or colour is None:
            continue
        below = {
            other: _on(layout.items[other], item.part.fill, colour)
            for other in layout.below(number)
            if layout.items[other].part.grounds == item.part.fill
        }
        part = replace(item.part, fill=(colour.rgb,), grounds=(colour.rgb,))
        after = layout.with_items({**below, number: replace(item, part=part)})
        change = Change(
            *("attribute.colour", quoted, None, _surface(layout, number)),
            colour=colour,
            was=nearest(was),
        )
        yield Step(layout, after, change, (marks.extent(layout, number),))


def _is_surface(layout: Layout, item: Item) -> bool:
    """Whether an item has one plain colour of its own, neither too small nor nearly everything."""
    part, (width, height) = item.part, layout.filling.size
    share = item.box.width * item.box.height / (width * height)
    plain = len(part.fill) == 1 and part.node.shape in {None, "balloon"} and item.shown
    return plain and item is not layout.items[0] and _AREAS[0] <= share <= _AREAS[1]


def _standing(layout: Layout, number: int) -> list[tuple[RGB, float]]:
    """The inks that stand on an item's surface, each with the least contrast it must have."""
    fill = layout.items[number].part.fill
    inks = []
    for other in layout.below(number):
        part = layout.items[other].part
        if part.grounds == fill and (part.text or part.kind == "shape"):
            inks.append((part.ink, LEAST_CONTRAST if part.text else _LEAST_OF_SHAPES))
    return inks


def _shows(inks: Sequence[tuple[RGB, float]], rgb: RGB) -> bool:
    return all(contrast_ratio(ink, rgb) >= least for ink, least in inks)


def _on(item: Item, fill: tuple[RGB, ...], colour: Colour) -> Item:
    """An item that stands on a surface of another colour: a shape is painted as it was."""
    if item.part.kind == "shape":
        return item
    return replace(item, part=replace(item.part, grounds=(colour.rgb,)))


def _surface(layout: Layout, number: int) -> Name:
    """What a coloured box is called."""
    part = layout.items[number].part
    if part.node.shape == "balloon":
        return _BALLOON
    if part.text:
        return _BUTTON if part.node.role == "button" else _BOX
    named = moving.block_name(layout, number)
    return _BOX if named == moving.ENTRY else named


def _recoloured_marks(random: Random, layout: Layout) -> Iterator[Step[Layout]]:
    for number, item, name in marks.of(random, layout, _INKED):
        if item.part.node.name == "coloured" or not marks.is_free(layout, number):
            continue
        colour = colouring.other(random, item.part.ink, item.part.grounds, _OF_MARKS)
        if colour is None:
            continue
        part = replace(item.part, ink=colour.rgb)
        after = layout.with_item(number, replace(item, part=part))
        change = Change("attribute.colour", thing=name, colour=colour)
        yield Step(layout, after, change, (places.bounds(layout, number),))
