"""A text on a medium: chosen, set, inked, and the surface it is seen on.

What is known here is all that boxes and masks need; what it looks like in the end is ``rendered``.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from random import Random

import cv2
import numpy as np

from curation.picture.colours import RGB, contrast_ratio
from synthesis import raster
from synthesis.corpus import Paragraph
from synthesis.corpus.genres import PLAIN_ROLE, ROLES
from synthesis.image_sizes import Size
from synthesis.job import Job
from synthesis.pure import limits
from synthesis.raster import Pixels
from synthesis.sample import TextBox
from synthesis.scene import geometry, inks, legibility, light, placing, quads, writing
from synthesis.scene.geometry import Surface
from synthesis.scene.light import Light
from synthesis.scene.medium import Medium, Sheet
from synthesis.scene.streams import Streams, together
from synthesis.scene.writing import Lines
from synthesis.text.block import Block
from synthesis.unrenderable import UnrenderableError

_LEAST_SHEET = 64  # pixels: nothing legible fits on less
_SPARE = (2.2, 1.8, 1.5)  # inks contrast so much more before they are worn, lit and blurred


@dataclass(frozen=True)
class Inscribed:
    """``sheet`` with the text on it in ``paint``, ``coverage`` (H, W) of its glyphs alone, and its
    ``block``; ``ground`` is what was below it, ``role`` what captions call the text.

    ``flat`` are its boxes on the sheet, ``boxes`` the same in the image; ``em`` is the least
    pixels per em there; ``lines`` is how they go. The sheet goes ``beyond`` the image or lies
    within it.
    """

    medium: Medium
    role: str
    sheet: Sheet
    block: Block
    paint: RGB
    ground: RGB
    coverage: Pixels
    surface: Surface
    flat: tuple[TextBox, ...]
    boxes: tuple[TextBox, ...]
    em: float
    beyond: bool
    lines: Lines
    sun: Light

    def extent(self) -> tuple[float, float, float, float]:
        """Left, top, right and bottom of the text in the image."""
        corners = np.array([box.quad for box in self.boxes if box.level == "block"]).reshape(-1, 2)
        (left, top), (right, bottom) = corners.min(axis=0).tolist(), corners.max(axis=0).tolist()
        return left, top, right, bottom


@dataclass(frozen=True)
class Blank:
    """A sheet of the medium that nothing is written on, where it stands in an image."""

    medium: Medium
    where: placing.Stand
    sheet: Sheet
    sun: Light

    def smallest_scale(self) -> float:
        """The least pixels of the image per pixel of the sheet in the text's frame."""
        frame = self.sheet.frame
        corners = geometry.corners(frame.width, frame.height, frame.left, frame.top)
        return float(legibility.scales(Surface(self.where.matrix, self.sheet.bend), corners).min())

    def surface(self, random: Random, flat: Sequence[TextBox], canvas: Size) -> Surface:
        """The sheet settled in the image, with the boxes on it in sight."""
        corners = np.array([box.quad for box in flat]).reshape(-1, 2)
        extent = geometry.edge(self.where.width, self.where.height)
        return placing.settle(random, self.where, self.sheet.bend, extent, corners, canvas)


def inscribe(random: Random, job: Job, canvas: Size, media: Sequence[Medium]) -> Inscribed:
    """A text of the job on one of the media. Raises ``UnrenderableError``."""
    steps = together(random)
    paragraph, medium = choose(steps, job, canvas, media)
    blank = prepare(steps, medium, paragraph.text, canvas)
    block, lines = writing.compose(
        random, job, paragraph.text, medium, blank.sheet, blank.smallest_scale(), canvas
    )
    below = mean_below(blank.sheet, block)
    sheet, coverage, paint = inked(steps, blank.sheet, block, below, lines, blank.sun)
    flat = block.boxes()
    surface = blank.surface(random, flat, canvas)
    boxes, em = in_sight(surface, block, flat, job.language, canvas)
    seen = surface, flat, boxes, em, blank.where.beyond, lines, blank.sun
    role = role_of(paragraph)
    return Inscribed(medium, role, sheet, block, paint, below, coverage, *seen)


def choose(
    steps: Streams, job: Job, canvas: Size, media: Sequence[Medium]
) -> tuple[Paragraph, Medium]:
    """A text of the job and one of the media for it. Raises ``UnrenderableError``."""
    chosen = writing.choose(steps("text"), job, media, canvas[0] * canvas[1])
    if chosen is None:
        raise UnrenderableError("no_medium", f"for such a text on {canvas}")
    return chosen


def role_of(paragraph: Paragraph) -> str:
    """What captions call the text."""
    return ROLES.get(paragraph.genre, PLAIN_ROLE) if paragraph.genre else PLAIN_ROLE


def prepare(steps: Streams, medium: Medium, text: str, canvas: Size) -> Blank:
    """A sheet of the medium for a text of that length, in sight. Raises ``UnrenderableError``."""
    sun = light.choose(steps("sun"))
    where = placing.stand(steps("stand"), medium, writing.columns(text), canvas)
    if min(where.width, where.height) < _LEAST_SHEET:
        raise UnrenderableError("does_not_fit", f"a {medium.name.english} on {canvas}")
    sheet = medium.make(steps("sheet"), where.width, where.height, sun)
    return Blank(medium, where, replace(sheet, frame=where.visible(sheet.frame, canvas)), sun)


def in_sight(
    surface: Surface, block: Block, flat: Sequence[TextBox], language: str, canvas: Size
) -> tuple[tuple[TextBox, ...], float]:
    """The boxes as the image has them, and the least pixels per em there.

    Raises ``UnrenderableError`` where they are not all in it, or too small.
    """
    corners_seen = quads.seen(surface, block, flat).reshape(-1, 8)
    legibility.check_inside(corners_seen, *canvas)
    ends = np.array([box.quad for box in flat if box.level == "line"]).reshape(-1, 2)
    em = block.size * float(legibility.scales(surface, ends).min())
    legibility.check_size(em, limits.smallest_em(language, canvas))
    rounded = np.round(corners_seen, 3).tolist()
    boxes = (
        TextBox(box.text, tuple(quad), box.level) for box, quad in zip(flat, rounded, strict=True)
    )
    return tuple(boxes), em


def inked(
    steps: Streams,
    sheet: Sheet,
    block: Block,
    below: RGB,
    lines: Lines,
    sun: Light,
    paint: RGB | None = None,
) -> tuple[Sheet, Pixels, RGB]:
    """The text laid on the sheet (its ground is changed), the coverage of its glyphs, its paint:
    one of the sheet's inks where none is given.
    """
    if sheet.rules:
        rule(sheet, block)
    layer = np.zeros((*sheet.ground.shape[:2], 4), np.uint8)
    raster.render(layer, block.runs, (255, 255, 255))
    coverage = np.asarray(cv2.extractChannel(layer, 3), np.uint8)
    printed = coverage
    if sheet.arc and lines == "arc":
        printed = np.asarray(cv2.max(coverage, sheet.arc.emblem.mask), np.uint8)
    paint = paint or _ink(sheet, block, below)
    inks.lay(sheet.ink, steps("ink"), sheet.ground, printed, paint, sun)
    return finished(steps, sheet), coverage, paint


def finished(steps: Streams, sheet: Sheet) -> Sheet:
    """The sheet with what goes over its ink."""
    if sheet.finish is None:
        return sheet
    return replace(sheet, ground=sheet.finish(steps("finish"), sheet.ground))


def mean_below(sheet: Sheet, block: Block) -> RGB:
    """The mean colour where the text will be."""
    left, top, right, bottom = (max(0, int(edge)) for edge in block.box)
    red, green, blue, _ = cv2.mean(sheet.ground[top : bottom + 1 : 3, left : right + 1 : 3])
    return round(red), round(green), round(blue)


def _ink(sheet: Sheet, block: Block, ground: RGB) -> RGB:
    """The first of the sheet's inks that contrasts far more than enough with what is below it."""
    large = block.size >= legibility.LARGE
    least = legibility.LEAST_CONTRAST_LARGE if large else legibility.LEAST_CONTRAST
    for spare in _SPARE:
        for ink in sheet.inks:
            if contrast_ratio(ink, ground) >= least * spare:
                return ink
    raise UnrenderableError("low_contrast", f"no ink of the medium on {ground}")


def rule(sheet: Sheet, block: Block) -> None:
    """Lines under the lines of the text and as far as the sheet goes, in place."""
    baselines = sorted({origin[1] for run in block.runs for origin in run.origins})
    pitch = block.size * 1.6
    if len(baselines) > 1:
        steps = np.diff(baselines)
        pitch = float(np.median(steps[steps > 0.8 * block.size])) if steps.max() > 4 else pitch
    first = baselines[0] + 0.24 * block.size
    height, width = sheet.ground.shape[:2]
    before = int((first - 0.09 * height) // pitch)
    after = int((0.95 * height - first) // pitch)
    for number in range(-before, after + 1):
        row = round(first + number * pitch)
        cv2.line(sheet.ground, (0, row), (width, row), sheet.rules, 1, cv2.LINE_AA)
