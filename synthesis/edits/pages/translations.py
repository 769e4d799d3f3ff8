"""A text of a page in the other language, in the same place."""

from dataclasses import replace
from random import Random

from synthesis.edits import translating
from synthesis.edits.pages import lines
from synthesis.edits.pages.page import Page
from synthesis.edits.steps import Step
from synthesis.job import Job
from synthesis.pure import faces
from synthesis.text.block import Typography
from synthesis.unrenderable import UnrenderableError


def translate_line(random: Random, page: Page, job: Job) -> Step[Page]:
    """A text of the parallel corpus, and what it is in the other language."""
    for number, named in lines.nameable(random, page):
        for text, new in translating.drawn(random, job, named.old):
            before = lines.with_text(page, number, text)
            after = before and lines.with_text(
                before, number, new, _typography(random, page, job, new)
            )
            called = before and lines.called_in(random, before, number)
            if before and after and called:
                areas = (before.box_of(number), after.box_of(number))
                return Step(before, after, translating.change(random, job, called, new), areas)
    raise UnrenderableError("nothing_to_translate", "page")


def _typography(random: Random, page: Page, job: Job, text: str) -> Typography:
    """What sets a text of the other language as the page is set."""
    own = page.composed.fitted.typography
    fonts = translating.alike(job.other_fonts, page.composed.fitted.block.faces[0])
    chosen = tuple(faces.choose(random, fonts, text))
    return replace(own, language=translating.into(job.language), faces=chosen, halves=False)
