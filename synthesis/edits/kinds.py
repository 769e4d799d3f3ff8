"""The operations of mode edit: how each is made, and how often."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from random import Random
from typing import Generic

from synthesis.edits import restoration, tasks
from synthesis.edits.edit import Edit
from synthesis.edits.layouts import colours, layout, moving, objects, texts
from synthesis.edits.layouts import translations as layout_translations
from synthesis.edits.layouts.layout import Layout
from synthesis.edits.pages import grounds, lines, page
from synthesis.edits.pages import translations as page_translations
from synthesis.edits.pages.page import Page
from synthesis.edits.scenes import media
from synthesis.edits.scenes import texts as scene_texts
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


@dataclass(frozen=True)
class Family(Generic[SceneT]):
    """Scenes of one kind: how one begins, and what is done to it how often.

    Both raise ``UnrenderableError`` where nothing can be done.
    """

    name: str
    begin: Callable[[Random, Job], SceneT]
    operations: Mapping[str, tuple[float, Callable[[Random, SceneT, Job], Step[SceneT]]]]

    def kinds(self) -> list[Kind]:
        """Its operations, each on a scene of its own."""
        return [
            Kind(operation, share, _made(self.begin, operate), self.name)
            for operation, (share, operate) in self.operations.items()
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


LAYOUTS: Family[Layout] = Family(
    "layout",
    layout.begin,
    {
        "text.replace": (4, texts.replace_text),
        "text.add": (2, texts.add_text),
        "text.remove": (2, texts.remove_text),
        "text.recolour": (2, texts.recolour_text),
        TRANSLATE: (2, layout_translations.translate_text),
        "layout.move": (1, moving.move_block),
        "layout.swap": (1, moving.swap_entries),
        "background.recolour": (1, colours.recolour_ground),
        "attribute.colour": (2, colours.recolour_thing),
        "object.add": (1, objects.add_object),
        "object.remove": (1, objects.remove_object),
        "object.replace": (1, objects.replace_object),
        "object.move": (1, objects.move_object),
    },
)
PAGES: Family[Page] = Family(
    "page",
    page.begin,
    {
        "text.replace": (2, lines.replace_line),
        "text.add": (1, lines.add_line),
        "text.remove": (1, lines.remove_line),
        "text.recolour": (1, lines.recolour_line),
        TRANSLATE: (1, page_translations.translate_line),
        "layout.swap": (0.5, lines.swap_lines),
        "background.recolour": (0.5, grounds.recolour_ground),
        "background.replace": (0.5, grounds.replace_ground),
    },
)
_SCENES: Mapping[str, tuple[float, Callable[[Random, Job], Edit]]] = {
    "text.replace": (2, scene_texts.replace_text),
    "text.add": (1, scene_texts.add),
    "text.remove": (1, scene_texts.remove),
    "text.recolour": (1, scene_texts.recolour),
    TRANSLATE: (1, scene_texts.translate),
    "attribute.colour": (1, media.recolour),
    "attribute.material": (1, media.remake),
    "background.replace": (1, media.surround),
}
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
    *[Kind(name, share, _attempted(make), "scene") for name, (share, make) in _SCENES.items()],
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
