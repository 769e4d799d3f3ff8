"""A scene that can be photographed again with one thing changed and all others as they were.

Every step has random numbers of its own (``streams.apart``): what a step makes does not depend on
what another one did.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from random import Random

import cv2
import numpy as np

from curation.picture.colours import RGB, Colour
from synthesis.corpus import Paragraph
from synthesis.description import Name
from synthesis.image_sizes import Size
from synthesis.job import Job
from synthesis.raster import Pixels
from synthesis.sample import TextBox
from synthesis.scene import (
    arcs,
    camera,
    inscribed,
    legibility,
    naming,
    scenery,
    streams,
    writing,
)
from synthesis.scene.geometry import Surface
from synthesis.scene.inscribed import Blank, Inscribed
from synthesis.scene.medium import Medium, Sheet
from synthesis.scene.streams import Streams
from synthesis.scene.writing import Lines
from synthesis.text import block as blocks
from synthesis.text.block import Block, Typography
from synthesis.unrenderable import UnrenderableError

_TRIES = 20


@dataclass(frozen=True)
class Text:
    """The ``words`` of a text as they are set on a sheet."""

    words: str
    block: Block
    lines: Lines

    @cached_property
    def flat(self) -> tuple[TextBox, ...]:
        """Its boxes on the sheet."""
        return self.block.boxes()


@dataclass(frozen=True)
class Studio:
    """A blank sheet in its place, and how texts are set on it. ``role`` is what captions call
    the text; ``canvas`` the size of the image.
    """

    job: Job
    canvas: Size
    steps: Streams
    blank: Blank
    style: Typography
    role: str

    def text(self, words: str, largest: int | None = None, lines: Lines | None = None) -> Text:
        """The words set on the sheet, in ``lines`` as asked for, no larger than ``largest``.

        Raises ``UnrenderableError``.
        """
        sheet, medium = self.blank.sheet, self.blank.medium
        sizes = writing.sizes_of(
            self.steps("size"),
            self.job.language,
            medium,
            sheet,
            self.blank.smallest_scale(),
            self.canvas,
        )
        if largest is not None:
            if largest < sizes[0]:
                raise UnrenderableError("does_not_fit", f"{largest} px per em")
            sizes = range(sizes[0], largest + 1)
        lines = lines or self._lines(words, sheet)
        if lines == "arc" and sheet.arc:
            chance = self.steps("arc")
            block = arcs.on_arc(chance, words, self._spaced(words), sheet.arc, sizes[0])
        elif lines == "vertical":
            down = replace(self.style, vertical=True)
            block = blocks.fit(words, down, sheet.frame, sizes)
        else:
            rows = writing.in_rows(words, self.style, sheet.frame, sizes)
            block = writing.slanted(self.steps("slant"), rows, words, medium, sheet)
        return Text(words, block, lines)

    def _lines(self, words: str, sheet: Sheet) -> Lines:
        arc = sheet.arc
        if arc and arcs.curves(words) and self.steps("curve").random() < arc.share:
            return "arc"
        return "vertical" if writing.runs_down(self.steps("down"), words, sheet) else "level"

    def _spaced(self, words: str) -> Typography:
        return writing.spaced(words, self.style)

    def surface(self, texts: Sequence[Text]) -> Surface:
        """The sheet in the image with all of the texts in sight."""
        flat = [box for text in texts for box in text.flat]
        return self.blank.surface(self.steps("settle"), flat, self.canvas)


@dataclass(frozen=True)
class Shot:
    """A scene before the camera, and what is known of the text, which is not there where it is not
    ``written``. Pixels are rendered once they are asked for; what is the same in the shot
    ``before``, the same scene otherwise, is taken from there. ``paths`` are the user's images.
    """

    steps: Streams
    canvas: Size
    text: Inscribed
    written: bool
    paths: tuple[str, ...] = ()
    before: "Shot | None" = None

    @cached_property
    def scene(self) -> scenery.Scene:
        """The image. Raises ``UnrenderableError`` for a background that is none."""
        return scenery.compose(self.steps, self.text, self.canvas, self._setting)

    @cached_property
    def coverage(self) -> Pixels:
        """(H, W) of the glyphs in the image."""
        return scenery.coverage(self.text, self.canvas)

    @property
    def surroundings(self) -> Name | None:
        """What they are called; nothing where none are seen or they are the user's own."""
        place = self._setting
        return place.name if place else None

    @property
    def around(self) -> float:
        """The share of the image that the sheet leaves to them."""
        place = self._setting
        return place.around if place else 0.0

    @cached_property
    def _setting(self) -> scenery.Setting | None:
        before, text = self.before, self.text
        if before and self._is_behind_same(before):
            own, other = text.sheet.outline, before.text.sheet.outline
            same = text.medium is before.text.medium and own is other
            if same and text.surface is before.text.surface:
                return before._setting
        return scenery.setting(self.steps, text, self.canvas, self.paths, self._behind)

    @cached_property
    def _behind(self) -> scenery.Behind | None:
        if self.text.beyond:
            return None
        if self.before and self._is_behind_same(self.before):
            return self.before._behind
        return scenery.look_behind(self.steps, self.text, self.canvas, self.paths)

    def _is_behind_same(self, other: "Shot") -> bool:
        """Whether what lies behind the sheet is seen as in another shot of the same steps."""
        mine, its = self.text, other.text
        return (
            (mine.beyond, mine.medium.places) == (its.beyond, its.medium.places)
            and mine.coverage.shape == its.coverage.shape
            and self.paths == other.paths
            and np.array_equal(mine.surface.matrix, its.surface.matrix)
        )

    @property
    def boxes(self) -> tuple[TextBox, ...]:
        """The boxes of the text in the image."""
        return self.text.boxes if self.written else ()


def set_up(
    random: Random,
    job: Job,
    media: Sequence[Medium],
    suits: Callable[[str], bool] = lambda text: True,
    *,
    curved: bool = False,
    ruled: bool = True,
) -> tuple[Studio, Paragraph]:
    """A blank sheet of one of the media for a text of the job that ``suits``, and that text.

    ``curved``: it may follow an arc, with an emblem that is laid in the same ink. What is not
    ``ruled`` has no lines where those of one text are. Raises ``UnrenderableError``.
    """
    canvas = random.choice(job.sizes)
    steps = streams.apart(random.getrandbits(64))
    chance = steps("text")
    for _ in range(_TRIES):
        paragraph, medium = inscribed.choose(lambda _: chance, job, canvas, media)
        if suits(paragraph.text):
            break
    else:
        raise UnrenderableError("too_long", f"{_TRIES} texts, none to be quoted")
    words = paragraph.text
    blank = inscribed.prepare(steps, medium, words, canvas)
    sheet = replace(blank.sheet, arc=blank.sheet.arc if curved else None)
    blank = replace(blank, sheet=replace(sheet, rules=sheet.rules if ruled else None))
    style = writing.typography(steps("style"), job, words, medium, blank.sheet)
    role = inscribed.role_of(paragraph)
    return Studio(job, canvas, steps, blank, style, role), paragraph


def shoot(
    studio: Studio,
    text: Text,
    surface: Surface,
    paint: RGB | None = None,
    *,
    blank: Blank | None = None,
    written: bool = True,
    paths: tuple[str, ...] = (),
    before: Shot | None = None,
) -> Shot:
    """The scene with the text in ``paint``, or in the first ink of the sheet that contrasts; on
    another ``blank`` sheet where one is given. ``before`` is the shot that this changes.

    Raises ``UnrenderableError``.
    """
    blank = blank or studio.blank
    bare = replace(blank.sheet, ground=blank.sheet.ground.copy())
    below = inscribed.mean_below(bare, text.block)
    boxes, em = inscribed.in_sight(
        surface, text.block, text.flat, studio.job.language, studio.canvas
    )
    if bare.rules:
        inscribed.rule(bare, text.block)
        bare = replace(bare, rules=None)
    kept = replace(bare, ground=bare.ground.copy())
    sheet, coverage, paint = inscribed.inked(
        studio.steps, bare, text.block, below, text.lines, blank.sun, paint
    )
    if not written:
        sheet = inscribed.finished(studio.steps, kept)
    seen = surface, text.flat, boxes, em, blank.where.beyond, text.lines, blank.sun
    shown = Inscribed(blank.medium, studio.role, sheet, text.block, paint, below, coverage, *seen)
    return Shot(studio.steps, studio.canvas, shown, written, paths, before)


@dataclass(frozen=True)
class Photo:
    """A shot as the camera took it: (H, W, 3), and the names of its colours where they are true."""

    image: Pixels
    ink: Colour | None
    ground: Colour | None


def photograph(studio: Studio, shot: Shot, sharp: float) -> Photo:
    """The shot by a camera that keeps ``sharp`` so many pixels: always with the same noise.

    Raises ``UnrenderableError`` where the text cannot be read.
    """
    if shot.written:
        stem = legibility.stem(shot.coverage)
        legibility.check_stem(stem)
        if stem < sharp:
            raise UnrenderableError("thin_stem", f"{stem:.2f} px, and {sharp:.2f} are kept sharp")
        legibility.check_occlusion(shot.coverage, shot.scene.before)
    return _seen(shot, camera.taken(studio.steps("camera"), shot.scene.image, sharp))


def _seen(shot: Shot, image: Pixels) -> Photo:
    if not shot.written:
        return Photo(image, None, None)
    text, light = shot.text, shot.scene.light
    glyphs = np.array([box.quad for box in text.boxes if box.level == "glyph"])
    centres = glyphs.reshape(-1, 4, 2).mean(axis=1)
    seen = legibility.measure(image, shot.coverage, centres, text.em)
    legibility.check_contrast(seen, text.em)
    return Photo(
        image,
        naming.ink(text.paint, seen.ink, seen.ground, light),
        None if text.sheet.clear else naming.ground(text.ground, seen.ground, light),
    )


def opaque(image: Pixels) -> Pixels:
    """(H, W, 4) of an (H, W, 3) image."""
    return np.asarray(cv2.cvtColor(image, cv2.COLOR_RGB2RGBA), np.uint8)
