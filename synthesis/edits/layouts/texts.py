"""Texts of a layout replaced, added, removed or recoloured: nothing else moves."""

from collections.abc import Iterator
from dataclasses import replace
from random import Random

from synthesis.description import Words
from synthesis.edits import naming
from synthesis.edits.edit import Change
from synthesis.edits.layouts.layout import Item, Layout
from synthesis.edits.naming import LONGEST, Called
from synthesis.edits.steps import Step
from synthesis.job import Job
from synthesis.template import filled, laying
from synthesis.template.expanding import Part
from synthesis.template.typeset import Overflow, SetText
from synthesis.unrenderable import UnrenderableError

_TRIES = 8  # texts of an image that are tried
_UNQUOTED = '\n“”"「」『』'
_ELSEWHERE = 3  # times that the template is filled anew for other texts


def replace_text(random: Random, layout: Layout, job: Job) -> Step[Layout]:
    """Another text of the same slot, as other contents of the template have it."""
    others = _other_texts(random, layout, job)
    for number, called in nameable(random, layout):
        item = layout.items[number]
        for new in others.get(id(item.part.node), ()):
            text = fitting(layout, number, new)
            if (
                text
                and item.text
                and new != called.old
                and _is_number(new) == _is_number(called.old)
            ):
                after = layout.with_item(number, with_text(item, new, text))
                change = Change("text.replace", called.old, new, called.thing, place=called.place)
                return Step(layout, after, change, (item.text.box, text.box))
    raise UnrenderableError("nothing_to_replace", layout.filling.loaded.stem)


def nameable(random: Random, layout: Layout) -> Iterator[tuple[int, Called]]:
    """Some of the texts that an instruction can name, by their numbers, in an order of chance."""
    words = words_of(layout)
    numbers = [number for number in words if is_short(words[number].text, layout.language)]
    for number in random.sample(numbers, min(_TRIES, len(numbers))):
        rest = [those for other, those in words.items() if other != number]
        if called := naming.called(words[number], rest):
            yield number, called


def words_of(layout: Layout) -> dict[int, Words]:
    """The texts as they stand in the image, by the numbers of their items."""
    return {
        number: filled.words_of(item.part, text, layout.filling.size)
        for number, item, text in layout.texts()
    }


def is_short(text: str, language: str) -> bool:
    """Whether a text can be quoted whole."""
    return 1 < len(text) <= LONGEST[language] and not any(mark in text for mark in _UNQUOTED)


def fitting(layout: Layout, number: int, text: str) -> SetText | None:
    """A text in an item's slot, at its scale and in its face; ``None`` where it does not fit."""
    item, style = layout.items[number], layout.items[number].part.style
    if style is None:
        return None
    try:
        extent = layout.setter.measure(text, style, item.part.align, item.inner.width)
        made = laying.set_in(layout.setter, item.part, style, text, item.inner)
    except (Overflow, UnrenderableError):
        return None
    fits = extent.height <= item.inner.height + 1
    fits = fits and laying.stays_in(made, item.inner, layout.filling.size)
    return made if fits and not laying.meets(made.box, layout.others(number)) else None


def with_text(item: Item, text: str, made: SetText) -> Item:
    """The item with another text."""
    return replace(item, part=replace(item.part, text=text), text=made)


def _is_number(text: str) -> bool:
    return any(character.isdigit() for character in text)


def _other_texts(random: Random, layout: Layout, job: Job) -> dict[int, list[str]]:
    """By the identity of a node what stands in its slot where other contents fill the template."""
    texts: dict[int, list[str]] = {}
    for _ in range(_ELSEWHERE):
        record = filled.record_of(random, job, layout.filling.loaded)
        other = replace(layout.filling, record=record, seed=random.getrandbits(64))
        for part in _parts(laying.expanded(other, layout.language, 1.0)):
            if part.text and is_short(part.text, layout.language):
                texts.setdefault(id(part.node), []).append(part.text)
    return texts


def _parts(part: Part) -> Iterator[Part]:
    yield part
    for child in part.children:
        yield from _parts(child)
