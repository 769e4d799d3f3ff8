"""The operations of mode edit: how each is made, and how often."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from random import Random

from synthesis.edits.edit import Edit
from synthesis.edits.layouts import layout as layouts
from synthesis.edits.layouts import texts as layout_texts
from synthesis.edits.steps import SceneT, Step, painted
from synthesis.job import Job
from synthesis.sample import Rejected
from synthesis.unrenderable import UnrenderableError

Make = Callable[[Random, Job], Edit | Rejected]


@dataclass(frozen=True)
class Kind:
    """One way to make edits of an operation; ``share`` is how often it is chosen, of all."""

    operation: str
    share: float
    make: Make


def of_scene(
    begin: Callable[[Random, Job], SceneT],
    operate: Callable[[Random, SceneT, Job], Step[SceneT]],
) -> Make:
    """Edits of a scene that a family begins with."""

    def make(random: Random, job: Job) -> Edit | Rejected:
        try:
            return painted(operate(random, begin(random, job), job))
        except UnrenderableError as problem:
            return Rejected(problem.reason, problem.detail)

    return make


KINDS: Sequence[Kind] = (
    Kind("text.replace", 3, of_scene(layouts.begin, layout_texts.replace_text)),
)
OPERATIONS = tuple(dict.fromkeys(kind.operation for kind in KINDS))


def choose(random: Random, job: Job) -> Kind:
    """A kind by the job's shares: those of an operation share what it has."""
    if not job.kinds:
        return random.choices(KINDS, [kind.share for kind in KINDS])[0]
    operations = dict(job.kinds)
    operation = random.choices([*operations], [*operations.values()])[0]
    kinds = [kind for kind in KINDS if kind.operation == operation]
    return random.choices(kinds, [kind.share for kind in kinds])[0]
