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


def inscribe(random: Random, job: Job, canvas: Size, media: Sequence[Medium]) -> Inscribed:
    """A text of the job on one of the media. Raises ``UnrenderableError``."""
    chosen = writing.choose(random, job, media, canvas[0] * canvas[1])
    if chosen is None:
        raise UnrenderableError("no_medium", f"for such a text on {canvas}")
    paragraph, medium = chosen
    text = paragraph.text
    sun = light.choose(random)
    where = placing.stand(random, medium, writing.columns(text), canvas)
    if min(where.width, where.height) < _LEAST_SHEET:
        raise UnrenderableError("does_not_fit", f"a {medium.name.english} on {canvas}")
    sheet = medium.make(random, where.width, where.height, sun)
    sheet = replace(sheet, frame=where.visible(sheet.frame, canvas))
    block, lines = writing.compose(random, job, text, medium, sheet, _scale(where, sheet), canvas)
    below = _below(sheet, block)
    sheet, coverage, paint = _inked(random, sheet, block, below, lines, sun)
    flat = block.boxes()
    corners = np.array([box.quad for box in flat]).reshape(-1, 2)
    extent = geometry.edge(where.width, where.height)
    surface = placing.settle(random, where, sheet.bend, extent, corners, canvas)
    corners_seen = quads.seen(surface, block, flat).reshape(-1, 8)
    legibility.check_inside(corners_seen, *canvas)
    ends = np.array([box.quad for box in flat if box.level == "line"]).reshape(-1, 2)
    em = block.size * float(legibility.scales(surface, ends).min())
    legibility.check_size(em, limits.smallest_em(job.language, canvas))
    rounded = np.round(corners_seen, 3).tolist()
    boxes = tuple(
        TextBox(box.text, tuple(quad), box.level) for box, quad in zip(flat, rounded, strict=True)
    )
    role = ROLES.get(paragraph.genre, PLAIN_ROLE) if paragraph.genre else PLAIN_ROLE
    seen = surface, flat, boxes, em, where.beyond, lines, sun
    return Inscribed(medium, role, sheet, block, paint, below, coverage, *seen)


def _scale(where: placing.Stand, sheet: Sheet) -> float:
    """The least pixels of the image per pixel of the sheet in the text's frame."""
    frame = sheet.frame
    corners = geometry.corners(frame.width, frame.height, frame.left, frame.top)
    return float(legibility.scales(Surface(where.matrix, sheet.bend), corners).min())


def _inked(
    random: Random, sheet: Sheet, block: Block, below: RGB, lines: Lines, sun: Light
) -> tuple[Sheet, Pixels, RGB]:
    """The text laid on the sheet (its ground is changed), the coverage of its glyphs, its paint."""
    if sheet.rules:
        _rule(sheet, block)
    layer = np.zeros((*sheet.ground.shape[:2], 4), np.uint8)
    raster.render(layer, block.runs, (255, 255, 255))
    coverage = np.asarray(cv2.extractChannel(layer, 3), np.uint8)
    printed = coverage
    if sheet.arc and lines == "arc":
        printed = np.asarray(cv2.max(coverage, sheet.arc.emblem.mask), np.uint8)
    paint = _ink(sheet, block, below)
    inks.lay(sheet.ink, random, sheet.ground, printed, paint, sun)
    if sheet.finish:
        sheet = replace(sheet, ground=sheet.finish(random, sheet.ground))
    return sheet, coverage, paint


def _below(sheet: Sheet, block: Block) -> RGB:
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


def _rule(sheet: Sheet, block: Block) -> None:
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
