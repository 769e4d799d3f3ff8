"""The operations of mode edit: how each is made, and how often."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from random import Random
from typing import Generic, NamedTuple

from synthesis.edits import restoration, tasks
from synthesis.edits.edit import Edit
from synthesis.edits.layouts import blocks, colours, layout, moving, objects, texts
from synthesis.edits.layouts import translations as layout_translations
from synthesis.edits.layouts.layout import Layout
from synthesis.edits.pages import grounds, lines, page
from synthesis.edits.pages import translations as page_translations
from synthesis.edits.pages.page import Page
from synthesis.edits.scenes import media, stage
from synthesis.edits.scenes import texts as scene_texts
from synthesis.edits.scenes.stage import Stage
from synthesis.edits.steps import SceneT, Step, painted
from synthesis.edits.translating import OPERATION as TRANSLATE
from synthesis.job import Job
from synthesis.sample import Rejected
from synthesis.unrenderable import UnrenderableError

Make = Callable[[Random, Job], Edit | Rejected]


@dataclass(frozen=True)
class Kind:
    """One way to make edits of an operation; ``share`` is how often it is chosen, of all.

    ``family`` is what is edited: ``layout``, ``page``, ``scene`` or any other ``image``.
    """

    operation: str
    share: float
    make: Make
    family: str = "image"


class Operation(NamedTuple, Generic[SceneT]):
    """What is done to a scene, and how often; ``begin`` makes scenes on which it can be done.

    Both raise ``UnrenderableError`` where it cannot.
    """

    share: float
    operate: Callable[[Random, SceneT, Job], Step[SceneT]]
    begin: Callable[[Random, Job], SceneT] | None = None


@dataclass(frozen=True)
class Family(Generic[SceneT]):
    """Scenes of one kind: how one begins, and what is done to it."""

    name: str
    begin: Callable[[Random, Job], SceneT]
    operations: Mapping[str, Operation[SceneT]]

    def kinds(self) -> list[Kind]:
        """Its operations, each on a scene of its own."""
        return [
            Kind(name, of.share, _made(of.begin or self.begin, of.operate), self.name)
            for name, of in self.operations.items()
        ]


def _made(
    begin: Callable[[Random, Job], SceneT],
    operate: Callable[[Random, SceneT, Job], Step[SceneT]],
) -> Make:
    return _attempted(lambda random, job: painted(operate(random, begin(random, job), job)))


def _attempted(make: Callable[[Random, Job], Edit]) -> Make:
    """The same with what could not be rendered as a rejection."""

    def attempt(random: Random, job: Job) -> Edit | Rejected:
        try:
            return make(random, job)
        except UnrenderableError as problem:
            return Rejected(problem.reason, problem.detail)

    return attempt


def _with(shapes: frozenset[str]) -> Callable[[Random, Job], Layout]:
    return partial(layout.begin, shapes=shapes)


LAYOUTS: Family[Layout] = Family(
    "layout",
    layout.begin,
    {
        "text.replace": Operation(4, texts.replace_text),
        "text.add": Operation(2, texts.add_text),
        "text.remove": Operation(2, texts.remove_text),
        "text.recolour": Operation(2, texts.recolour_text),
        TRANSLATE: Operation(2, layout_translations.translate_text),
        "layout.move": Operation(1, blocks.move_block),
        "layout.swap": Operation(1, moving.swap_entries),
        "background.recolour": Operation(1, colours.recolour_ground),
        "attribute.colour": Operation(2, colours.recolour_thing),
        "object.add": Operation(1, objects.add_object, _with(objects.OBJECTS)),
        "object.remove": Operation(1, objects.remove_object, _with(objects.OBJECTS)),
        "object.replace": Operation(1, objects.replace_object, _with(objects.REPLACED)),
        "object.move": Operation(1, objects.move_object, _with(objects.MOVED)),
    },
)
_SEVERAL = partial(page.begin, several=True)
PAGES: Family[Page] = Family(
    "page",
    page.begin,
    {
        "text.replace": Operation(2, lines.replace_line),
        "text.add": Operation(1, lines.add_line, _SEVERAL),
        "text.remove": Operation(1, lines.remove_line, _SEVERAL),
        "text.recolour": Operation(1, lines.recolour_line),
        TRANSLATE: Operation(1, page_translations.translate_line),
        "layout.swap": Operation(0.5, lines.swap_lines, _SEVERAL),
        "background.recolour": Operation(0.5, grounds.recolour_ground),
        "background.replace": Operation(0.5, grounds.replace_ground),
    },
)
SCENES: Family[Stage] = Family(
    "scene",
    scene_texts.begin,
    {
        "text.replace": Operation(2, scene_texts.replace_text),
        "text.add": Operation(1, scene_texts.add),
        "text.remove": Operation(1, scene_texts.remove, stage.begin),
        "text.recolour": Operation(1, scene_texts.recolour, stage.begin),
        TRANSLATE: Operation(1, scene_texts.translate, scene_texts.begin_translated),
        "attribute.colour": Operation(1, media.recolour, media.begin_painted),
        "attribute.material": Operation(1, media.remake, media.begin_flat),
        "background.replace": Operation(1, media.surround, media.begin_before),
    },
)
_IMAGES: Mapping[str, tuple[float, Callable[[Random, Job], Edit]]] = {
    "restoration.deblur": (0.6, restoration.deblur),
    "restoration.denoise": (0.6, restoration.denoise),
    "restoration.decompress": (0.6, restoration.decompress),
    "restoration.uncrop": (0.6, restoration.uncrop),
    "restoration.rotate": (0.6, restoration.rotate),
    "task.boxes": (0.6, tasks.boxes),
    "task.mask": (0.6, tasks.mask),
    "task.edges": (0.4, tasks.edges),
    "task.super_resolution": (0.6, tasks.super_resolution),
}
KINDS: Sequence[Kind] = (
    *LAYOUTS.kinds(),
    *PAGES.kinds(),
    *SCENES.kinds(),
    *[Kind(name, share, _attempted(make)) for name, (share, make) in _IMAGES.items()],
)
OPERATIONS = tuple(dict.fromkeys(kind.operation for kind in KINDS))


def choose(random: Random, job: Job) -> Kind:
    """A kind by the job's shares: those of an operation share what it has."""
    asked = dict(job.kinds)
    possible = [
        kind
        for kind in KINDS
        if (not asked or kind.operation in asked)
        and (job.other_fonts or kind.operation != TRANSLATE)
    ]
    if asked:
        operation = random.choices([*asked], [*asked.values()])[0]
        possible = [kind for kind in possible if kind.operation == operation]
    return random.choices(possible, [kind.share for kind in possible])[0]
