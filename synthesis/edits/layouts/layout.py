"""A layout that can be edited: its parts at their places, each of which may be replaced."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property, lru_cache
from random import Random

from curation.picture.colours import RGB
from synthesis.edits.steps import Scene
from synthesis.fonts.face import Extents
from synthesis.job import Job
from synthesis.raster import Pixels
from synthesis.sample import TextBox
from synthesis.template import filled, laying
from synthesis.template.arranging import Arranged
from synthesis.template.boxes import Box
from synthesis.template.expanding import Part
from synthesis.template.laying import Filling, Placed
from synthesis.template.models import Loaded
from synthesis.template.typeset import SetText, Typesetter
from synthesis.unrenderable import UnrenderableError

_TRIES = 40  # templates, for one with a shape


@dataclass(frozen=True)
class Item:
    """A part at its place, with its text; ``end`` is the number of the item after all below it.

    What is not ``shown`` is not painted; what is ``raised`` is painted over all others.
    """

    part: Part
    box: Box
    inner: Box
    end: int
    text: SetText | None = None
    shown: bool = True
    raised: bool = False

    @cached_property
    def boxes(self) -> Sequence[TextBox]:
        """The boxes of its text: most items are the same before an edit and after it."""
        return self.text.boxes() if self.text else ()


@dataclass(frozen=True)
class Layout(Scene):
    """A filled template as items in painting and reading order, the whole canvas first."""

    filling: Filling
    language: str
    setter: Typesetter
    items: tuple[Item, ...]

    @cached_property
    def pixels(self) -> Pixels:
        """The pixels, (H, W, 4) uint8 RGBA."""
        shown = sorted((item for item in self.items if item.shown), key=lambda item: item.raised)
        parts = tuple(Arranged(item.part, item.box, item.inner) for item in shown)
        texts = tuple((item.part, item.text) for item in shown if item.text)
        placed = Placed(parts, texts, self.filling.backdrop)
        return filled.paint(self.filling.size, self.ground, placed)

    @property
    def ground(self) -> RGB:
        """The colour of the canvas, of a gradient the first."""
        fill = self.items[0].part.fill
        return fill[0] if fill else self.filling.colours.roles["background"]

    def boxes(self) -> tuple[TextBox, ...]:
        """The boxes of all texts, in reading order."""
        return tuple(box for _, item, _ in self.texts() for box in item.boxes)

    def font(self) -> str:
        """The PostScript name of the face with the most glyphs."""
        return filled.most_used(text for _, _, text in self.texts())

    def texts(self) -> Iterator[tuple[int, Item, SetText]]:
        """The items that show a text, by their numbers."""
        for number, item in enumerate(self.items):
            if item.shown and item.text:
                yield number, item, item.text

    def below(self, number: int) -> range:
        """The numbers of an item and of all below it."""
        return range(number, self.items[number].end)

    def with_items(self, items: Mapping[int, Item]) -> "Layout":
        """The same with other items in the places of those numbers."""
        return replace(
            self, items=tuple(items.get(number, item) for number, item in enumerate(self.items))
        )

    def with_item(self, number: int, item: Item) -> "Layout":
        """The same with another item in that one's place."""
        return self.with_items({number: item})

    def others(self, number: int) -> list[Extents]:
        """The boxes of the inks of all other texts."""
        return [text.box for other, _, text in self.texts() if other != number]


def begin(random: Random, job: Job, shapes: frozenset[str] = frozenset()) -> Layout:
    """A layout as mode template fills it, of a template with any of the shapes, if there is one.

    Raises ``UnrenderableError``.
    """
    for _ in range(_TRIES):
        loaded, size = filled.choose(random, job)
        if not shapes or _shapes(loaded) & shapes:
            break
    filling = filled.fill(random, job, loaded, size)
    placed = laying.as_full_as_fits(filling, job.language)
    if placed.setter is None or not placed.texts:
        raise UnrenderableError("no_text", filling.loaded.stem)
    texts = {id(part): text for part, text in placed.texts}
    items = tuple(
        Item(*arranged, end=number + _count(arranged.part), text=texts.get(id(arranged.part)))
        for number, arranged in enumerate(placed.parts)
    )
    return Layout(filling, job.language, placed.setter, items)


@lru_cache(maxsize=1024)
def _shapes(loaded: Loaded) -> frozenset[str]:
    """The shapes of a template."""
    return frozenset(node.shape for node in loaded.template.layout.everything() if node.shape)


def _count(part: Part) -> int:
    """How many parts it is with all below it."""
    return 1 + sum(map(_count, part.children))
