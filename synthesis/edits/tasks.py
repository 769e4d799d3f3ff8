"""Tasks from image to image: frames around texts, masks, edges, more resolution."""

import math
from collections.abc import Sequence
from random import Random

import cv2
import numpy as np

from curation.picture.colours import COLOURS, RGB, Colour, contrast_ratio, lab
from synthesis.description import Name
from synthesis.edits.clean import Clean, clean
from synthesis.edits.edit import Change, Edit
from synthesis.edits.restoration import check_seen, scaled
from synthesis.edits.scenes import regions
from synthesis.edits.scenes.studio import opaque
from synthesis.edits.scenes.texts import quotable
from synthesis.job import Job
from synthesis.raster import Pixels
from synthesis.sample import Quad, TextBox
from synthesis.unrenderable import UnrenderableError

_FRAMES = [COLOURS[name] for name in ("red", "green", "blue", "orange", "yellow", "magenta")]
_MOST_FRAMES = 40
_PAD, _THIN = 3.0, 240  # pixels around a text; the image's side over the width of a frame
_CONTRAST = 2.4  # of frames with what they lie on, all together
_APART = 35.0  # CIELAB: of each one from what it lies on
_FRACTION = 4  # bits: corners are placed to a sixteenth of a pixel
_INK = 127  # of 255: glyphs cover so much of a pixel that is theirs
_CANNY = (100, 200)  # the thresholds of the gradient, of levels of grey
_LEAST_LINE = 8.0  # pixels, of the smallest line in the input: below, letters are guessed
_NAMED_SHARE = 0.6
_AMOUNTS = {
    2: Name("to twice its size", "到原来的2倍"),
    3: Name("to three times its size", "到原来的3倍"),
    4: Name("to four times its size", "到原来的4倍"),
}


def boxes(random: Random, job: Job) -> Edit:
    """Every line of text framed in a named colour, or one text. Raises ``UnrenderableError``."""
    image = clean(random, job, own=False)
    quads, change = _framed(random, image)
    colour = _frame_colour(random, image, quads)
    target = np.ascontiguousarray(image.pixels[..., :3])
    _draw(target, quads, colour.rgb)
    drawn = np.zeros(image.pixels.shape[:2], np.uint8)
    _draw(drawn, quads, (255,))
    change = Change(change.operation, change.old, thing=change.thing, colour=colour)
    mask = regions.softened(drawn)
    return _set(image, opaque(target), mask, image.boxes, change)


def _framed(random: Random, image: Clean) -> tuple[list[Quad], Change]:
    """What is framed, and how it is named."""
    lines = [box.quad for box in image.boxes if box.level == "line"]
    blocks = [box for box in image.boxes if box.level == "block"]
    ways = [(lines, Change("task.boxes"))] * 3 if 1 < len(lines) <= _MOST_FRAMES else []
    ways += [
        ([box.quad for box in part.boxes if box.level == "block"], _of(part.name))
        for part in image.parts
        if part.boxes
    ] * 2
    texts = [box.text for box in blocks]
    once = [
        box for box in blocks if quotable(box.text) and sum(box.text in of for of in texts) == 1
    ]
    if once:
        box = random.choice(once)
        ways.append(([box.quad], Change("task.boxes", old=box.text)))
    if not ways:
        raise UnrenderableError("nothing_to_frame", f"{len(lines)} lines")
    return random.choice(ways)


def _of(thing: Name) -> Change:
    return Change("task.boxes", thing=thing)


def _frame_colour(random: Random, image: Clean, quads: Sequence[Quad]) -> Colour:
    """A colour that stands out from what every one of the frames lies on."""
    below = _below(image, quads)
    each = [lab(_below(image, [quad])) for quad in quads]
    plain = [
        colour
        for colour in _FRAMES
        if contrast_ratio(colour.rgb, below) >= _CONTRAST
        and all(math.dist(lab(colour.rgb), ground) >= _APART for ground in each)
    ]
    if not plain:
        raise UnrenderableError("no_colour", f"for frames on {below}")
    return random.choice(plain)


def _below(image: Clean, quads: Sequence[Quad]) -> RGB:
    drawn = np.zeros(image.pixels.shape[:2], np.uint8)
    _draw(drawn, quads, (255,))
    red, green, blue, _ = cv2.mean(image.pixels, drawn)
    return round(red), round(green), round(blue)


def _draw(image: Pixels, quads: Sequence[Quad], value: tuple[int, ...]) -> None:
    """Frames a little outside of the quads, in place."""
    thick = max(2, round(min(image.shape[:2]) / _THIN) // 2 * 2)  # drawn as one more
    for quad in quads:
        corners = np.array(quad).reshape(4, 2)
        for start, end in ((0, 1), (3, 2), (0, 3), (1, 2)):
            way = corners[end] - corners[start]
            step = (_PAD + thick / 2) * way / max(float(np.hypot(*way)), 1e-6)
            corners[start], corners[end] = corners[start] - step, corners[end] + step
        points = np.round(corners * (1 << _FRACTION)).astype(np.int32)
        cv2.polylines(image, [points], True, value, thick, cv2.LINE_AA, _FRACTION)


def mask(random: Random, job: Job) -> Edit:
    """White where all text is, or a thing that has a name. Raises ``UnrenderableError``."""
    image = clean(random, job, own=False)
    assert image.coverage is not None, "of what is rendered the glyphs are known"
    coverage, shown, thing = image.coverage, image.boxes, None
    if image.parts and random.random() < 0.5:
        part = random.choice(image.parts)
        coverage, shown, thing = part.coverage, part.boxes, part.name
    white = np.where(coverage > _INK, 255, 0).astype(np.uint8)
    target = opaque(np.asarray(cv2.merge([white] * 3), np.uint8))
    return _set(image, target, None, shown, Change("task.mask", thing=thing))


def edges(random: Random, job: Job) -> Edit:
    """The image's edges by Canny, white on black. Raises ``UnrenderableError``."""
    image = clean(random, job)
    grey = cv2.cvtColor(image.pixels, cv2.COLOR_RGBA2GRAY)
    lines = cv2.Canny(grey, *_CANNY)
    target = opaque(np.asarray(cv2.merge([lines] * 3), np.uint8))
    return _set(image, target, None, (), Change("task.edges", thing=_named(random, image)))


def super_resolution(random: Random, job: Job) -> Edit:
    """The image at a half to a quarter, as it is or enlarged. Raises ``UnrenderableError``."""
    image = clean(random, job)
    line = image.line_height()
    times = [k for k in _AMOUNTS if line is None or line / k >= _LEAST_LINE]
    if not times:
        raise UnrenderableError("too_small", f"lines of {line:.0f} px for a half")
    factor, (width, height) = random.choice(times), image.size
    across, down = width // factor * factor, height // factor * factor
    if across < width or down < height:
        image = _cropped(image, across, down)
    size = across // factor, down // factor
    small = cv2.resize(image.pixels, size, interpolation=cv2.INTER_AREA)
    enlarged = random.random() < 0.5
    source, shown = np.asarray(small, np.uint8), scaled(image.boxes, 1 / factor, 1 / factor)
    if enlarged:
        source = np.asarray(
            cv2.resize(small, (across, down), interpolation=cv2.INTER_CUBIC), np.uint8
        )
        shown = image.boxes
        check_seen(source, image.pixels)
    change = Change(
        "task.super_resolution",
        thing=_named(random, image),
        amount=None if enlarged else _AMOUNTS[factor],
    )
    return Edit(source, image.pixels, None, shown, image.boxes, change, image.font)


def _cropped(image: Clean, width: int, height: int) -> Clean:
    """The image without its last columns and rows, which hold no text."""
    corners = np.array([box.quad for box in image.boxes]).reshape(-1, 2)
    if image.boxes and (corners.max(axis=0) > (width, height)).any():
        raise UnrenderableError("full_of_text", "up to the edge")
    return Clean(
        np.ascontiguousarray(image.pixels[:height, :width]), image.boxes, image.font, image.thing
    )


def _named(random: Random, image: Clean) -> Name | None:
    return image.thing if random.random() < _NAMED_SHARE else None


def _set(
    image: Clean,
    target: Pixels,
    mask: Pixels | None,
    after: tuple[TextBox, ...],
    change: Change,
) -> Edit:
    return Edit(image.pixels, target, mask, image.boxes, after, change, image.font)
