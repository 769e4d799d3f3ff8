"""A text of a page in the other language, in the same place."""

from collections.abc import Mapping
from dataclasses import replace
from random import Random

from synthesis.corpus.genres import Genre
from synthesis.corpus.translations import TextKind
from synthesis.edits import translating
from synthesis.edits.pages import lines
from synthesis.edits.pages.page import Page, genre_of
from synthesis.edits.steps import Step
from synthesis.job import Job
from synthesis.pure import faces
from synthesis.text.block import Typography
from synthesis.unrenderable import UnrenderableError

KINDS: Mapping[Genre | None, str] = {  # by genre of a text what may stand in its place
    Genre.DOOR: "notice place",
    Genre.GREETING: "greeting",
    Genre.HOURS: "date notice",
    Genre.INSTRUCTION: "notice task",
    Genre.LABEL: "package",
    Genre.LESSON: "sentence",
    Genre.LIST: "task",
    Genre.MENU: "dish offer",
    Genre.MESSAGE: "status weather",
    Genre.NEWS: "headline",
    Genre.NOTE: "speech task",
    Genre.OFFER: "offer",
    Genre.PLACE: "place",
    Genre.PRODUCT: "product",
    Genre.PROSE: "narration sentence",
    Genre.RECIPE: "task",
    Genre.REQUEST: "notice",
    Genre.SAYING: "slogan",
    Genre.SHIPPING: "package",
    Genre.SHOP: "place",
    Genre.SLOGAN: "slogan",
    Genre.STREET: "address",
    Genre.TITLE: "title chapter",
    Genre.TRAFFIC: "traffic",
    Genre.WARNING: "notice",
}


def translate_line(random: Random, page: Page, job: Job) -> Step[Page]:
    """A text of the parallel corpus, and what it is in the other language."""
    for number, named in lines.nameable(random, page):
        for text, new in translating.drawn(random, job, named.old, _kinds(job, named.old)):
            before = lines.with_text(page, number, text)
            after = before and lines.with_text(
                before, number, new, _typography(random, page, job, new)
            )
            called = before and lines.called_in(random, before, number)
            if before and after and called:
                areas = (before.box_of(number), after.box_of(number))
                return Step(before, after, translating.change(random, job, called, new), areas)
    raise UnrenderableError("nothing_to_translate", "page")


def _kinds(job: Job, text: str) -> list[TextKind]:
    """The kinds of texts that may stand beside others of a text's genre."""
    genre = genre_of(job, text)
    return [TextKind(kind) for kind in KINDS[genre].split()] if genre in KINDS else [*TextKind]


def _typography(random: Random, page: Page, job: Job, text: str) -> Typography:
    """What sets a text of the other language as the page is set."""
    own = page.composed.fitted.typography
    fonts = translating.alike(job.other_fonts, page.composed.fitted.block.faces[0])
    chosen = tuple(faces.choose(random, fonts, text))
    return replace(own, language=translating.into(job.language), faces=chosen, halves=False)
