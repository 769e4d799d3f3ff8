"""Mode scene: texts on things, in pictures.

A medium makes a sheet; the text is set and inked on it; the sheet is bent and seen in perspective
before its surroundings, lit, and taken with a camera. Whatever cannot be read in the end is
rejected with its reason.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from random import Random

import cv2
import numpy as np

from synthesis import drawing
from synthesis.canvas import Size
from synthesis.colours import RGB, contrast_ratio
from synthesis.description import Description, Words
from synthesis.drawing import Pixels
from synthesis.fonts.files import FontFile
from synthesis.job import Job
from synthesis.problems import UnrenderableError
from synthesis.pure.captions import quoted
from synthesis.sample import Rejected, Sample, TextBox
from synthesis.scene import (
    camera,
    geometry,
    inks,
    legibility,
    light,
    naming,
    placing,
    scenery,
    writing,
)
from synthesis.scene.geometry import Surface
from synthesis.scene.light import Light
from synthesis.scene.media import all_media
from synthesis.scene.medium import Medium, Sheet
from synthesis.text.block import Block

_SPARE = 1.3  # inks contrast so much more before they are worn, lit and blurred


@dataclass(frozen=True)
class _Inked:
    """A sheet with its text on it: ``coverage`` (H, W) is the glyphs alone."""

    sheet: Sheet
    block: Block
    face: FontFile
    coverage: Pixels


def draw(random: Random, job: Job) -> Sample | Rejected:
    """One sample or the reason why its text was discarded."""
    try:
        return _draw(random, job, all_media())
    except UnrenderableError as problem:
        return Rejected(problem.reason, problem.detail)


def _draw(random: Random, job: Job, media: Sequence[Medium]) -> Sample:
    canvas = random.choice(job.sizes)
    chosen = writing.choose(random, job, media, canvas[0] * canvas[1])
    if chosen is None:
        raise UnrenderableError("no_medium", f"for such a text on {canvas}")
    text, medium = chosen
    sun = light.choose(random)
    where = placing.stand(random, medium, canvas)
    sheet = medium.make(random, where.width, where.height, sun)
    inked = _inked(random, job, text, medium, sheet, where, canvas, sun)
    extent = geometry.edge(where.width, where.height)
    corners = np.array([box.quad for box in inked.block.boxes()]).reshape(-1, 2)
    surface = placing.settle(random, where, sheet.bend, extent, corners, canvas)
    quads = surface.project(corners).reshape(-1, 8)
    legibility.check_inside(quads, *canvas)
    em = inked.block.size * float(legibility.scales(surface, corners).min())
    legibility.check_size(em, legibility.smallest(job.language))
    scene = scenery.compose(
        random,
        medium,
        inked.sheet,
        inked.coverage,
        surface,
        sun,
        canvas,
        job.backgrounds,
        beyond=where.beyond,
    )
    stem = legibility.stem(scene.coverage)
    legibility.check_stem(stem)
    legibility.check_occlusion(scene.coverage, scene.before)
    picture = camera.taken(random, scene.picture, stem)
    boxes = _boxes(inked.block, quads)
    centres = np.array([box.quad for box in boxes if box.level == "glyph"])
    centres = centres.reshape(-1, 4, 2).mean(axis=1)
    seen = legibility.measure(picture, scene.coverage, centres, em)
    legibility.check_contrast(seen, em)
    shown = _description(text, medium, inked.face, seen, centres.mean(axis=0) / canvas, scene)
    return Sample(
        image=camera.encode(picture),
        width=canvas[0],
        height=canvas[1],
        text=text,
        caption=_caption(random, job.language, shown),
        language=job.language,
        boxes=boxes,
        font=inked.face.postscript,
    )


def _inked(
    random: Random,
    job: Job,
    text: str,
    medium: Medium,
    sheet: Sheet,
    where: placing.Stand,
    canvas: Size,
    sun: Light,
) -> _Inked:
    """The text set and inked on the sheet."""
    sheet = replace(sheet, frame=where.visible(sheet.frame, canvas))
    frame = sheet.frame
    corners = geometry.corners(frame.width, frame.height, frame.left, frame.top)
    scale = float(legibility.scales(Surface(where.matrix, sheet.bend), corners).min())
    block, face = writing.compose(random, job, text, medium, sheet, scale)
    if sheet.rules:
        _rule(sheet, block)
    layer = np.zeros((*sheet.ground.shape[:2], 4), np.uint8)
    drawing.draw(layer, block.runs, (255, 255, 255))
    coverage = np.ascontiguousarray(layer[..., 3])
    rgb = _ink(sheet, block)
    ground = sheet.ground
    inks.lay(sheet.ink, random, ground, coverage, rgb, sun)
    if sheet.finish:
        ground = sheet.finish(random, ground)
    return _Inked(replace(sheet, ground=ground), block, face, coverage)


def _ink(sheet: Sheet, block: Block) -> RGB:
    """The first of the sheet's inks that contrasts more than enough with what is below the text."""
    left, top, right, bottom = (max(0, int(edge)) for edge in block.box)
    red, green, blue, _ = cv2.mean(sheet.ground[top : bottom + 1 : 3, left : right + 1 : 3])
    ground = (round(red), round(green), round(blue))
    large = block.size >= legibility.LARGE
    least = legibility.LEAST_CONTRAST_LARGE if large else legibility.LEAST_CONTRAST
    wanted = least * _SPARE * (1 if large else 1.15)
    found = next((one for one in sheet.inks if contrast_ratio(one, ground) >= wanted), None)
    if found is None:
        raise UnrenderableError("low_contrast", f"no ink of the medium on {ground}")
    return found


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


def _boxes(block: Block, quads: np.ndarray) -> tuple[TextBox, ...]:
    rounded = np.round(quads, 3).tolist()
    return tuple(
        TextBox(box.text, tuple(quad), box.level)
        for box, quad in zip(block.boxes(), rounded, strict=True)
    )


def _description(
    text: str,
    medium: Medium,
    face: FontFile,
    seen: legibility.Seen,
    middle: np.ndarray,
    scene: scenery.Scene,
) -> Description:
    words = Words(text, "text", naming.nearest(seen.ink), float(middle[0]), float(middle[1]))
    return Description(
        kind=medium.name,
        words=(words,),
        background=naming.nearest(seen.ground),
        writing="handwritten" if writing.is_hand(face) else "printed",
        surroundings=scene.surroundings,
        image_type="photo",
    )


def _caption(random: Random, language: str, shown: Description) -> str:
    """The caption of what is shown."""
    (words,) = shown.words
    names = [one.name(language) for one in (shown.kind, words.ink, shown.background)]
    said = quoted(language, words.text)
    if language == "zh":
        return f"一张照片：{names[2]}的{names[0]}上有{names[1]}的文字{said}。"
    return f"A photo of a {names[0]}, {names[2]}, with {shown.writing} {names[1]} text: {said}"
