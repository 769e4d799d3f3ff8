"""Chains: two to five edits of one image, each of which begins with what the last one came to.

Of every ``BLOCK`` images the last ones are a chain. Which, and of what, follows from the number of
the block: each image can be made alone. Nothing of an edit tells how many follow, so that a run
which ends inside a chain has a shorter one, and lacks nothing.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from random import Random
from typing import Any

from synthesis.edits.edit import Edit
from synthesis.edits.kinds import LAYOUTS, PAGES, SCENES, Family
from synthesis.edits.steps import SceneT, painted
from synthesis.edits.translating import OPERATION as TRANSLATE
from synthesis.job import Job
from synthesis.sample import Rejected
from synthesis.unrenderable import UnrenderableError

BLOCK = 20
LENGTHS = (2, 5)
_SHARES = {"layout": 0.5, "page": 0.2, "scene": 0.3}  # of chains
_TRIES = 12  # operations that are tried for a step
_FIRST = frozenset({"text.add", "object.add", TRANSLATE})  # from a scene that is made for them


@dataclass(frozen=True)
class Link:
    """The place of an image in its block's chain: its ``step``, from 1, of up to ``count``."""

    block: int
    step: int
    count: int

    def __str__(self) -> str:
        return f"step{self.step}"


def link(job: Job, index: int) -> Link | None:
    """The place of an image in a chain; ``None`` where it is in none."""
    if not _families(job):
        return None
    block, place = divmod(index, BLOCK)
    count = _random(job, block, "length").randint(*LENGTHS)
    step = place - (BLOCK - count) + 1
    return Link(block, step, count) if step > 0 else None


def edit(job: Job, place: Link, attempt: int) -> Edit | Rejected:
    """One edit of a chain; of an attempt all its edits are made or none."""
    made = _chain(job, place.block, place.count, attempt)
    return made if isinstance(made, Rejected) else made[place.step - 1]


@lru_cache(maxsize=1)  # the images of a chain follow each other
def _chain(job: Job, block: int, count: int, attempt: int) -> Sequence[Edit] | Rejected:
    random = _random(job, block, str(attempt))
    families = _families(job)
    family = random.choices(families, [_SHARES[of.name] for of in families])[0]
    try:
        return _edits(random, job, family, count)
    except UnrenderableError as problem:
        return Rejected(problem.reason, problem.detail)


def _edits(random: Random, job: Job, family: Family[SceneT], count: int) -> list[Edit]:
    """Edits of one scene, one after the other. Raises ``UnrenderableError``."""
    scene, edits = family.begin(random, job), list[Edit]()
    shares = _known(family, job)
    for _ in range(_TRIES * count):
        last = edits[-1].change.operation if edits else ""
        others = {name: share for name, share in shares.items() if name != last} or shares
        operation = random.choices([*others], [*others.values()])[0]
        try:
            step = family.operations[operation].operate(random, scene, job)
        except UnrenderableError:
            continue
        if edits and step.before is not scene:
            continue
        edits.append(painted(step))
        scene = step.after
        if len(edits) == count:
            return edits
    raise UnrenderableError("broken_chain", f"{len(edits)} of {count}")


def _families(job: Job) -> list[Family[Any]]:
    """The families of scenes whose operations the job asks for."""
    families: list[Family[Any]] = [LAYOUTS, PAGES, SCENES]
    return [family for family in families if _known(family, job)]


def _known(family: Family[SceneT], job: Job) -> dict[str, float]:
    """The operations of a family that the job asks for, with their shares."""
    asked = dict(job.kinds)
    shares = {
        operation: asked.get(operation, 0.0) if asked else of.share
        for operation, of in family.operations.items()
        if job.other_fonts or operation != TRANSLATE
    }
    shares = {operation: share for operation, share in shares.items() if share}
    return shares if {*shares} - _FIRST else {}


def _random(job: Job, block: int, name: str) -> Random:
    return Random(f"{job.seed}/{job.language}/chain/{block}/{name}")
