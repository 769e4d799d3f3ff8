"""What an image of mode pure says: a text of the corpus, or a page of several of them."""

from random import Random

from synthesis.image_sizes import Size
from synthesis.job import Job
from synthesis.pure import limits
from synthesis.pure.manner import Kind, kind_of
from synthesis.pure.scripts import script_of

_PAGES = {500: 0.1, 1000: 0.25}  # side in pixels: share of pages from there on
_FULLNESS = (0.25, 0.9)  # of the characters an image may hold
_TRIES = 200


def choose(random: Random, job: Job, size: Size) -> str:
    """A text; on larger canvases now and then paragraphs with an empty line between them."""
    text = random.choice(job.paragraphs).text
    share = max((share for side, share in _PAGES.items() if limits.side(size) >= side), default=0)
    if random.random() >= share:
        return text
    most = _most(random, job, size)
    if fitting := [page for page in job.pages if most / 2 <= len(page.text) <= most]:
        return random.choice(fitting).text.replace("\n", "\n\n")
    for _ in range(_TRIES):
        if kind_of(job.language, text) == Kind.PROSE:
            return page(random, job, text, size)
        text = random.choice(job.paragraphs).text
    return text  # a corpus without prose


def page(random: Random, job: Job, first: str, size: Size) -> str:
    """Paragraphs of prose, as many as may stand on a canvas of that size, beginning with one."""
    most = _most(random, job, size)
    line = sum(script_of(job.language).line) / 2  # what the end of a paragraph and its gap take
    chosen = [first]
    for _ in range(_TRIES):
        text = random.choice(job.paragraphs).text
        if sum(len(paragraph) + line for paragraph in (*chosen, text)) > most:
            break
        if text not in chosen and kind_of(job.language, text) == Kind.PROSE:
            chosen.append(text)
    return "\n\n".join(chosen)


def _most(random: Random, job: Job, size: Size) -> float:
    """How many characters a page is to have at most."""
    return random.uniform(*_FULLNESS) * limits.most_characters(job.language, size)
