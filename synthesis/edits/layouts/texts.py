"""Texts of a layout replaced, added, removed or recoloured: nothing else moves."""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from random import Random

from curation.picture.colours import nearest
from synthesis.description import Name, Words
from synthesis.edits import colouring, naming
from synthesis.edits.edit import Change
from synthesis.edits.layouts.layout import Item, Layout
from synthesis.edits.naming import Called, is_short
from synthesis.edits.steps import Step
from synthesis.fonts.face import Extents
from synthesis.job import Job
from synthesis.template import filled, laying
from synthesis.template.expanding import Part
from synthesis.template.typeset import Overflow, SetText, Typesetter
from synthesis.unrenderable import UnrenderableError

_TRIES = 8  # texts of an image that are tried
_FEW = 2  # texts in the part of the image where one is added: among more its place is not clear
_ELSEWHERE = 3  # times that the template is filled anew for other texts


def replace_text(random: Random, layout: Layout, job: Job) -> Step[Layout]:
    """Another text of the same slot, as other contents of the template have it."""
    others, known = _other_texts(random, layout, job), {of.part.text for _, of, _ in layout.texts()}
    for number, item, called in nameable(random, layout):
        for new in others.get(id(item.part.node), ()):
            if new in known or _has_digits(new) != _has_digits(called.old):
                continue
            if changed := with_text(layout, number, new, layout.setter):
                change = Change("text.replace", called.old, new, called.thing, place=called.place)
                areas = (box_of(layout, number), box_of(changed, number))
                return Step(layout, changed, change, areas)
    raise UnrenderableError("nothing_to_replace", layout.filling.loaded.stem)


def remove_text(random: Random, layout: Layout, job: Job) -> Step[Layout]:
    """A slot left empty."""
    for number, item, called in nameable(random, layout):
        change = Change("text.remove", called.old, None, called.thing, place=called.place)
        without = layout.with_item(number, replace(item, text=None))
        return Step(layout, without, change, (box_of(layout, number),))
    raise UnrenderableError("nothing_to_remove", layout.filling.loaded.stem)


def add_text(random: Random, layout: Layout, job: Job) -> Step[Layout]:
    """An empty slot filled: what ``remove_text`` does, from the end."""
    for number, item, called in nameable(random, layout):
        without = layout.with_item(number, replace(item, text=None))
        box = box_of(layout, number)
        place = beside(without, box)
        if place is None and len(_near(without, box)) > _FEW:
            continue
        place = place or middle_of(layout, box)
        change = Change("text.add", None, called.old, called.thing, place=place)
        return Step(without, layout, change, (box,))
    raise UnrenderableError("nothing_to_add", layout.filling.loaded.stem)


def recolour_text(random: Random, layout: Layout, job: Job) -> Step[Layout]:
    """A text in another ink that can be read as well."""
    for number, item, called in nameable(random, layout):
        colour = colouring.other(random, item.part.ink, item.part.grounds)
        if colour is None:
            continue
        change = Change(
            *("text.recolour", called.old, None, called.thing),
            colour=colour,
            was=nearest(item.part.ink),
            place=called.place,
        )
        part = replace(item.part, ink=colour.rgb)
        after = layout.with_item(number, replace(item, part=part))
        return Step(layout, after, change, (box_of(layout, number),))
    raise UnrenderableError("nothing_to_recolour", layout.filling.loaded.stem)


def nameable(random: Random, layout: Layout) -> Iterator[tuple[int, Item, Called]]:
    """Some of the texts that an instruction can name, by their numbers, in an order of chance."""
    words = words_of(layout)
    numbers = [number for number in words if is_short(words[number].text, layout.language)]
    for number in random.sample(numbers, min(_TRIES, len(numbers))):
        if called := called_in(random, words, number):
            yield number, layout.items[number], called


def called_in(random: Random, words: Mapping[int, Words], number: int) -> Called | None:
    """How to name one of the texts; ``None`` where no name is its alone."""
    rest = [those for other, those in words.items() if other != number]
    return naming.called(random, words[number], rest)


def words_of(layout: Layout) -> dict[int, Words]:
    """The texts as they stand in the image, by the numbers of their items."""
    return {
        number: filled.words_of(item.part, text, layout.filling.size)
        for number, item, text in layout.texts()
    }


def box_of(layout: Layout, number: int) -> Extents:
    """The box of the ink of an item's text."""
    text = layout.items[number].text
    if text is None:
        raise ValueError(f"item {number} shows no text")
    return text.box


def beside(layout: Layout, box: Extents) -> Name | None:
    """Where a box lies to the nearest of the texts that stand once."""
    texts = [(item.part.text, text.box) for _, item, text in layout.texts()]
    said = [text for text, _ in texts]
    neighbours = [
        (text, other) for text, other in texts if naming.stands_once(text, said, layout.language)
    ]
    return naming.beside(box, neighbours)


def role_of(layout: Layout, number: int) -> Name | None:
    """What the text of an item is; ``None`` where it is but the name of something."""
    return naming.role(words_of(layout)[number])


def middle_of(layout: Layout, box: Extents) -> Name:
    """Where in the image the middle of a box is."""
    width, height = layout.filling.size
    return naming.place((box[0] + box[2]) / 2 / width, (box[1] + box[3]) / 2 / height)


def _near(layout: Layout, box: Extents) -> list[int]:
    """The numbers of the texts that are in the same part of the image as a box."""
    place = middle_of(layout, box)
    return [number for number, _, text in layout.texts() if middle_of(layout, text.box) == place]


def with_text(layout: Layout, number: int, text: str, setter: Typesetter) -> Layout | None:
    """The layout with another text in an item's slot; ``None`` where it does not fit there."""
    item = layout.items[number]
    made = _fitting(layout, number, text, setter)
    if made is None:
        return None
    return layout.with_item(number, replace(item, part=replace(item.part, text=text), text=made))


def _fitting(layout: Layout, number: int, text: str, setter: Typesetter) -> SetText | None:
    part, slot = layout.items[number].part, layout.items[number].inner
    if part.style is None:
        return None
    try:
        extent = setter.measure(text, part.style, part.align, slot.width)
        made = laying.set_in(setter, part, part.style, text, slot)
    except (Overflow, UnrenderableError):
        return None
    fits = extent.height <= slot.height + 1 and laying.stays_in(made, slot, layout.filling.size)
    return made if fits and not laying.meets(made.box, layout.others(number)) else None


def _has_digits(text: str) -> bool:
    return any(character.isdigit() for character in text)


def _other_texts(random: Random, layout: Layout, job: Job) -> dict[int, list[str]]:
    """By the identity of a node what stands in its slot where other contents fill the template."""
    texts: dict[int, list[str]] = {}
    for _ in range(_ELSEWHERE):
        record = filled.record_of(random, job, layout.filling.loaded)
        other = replace(layout.filling, record=record, seed=random.getrandbits(64))
        for part in _parts(laying.expanded(other, layout.language, 1.0)):
            if is_short(part.text, layout.language):
                texts.setdefault(id(part.node), []).append(part.text)
    return texts


def _parts(part: Part) -> Iterator[Part]:
    yield part
    for child in part.children:
        yield from _parts(child)
