"""The operations of mode edit: how each is made, and how often."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from random import Random

from synthesis.edits.edit import Edit
from synthesis.edits.layouts import colours, layout, moving, objects, texts
from synthesis.edits.layouts.layout import Layout
from synthesis.edits.scenes import media
from synthesis.edits.scenes import texts as scene_texts
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


def _of_layouts(
    operation: str, share: float, operate: Callable[[Random, Layout, Job], Step[Layout]]
) -> Kind:
    return Kind(operation, share, of_scene(layout.begin, operate))


def _made(operation: str, share: float, make: Callable[[Random, Job], Edit]) -> Kind:
    """Edits that a family makes at once."""

    def attempted(random: Random, job: Job) -> Edit | Rejected:
        try:
            return make(random, job)
        except UnrenderableError as problem:
            return Rejected(problem.reason, problem.detail)

    return Kind(operation, share, attempted)


KINDS: Sequence[Kind] = (
    _of_layouts("text.replace", 4, texts.replace_text),
    _of_layouts("text.add", 2, texts.add_text),
    _of_layouts("text.remove", 2, texts.remove_text),
    _of_layouts("text.recolour", 2, texts.recolour_text),
    _of_layouts("layout.move", 1, moving.move_block),
    _of_layouts("layout.swap", 1, moving.swap_entries),
    _of_layouts("background.recolour", 1, colours.recolour_ground),
    _of_layouts("attribute.colour", 2, colours.recolour_thing),
    _of_layouts("object.add", 1, objects.add_object),
    _of_layouts("object.remove", 1, objects.remove_object),
    _of_layouts("object.replace", 1, objects.replace_object),
    _of_layouts("object.move", 1, objects.move_object),
    _made("text.replace", 2, scene_texts.replace_text),
    _made("text.add", 1, scene_texts.add),
    _made("text.remove", 1, scene_texts.remove),
    _made("text.recolour", 1, scene_texts.recolour),
    _made("attribute.colour", 1, media.recolour),
    _made("attribute.material", 1, media.remake),
    _made("background.replace", 1, media.surround),
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
