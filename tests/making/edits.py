"""Edits, of shipped layouts and pages in fonts made for the tests, or in the fonts there are."""

from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import cache
from pathlib import Path
from random import Random

import pytest
from making import layouts

from curation.failures.errors import UsageError
from synthesis import corpus, jobs
from synthesis.edits import translating
from synthesis.edits.edit import Edit
from synthesis.edits.kinds import Kind
from synthesis.job import Job
from synthesis.sample import Rejected, TextBox
from synthesis.unrenderable import UnrenderableError

Make = Callable[[Random, Job], Edit]
MOST_TRIES = 60


def job(folder: Path, language: str) -> Job:
    """A job of mode edit in fonts that have all that the contents of both languages have."""
    own = layouts.job(folder, language)
    other = layouts.job(folder, translating.into(language))
    return replace(own, mode="edit", other_fonts=other.fonts, parallel=corpus.parallel())


@cache
def prepared(language: str) -> Job:
    """A job of mode edit as the command makes it; skips the test where there are no fonts."""
    try:
        return jobs.prepare(language, "edit", seed=5, size="384x384")
    except UsageError as problem:
        pytest.skip(str(problem))


def made(make: Make, operation: str, language: str, count: int, tries: int) -> list[Edit]:
    """``count`` edits of an operation; fails where so many ``tries`` give fewer."""
    of_operation: list[Edit] = []
    reasons: Counter[str] = Counter()
    for number in range(tries):
        try:
            of_operation.append(make(Random(f"{operation}/{number}"), prepared(language)))
        except UnrenderableError as problem:
            reasons[problem.reason] += 1
        if len(of_operation) == count:
            return of_operation
    raise AssertionError(f"{operation} in {language}: {reasons}")


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
