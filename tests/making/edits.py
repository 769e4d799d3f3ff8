"""Edits of the shipped layouts and pages, in fonts made for the tests."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from random import Random

from making import layouts

from synthesis import corpus
from synthesis.edits import translating
from synthesis.edits.edit import Edit
from synthesis.edits.kinds import Kind
from synthesis.job import Job
from synthesis.sample import Rejected, TextBox

MOST_TRIES = 60


def job(folder: Path, language: str) -> Job:
    """A job of mode edit in fonts that have all that the contents of both languages have."""
    own = layouts.job(folder, language)
    other = layouts.job(folder, translating.into(language))
    return replace(own, mode="edit", other_fonts=other.fonts, parallel=corpus.parallel())


def some(job: Job, kind: Kind, count: int) -> Iterator[Edit | Rejected]:
    """``count`` edits of a kind, and what was rejected on the way."""
    chance = Random(f"{kind.operation} {kind.family} {job.language}")
    for _ in range(MOST_TRIES):
        if not count:
            return
        made = kind.make(chance, job)
        count -= isinstance(made, Edit)
        yield made


def texts(boxes: tuple[TextBox, ...]) -> list[str]:
    return [box.text for box in boxes if box.level == "block"]


def chance(seed: int) -> Random:
    return Random(seed)
