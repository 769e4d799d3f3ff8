"""The styles, and the one function every picture comes from."""

import hashlib
from random import Random

from synthesis import paragraph, strings
from synthesis.fonts import font
from synthesis.job import Job
from synthesis.sample import Rejected, Sample

MOST_ATTEMPTS = 50


def draw(job: Job, index: int, attempt: int = 0) -> Sample | Rejected:
    """Picture ``index`` of the job: a function of its arguments alone, in any process and order."""
    random = _random(job, index, attempt)
    if job.style == "paragraph":
        return paragraph.draw(random, job)
    return strings.draw(random, job.language, font(job.fonts[0]), job.size)


def draw_until_kept(job: Job, index: int) -> tuple[Sample | None, list[Rejected]]:
    """The first attempt at ``index`` that is not rejected, and the rejections before it.

    ``None`` after ``MOST_ATTEMPTS`` rejections.
    """
    rejections: list[Rejected] = []
    for attempt in range(MOST_ATTEMPTS):
        drawn = draw(job, index, attempt)
        if isinstance(drawn, Sample):
            return drawn, rejections
        rejections.append(drawn)
    return None, rejections


def _random(job: Job, index: int, attempt: int) -> Random:
    name = f"{job.seed}/{job.style}/{job.language}/{index}/{attempt}"
    return Random(int.from_bytes(hashlib.blake2b(name.encode(), digest_size=16).digest()))
