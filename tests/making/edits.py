"""Edits of the shipped layouts and pages, in fonts made for the tests."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from random import Random

from making import layouts

from synthesis.edits import kinds
from synthesis.edits.edit import Edit
from synthesis.job import Job
from synthesis.sample import Rejected, TextBox

MOST_TRIES = 60


def job(folder: Path, language: str) -> Job:
    """A job of mode edit in a font that has all that the contents have."""
    return replace(layouts.job(folder, language), mode="edit")


def some(
    job: Job, operation: str, count: int, kind: kinds.Kind | None = None
) -> Iterator[Edit | Rejected]:
    """``count`` edits of an operation, of one kind or of any, and what was rejected on the way."""
    chance = Random(f"{operation} {job.language}")
    only = replace(job, kinds=((operation, 1.0),))
    for _ in range(MOST_TRIES):
        if not count:
            return
        made = (kind or kinds.choose(chance, only)).make(chance, only)
        count -= isinstance(made, Edit)
        yield made


def texts(boxes: tuple[TextBox, ...]) -> list[str]:
    return [box.text for box in boxes if box.level == "block"]
