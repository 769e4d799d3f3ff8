"""Restoration: the source is a clean image, damaged so that one sees it; the result is clean.

What is damaged can be told from what is left of it: letters stay large enough beside the blur, and
what is cut off holds no text.
"""

import math
from collections.abc import Callable
from dataclasses import replace
from random import Random
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from synthesis.description import Name
from synthesis.edits.clean import Clean, clean
from synthesis.edits.edit import Change, Edit
from synthesis.edits.scenes.studio import opaque
from synthesis.job import Job
from synthesis.raster import Pixels
from synthesis.sample import TextBox
from synthesis.unrenderable import UnrenderableError

_NAMED_SHARE, _AMOUNT_SHARE = 0.6, 0.6
_LEAST_SEEN, _SEEN_SHARE = 14.0, 0.03  # levels by which so many of the samples differ
_BLUR = (0.07, 0.13)  # of a line's height: the standard deviation
_MOTION = (0.25, 0.45)  # of a line's height: the way
_SMALL_LINE, _NO_LINE = 14.0, 34.0  # pixels: small lines, and what images without text count as
_QUALITY, _QUALITY_SMALL = (9, 20), (11, 22)  # of JPEG
_BETTER = 3  # of quality, until colours are kept
_DRIFT, _DRIFT_SIDE = 8.0, 16  # levels, of squares of that side: by how much colours may be off
_LEAST_CUT, _MOST_CUT = 0.14, 0.4  # of a side
_MARGIN = 8  # pixels around texts
_MOST_DEGREES = 12
_FILLS = (0, 128, 255)
_FILL_APART = 60.0  # levels of grey, at least, between what surrounds an image and its edge
SIDES = {
    "left": Name("on the left", "左侧"),
    "right": Name("on the right", "右侧"),
    "top": Name("at the top", "上方"),
    "bottom": Name("at the bottom", "下方"),
}
_TURNS = {  # what is turned by so many quarters against the clock is set upright by
    1: Name("90 degrees clockwise", "顺时针旋转90度"),
    2: Name("180 degrees", "旋转180度"),
    3: Name("90 degrees counterclockwise", "逆时针旋转90度"),
}


def deblur(random: Random, job: Job) -> Edit:
    """Out of focus, or moved. Raises ``UnrenderableError``."""
    return _damaged(random, job, "restoration.deblur", random.choice((_defocused, _moved)))


def denoise(random: Random, job: Job) -> Edit:
    """Noise of a sensor, or specks. Raises ``UnrenderableError``."""
    return _damaged(random, job, "restoration.denoise", random.choice((_noisy, _specked)))


def decompress(random: Random, job: Job) -> Edit:
    """What JPEG leaves at a low quality. Raises ``UnrenderableError``."""
    return _damaged(random, job, "restoration.decompress", _compressed)


def _damaged(
    random: Random, job: Job, operation: str, damage: Callable[[Random, Pixels, float], Pixels]
) -> Edit:
    image = clean(random, job)
    height = image.line_height() or _NO_LINE
    source = opaque(damage(random, np.ascontiguousarray(image.pixels[..., :3]), height))
    check_seen(source, image.pixels)
    return _restored(random, image, source, image.boxes, Change(operation))


def _restored(
    random: Random, image: Clean, source: Pixels, boxes: tuple[TextBox, ...], change: Change
) -> Edit:
    thing = image.thing if random.random() < _NAMED_SHARE else None
    said = replace(change, thing=thing)
    return Edit(source, image.pixels, None, boxes, image.boxes, said, image.font)


def check_seen(source: Pixels, target: Pixels) -> None:
    """Raise ``UnrenderableError`` (``faint``) where hardly anything differs to the eye."""
    differs = cv2.absdiff(source, target)[..., :3]
    if float(np.quantile(differs, 1 - _SEEN_SHARE)) < _LEAST_SEEN:
        raise UnrenderableError("faint", "damage that is not seen")


def _defocused(random: Random, image: Pixels, line: float) -> Pixels:
    sigma = min(4.0, max(0.9, random.uniform(*_BLUR) * line))
    return np.asarray(cv2.GaussianBlur(image, (0, 0), sigma), np.uint8)


def _moved(random: Random, image: Pixels, line: float) -> Pixels:
    way = min(22.0, max(3.0, random.uniform(*_MOTION) * line))
    angle = random.uniform(0, math.pi)
    side = 2 * math.ceil(way / 2) + 3
    kernel = np.zeros((side, side), np.float32)
    steps = np.linspace(-way / 2, way / 2, 8 * side)
    x, y = (side // 2 + steps * turn for turn in (math.cos(angle), math.sin(angle)))
    np.add.at(kernel, (np.rint(y).astype(int), np.rint(x).astype(int)), 1)
    moved = cv2.filter2D(image, -1, kernel / kernel.sum(), borderType=cv2.BORDER_REPLICATE)
    return np.asarray(moved, np.uint8)


def _noisy(random: Random, image: Pixels, line: float) -> Pixels:
    chance = np.random.default_rng(random.getrandbits(64))
    strength = random.uniform(14, 36)
    shape = image.shape if random.random() < 0.6 else (*image.shape[:2], 1)
    noise = chance.standard_normal(shape, np.float32) * np.float32(strength)
    return np.clip(image + noise, 0, 255).astype(np.uint8)


def _specked(random: Random, image: Pixels, line: float) -> Pixels:
    chance = np.random.default_rng(random.getrandbits(64))
    level = chance.random(image.shape[:2], np.float32)
    share = random.uniform(0.02, 0.05)
    specked = image.copy()
    specked[level < share] = 0
    specked[level > 1 - share] = 255
    return specked


def _compressed(random: Random, image: Pixels, line: float) -> Pixels:
    quality = random.randint(*(_QUALITY_SMALL if line < _SMALL_LINE else _QUALITY))
    while _drift(compressed := _jpeg(image, quality), image) > _DRIFT:
        quality += _BETTER
    return compressed


def _drift(image: Pixels, original: Pixels) -> float:
    """By how many levels large areas have another colour, which nothing left of them tells."""
    size = max(1, image.shape[1] // _DRIFT_SIDE), max(1, image.shape[0] // _DRIFT_SIDE)
    means = [
        cv2.resize(of, size, interpolation=cv2.INTER_AREA).astype(np.float32)
        for of in (image, original)
    ]
    return float(np.quantile(cv2.absdiff(*means).max(axis=2), 0.75))


def _jpeg(image: Pixels, quality: int) -> Pixels:
    bgr = cv2.cvtColor(image, cv2.COLOR_RGB2BGR)
    done, encoded = cv2.imencode(".jpg", bgr, (cv2.IMWRITE_JPEG_QUALITY, quality))
    if not done:
        raise RuntimeError(f"OpenCV could not encode a {image.shape} image as JPEG")
    return np.asarray(cv2.cvtColor(cv2.imdecode(encoded, 1), cv2.COLOR_BGR2RGB), np.uint8)


def uncrop(random: Random, job: Job) -> Edit:
    """A part of the image, alone or on the canvas. Raises ``UnrenderableError``."""
    image = clean(random, job, layouts=False)  # of which more than texts would be cut off
    width, height = image.size
    free = _free(image)
    sides = [side for side, share in free.items() if share >= _LEAST_CUT]
    if not sides:
        raise UnrenderableError("full_of_text", f"{width}x{height}")
    chosen = sides if len(sides) > 1 and random.random() < 0.4 else [random.choice(sides)]
    cut = {
        side: random.uniform(_LEAST_CUT, min(_MOST_CUT, free[side])) if side in chosen else 0.0
        for side in SIDES
    }
    left, top = round(cut["left"] * width), round(cut["top"] * height)
    right, bottom = width - round(cut["right"] * width), height - round(cut["bottom"] * height)
    part = image.pixels[top:bottom, left:right]
    if random.random() < 0.5:
        source, boxes = np.ascontiguousarray(part), _through(image.boxes, 1, 0, -left, 0, 1, -top)
    else:
        source = np.full_like(image.pixels, _fill(random, part))
        source[..., 3] = 255
        source[top:bottom, left:right] = part
        boxes = image.boxes
    place = SIDES[chosen[0]] if len(chosen) == 1 else None
    return _restored(random, image, source, boxes, Change("restoration.uncrop", place=place))


def _fill(random: Random, part: Pixels) -> int:
    """A grey that can be told from the edge of what it is around."""
    grey = cv2.cvtColor(part, cv2.COLOR_RGBA2GRAY)
    edge = np.concatenate([grey[0], grey[-1], grey[:, 0], grey[:, -1]])
    below = float(np.median(edge))
    return random.choice([fill for fill in _FILLS if abs(fill - below) >= _FILL_APART])


def _free(image: Clean) -> dict[str, float]:
    """How much of each side holds no text, as a share."""
    width, height = image.size
    if not image.boxes:
        return dict.fromkeys(SIDES, _MOST_CUT)
    corners = np.array([box.quad for box in image.boxes]).reshape(-1, 2)
    (left, top), (right, bottom) = corners.min(axis=0).tolist(), corners.max(axis=0).tolist()
    return {
        "left": (left - _MARGIN) / width,
        "right": 1 - (right + _MARGIN) / width,
        "top": (top - _MARGIN) / height,
        "bottom": 1 - (bottom + _MARGIN) / height,
    }


def rotate(random: Random, job: Job) -> Edit:
    """Turned by quarters, which nothing is lost by, or by some degrees on a larger canvas that
    holds all of it. Raises ``UnrenderableError``.
    """
    image = clean(random, job)
    tilted = random.random() >= 0.5
    source, boxes, amount = (_degrees if tilted else _quarters)(random, image)
    said = amount if random.random() < _AMOUNT_SHARE else None
    change = Change("restoration.rotate", amount=said, tilted=tilted)
    return _restored(random, image, source, boxes, change)


def _quarters(random: Random, image: Clean) -> tuple[Pixels, tuple[TextBox, ...], Name]:
    quarters, (width, height) = random.choice((1, 2, 3)), image.size
    source = np.ascontiguousarray(np.rot90(image.pixels, quarters))
    matrix = {
        1: (0, 1, 0, -1, 0, width),
        2: (-1, 0, width, 0, -1, height),
        3: (0, -1, height, 1, 0, 0),
    }[quarters]
    return source, _through(image.boxes, *matrix), _TURNS[quarters]


def _degrees(random: Random, image: Clean) -> tuple[Pixels, tuple[TextBox, ...], Name]:
    degrees, clockwise = random.randint(2, _MOST_DEGREES), random.random() < 0.5
    angle = math.radians(-degrees if clockwise else degrees)  # the source; it is turned back
    width, height = image.size
    cosine, sine = math.cos(angle), math.sin(angle)
    across = math.ceil(width * cosine + height * abs(sine))
    down = math.ceil(height * cosine + width * abs(sine))
    x = across / 2 - (cosine * width / 2 - sine * height / 2)
    y = down / 2 - (sine * width / 2 + cosine * height / 2)
    matrix = np.array([[cosine, -sine, x], [sine, cosine, y]])
    half = matrix.copy()  # pixels are centred on half coordinates
    half[:, 2] += matrix[:, :2] @ (0.5, 0.5) - 0.5
    fill = _fill(random, image.pixels)
    turned = cv2.warpAffine(
        image.pixels,
        half,
        (across, down),
        flags=cv2.INTER_CUBIC,
        borderMode=cv2.BORDER_CONSTANT,
        borderValue=(fill, fill, fill, 255),
    )
    word, hanzi = ("clockwise", "顺时针") if clockwise else ("counterclockwise", "逆时针")
    amount = Name(f"{degrees} degrees {word}", f"{hanzi}旋转{degrees}度")
    return np.asarray(turned, np.uint8), _through(image.boxes, *matrix.reshape(-1).tolist()), amount


def _through(boxes: tuple[TextBox, ...], *matrix: float) -> tuple[TextBox, ...]:
    """The boxes through an affine map, given by its two rows."""
    if not boxes:
        return ()
    rows: NDArray[np.float64] = np.array(matrix, np.float64).reshape(2, 3)
    corners = np.array([box.quad for box in boxes]).reshape(-1, 2)
    mapped: list[Any] = np.round(corners @ rows[:, :2].T + rows[:, 2], 3).reshape(-1, 8).tolist()
    return tuple(
        TextBox(box.text, tuple(quad), box.level) for box, quad in zip(boxes, mapped, strict=True)
    )


def scaled(boxes: tuple[TextBox, ...], x: float, y: float) -> tuple[TextBox, ...]:
    """The boxes of an image that is stretched."""
    return _through(boxes, x, 0, 0, 0, y, 0)
