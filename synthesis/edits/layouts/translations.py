"""A text of a layout in the other language, in the same slot."""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from random import Random

from synthesis.corpus.translations import TextKind
from synthesis.edits import naming, translating
from synthesis.edits.layouts import texts
from synthesis.edits.layouts.layout import Item, Layout
from synthesis.edits.steps import Step
from synthesis.job import Job
from synthesis.template import faces, filled
from synthesis.template.typeset import Typesetter
from synthesis.unrenderable import UnrenderableError

KINDS: Mapping[str, str] = {  # by role of a slot what may stand there; a name or a number is none
    "title": "title",
    "headline": "headline",
    "deck": "headline",
    "teaser": "headline",
    "event": "headline",
    "subtitle": "sentence slogan",
    "tagline": "slogan",
    "slogan": "slogan",
    "quote": "slogan",
    "takeaway": "slogan",
    "kicker": "heading subject",
    "chapter": "chapter",
    "heading": "heading",
    "subheading": "heading",
    "section": "heading",
    "button": "button",
    "link": "button",
    "label": "label",
    "field": "label",
    "menu": "label",
    "tab": "label",
    "setting": "label",
    "column": "label",
    "badge": "offer status",
    "discount": "offer",
    "status": "status",
    "sky": "weather",
    "date": "date",
    "hours": "date",
    "address": "address",
    "place": "address place",
    "direction": "place",
    "dish": "dish",
    "product": "product",
    "lesson": "subject",
    "skill": "subject",
    "topic": "subject",
    "category": "subject",
    "note": "footnote",
    "warning": "package",
    "question": "question",
    "answer": "sentence",
    "description": "sentence",
    "body": "sentence",
    "footnote": "footnote",
    "caption": "title",
    "feature": "sentence",
    "item": "sentence",
    "bullet": "sentence task",
    "step": "task",
    "task": "task",
    "text": "task",
    "message": "question speech",
    "reply": "speech",
    "post": "narration speech",
    "speech": "question speech",
    "narration": "narration",
    "wish": "greeting",
    "greeting": "greeting",
}
_DISHES = "menuitem"  # entries of which a name is that of a dish


def translate_text(random: Random, layout: Layout, job: Job) -> Step[Layout]:
    """Words of the template itself, or a text of the parallel corpus in their place."""
    setter = _setter(random, layout, job)
    for number, item, _ in texts.nameable(random, layout):
        for before, new in _translations(random, layout, number, item, job):
            after = texts.with_text(before, number, new, setter)
            called = texts.called_in(random, texts.words_of(before), number)
            if after and called:
                called = called if before is layout else replace(called, thing=None)
                areas = (texts.box_of(before, number), texts.box_of(after, number))
                change = translating.change(random, job, called, new)
                return Step(before, after, change, areas)
    raise UnrenderableError("nothing_to_translate", layout.filling.loaded.stem)


def _setter(random: Random, layout: Layout, job: Job) -> Typesetter:
    """What sets texts of the other language at the same scale, in faces of the same classes."""
    orders = layout.setter.pairing.orders
    heading, body = (faces.class_of(orders[of, False, False][0].family) for of in (True, False))
    wanted = layout.filling.loaded.template.faces.model_copy(
        update={"heading": heading, "body": body}
    )
    pairing = faces.choose(random, job.other_fonts, wanted)
    language = translating.into(job.language)
    return replace(layout.setter, language=language, pairing=pairing, blocks={})


def _translations(
    random: Random, layout: Layout, number: int, item: Item, job: Job
) -> Iterator[tuple[Layout, str]]:
    """Layouts that show a text in the slot, each with what that is in the other language."""
    style = item.part.style
    upper = bool(style and style.upper)
    if said := _said(item, job):
        yield layout, said.upper() if upper else said
        return
    for text, new in translating.drawn(random, job, item.part.text, kinds_in(layout, number)):
        shown = text.upper() if upper else text
        if before := texts.with_text(layout, number, shown, layout.setter):
            yield before, new.upper() if upper else new


def kinds_in(layout: Layout, number: int) -> list[TextKind]:
    """The kinds of texts that may stand in an item's slot."""
    role = filled.role_of(layout.items[number].part)
    around = [item for item in layout.items[:number] if item.end > number]
    if role == "name" and any(item.part.node.entry == _DISHES for item in around):
        role = "dish"
    return [TextKind(kind) for kind in KINDS.get(role, "").split()]


def _said(item: Item, job: Job) -> str | None:
    """What the template itself says in the other language; ``None`` where it says nothing fixed."""
    say = item.part.node.say or {}
    here, there = say.get(job.language, ""), say.get(translating.into(job.language), "")
    fixed = here.casefold() == item.part.text.casefold() and "<" not in there
    return there if fixed and naming.is_short(there, translating.into(job.language)) else None
