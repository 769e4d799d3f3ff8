"""What a picture of mode pure says: a text of the corpus, or a page of several of them."""

from random import Random

from synthesis.canvas import Size
from synthesis.job import Job
from synthesis.pure import limits
from synthesis.pure.manner import Kind, kind_of

_PAGES = {500: 0.2, 1000: 0.4}  # side in pixels: share of pages from there on
_FULLNESS = (0.25, 0.8)  # of the characters a picture may hold
_TRIES = 200


def choose(random: Random, job: Job, size: Size) -> str:
    """A text; on larger canvases now and then paragraphs with an empty line between them."""
    text = random.choice(job.paragraphs).text
    share = max((share for side, share in _PAGES.items() if limits.side(size) >= side), default=0)
    if random.random() >= share or kind_of(job.language, text) != Kind.PROSE:
        return text
    return _page(random, job, text, size)


def _page(random: Random, job: Job, first: str, size: Size) -> str:
    most = random.uniform(*_FULLNESS) * limits.most_characters(job.language, size)
    chosen = [first]
    for _ in range(_TRIES):
        text = random.choice(job.paragraphs).text
        if sum(map(len, chosen)) + len(text) > most:
            break
        if text not in chosen and kind_of(job.language, text) == Kind.PROSE:
            chosen.append(text)
    return "\n\n".join(chosen)
