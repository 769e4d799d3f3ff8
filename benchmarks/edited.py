"""Photographs edited in known ways: those that the offline back end has words for, and others.

Each edit is a function of the image, another image and a random generator; images are stored as
JPEGs of usual quality, so that unchanged pixels differ as they do in real pairs.
"""

from collections.abc import Callable
from random import Random

import cv2
import numpy as np
from numpy.typing import NDArray

Pixels = NDArray[np.uint8]
Edit = Callable[[Pixels, Pixels, Random], tuple[Pixels, Pixels]]


def _clip(values: NDArray[np.float64]) -> Pixels:
    return np.asarray(np.clip(values.round(), 0, 255), np.uint8)


def _result(of: Callable[[Pixels, Random], Pixels]) -> Edit:
    """The edit makes the result of the photograph."""
    return lambda rgb, _other, random: (rgb, of(rgb, random))


def _input(of: Callable[[Pixels, Random], Pixels]) -> Edit:
    """The photograph is the result; its input was spoiled."""
    return lambda rgb, _other, random: (of(rgb, random), rgb)


def _stored(rgb: Pixels, quality: int) -> bytes:
    return bytes(
        cv2.imencode(
            ".jpg", cv2.cvtColor(rgb, cv2.COLOR_RGB2BGR), [cv2.IMWRITE_JPEG_QUALITY, quality]
        )[1]
    )


def _grey(rgb: Pixels, _random: Random) -> Pixels:
    return np.repeat(cv2.cvtColor(rgb, cv2.COLOR_RGB2GRAY)[..., None], 3, axis=2)


def _gamma(rgb: Pixels, random: Random) -> Pixels:
    power = random.choice([0.45, 0.6, 1.6, 2.2])
    return _clip(255 * (rgb / 255.0) ** power)


def _gain(rgb: Pixels, random: Random) -> Pixels:
    return _clip(rgb * random.choice([0.5, 0.7, 1.3, 1.6]))


def _contrast(rgb: Pixels, random: Random) -> Pixels:
    return _clip((rgb - rgb.mean()) * random.choice([0.6, 1.5]) + rgb.mean())


def _cast(rgb: Pixels, random: Random) -> Pixels:
    return _clip(rgb * np.array(random.choice([(1.15, 1.0, 0.8), (0.85, 1.0, 1.2)])))


def _vivid(rgb: Pixels, random: Random) -> Pixels:
    grey = _grey(rgb, random).astype(np.float64)
    return _clip(grey + random.choice([0.45, 1.7]) * (rgb - grey))


def _blur(rgb: Pixels, random: Random) -> Pixels:
    return np.asarray(cv2.GaussianBlur(rgb, (0, 0), random.choice([1.5, 2.5, 4.0])))


def _noise(rgb: Pixels, random: Random) -> Pixels:
    generator = np.random.default_rng(random.randrange(10**9))
    return _clip(rgb + generator.normal(0, random.choice([12, 20, 30]), rgb.shape))


def _blocks(rgb: Pixels, random: Random) -> Pixels:
    data = np.frombuffer(_stored(rgb, random.choice([6, 10, 15])), np.uint8)
    return np.asarray(cv2.cvtColor(cv2.imdecode(data, cv2.IMREAD_COLOR), cv2.COLOR_BGR2RGB))


def _crop(rgb: Pixels, random: Random) -> Pixels:
    high, wide = rgb.shape[:2]
    top, left = (round(of * random.choice([0, 0.1, 0.2])) for of in (high, wide))
    bottom, right = (round(of * random.choice([0.7, 0.85, 0.95])) for of in (high, wide))
    return rgb[top:bottom, left:right]


def _larger(rgb: Pixels, random: Random) -> Pixels:
    return np.asarray(cv2.resize(rgb, None, fx=2, fy=2, interpolation=cv2.INTER_CUBIC))


def _smaller(rgb: Pixels, random: Random) -> Pixels:
    return np.asarray(cv2.resize(rgb, None, fx=0.5, fy=0.5, interpolation=cv2.INTER_AREA))


def _tilt(rgb: Pixels, random: Random) -> Pixels:
    high, wide = rgb.shape[:2]
    turn = cv2.getRotationMatrix2D((wide / 2, high / 2), random.choice([-7, 5, 12]), 1)
    return np.asarray(cv2.warpAffine(rgb, turn, (wide, high)))


def _patch(rgb: Pixels, other: Pixels, random: Random) -> tuple[Pixels, Pixels]:
    """A thing put in: a part of another photograph."""
    high, wide = (max(24, round(of * random.choice([0.1, 0.2, 0.35]))) for of in rgb.shape[:2])
    part = cv2.resize(other, (wide, high), interpolation=cv2.INTER_AREA)
    top, left = (random.randrange(max(1, a - b)) for a, b in zip(rgb.shape, (high, wide)))  # noqa: B905
    result = rgb.copy()
    result[top : top + high, left : left + wide] = part
    return rgb, result


def _patch_and_light(rgb: Pixels, other: Pixels, random: Random) -> tuple[Pixels, Pixels]:
    before, after = _patch(rgb, other, random)
    return before, _gain(after, random)


def _hue(rgb: Pixels, random: Random) -> Pixels:
    hsv = cv2.cvtColor(rgb, cv2.COLOR_RGB2HSV)
    hsv[..., 0] = (hsv[..., 0] + random.choice([30, 60, 90])) % 180
    return np.asarray(cv2.cvtColor(hsv, cv2.COLOR_HSV2RGB))


def _spot(rgb: Pixels, random: Random) -> Pixels:
    """Lighter in one place alone."""
    high, wide = rgb.shape[:2]
    y, x = np.mgrid[:high, :wide]
    light = np.exp(-(((y - high / 3) / high) ** 2 + ((x - wide / 2) / wide) ** 2) * 12)
    return _clip(rgb * (1 + 0.6 * light[..., None]))


def _text(rgb: Pixels, random: Random) -> Pixels:
    high, wide = rgb.shape[:2]
    words = random.choice(["GRAND OPENING", "SUMMER SALE", "Open Today", "FRESH COFFEE"])
    place, size = (wide // 10, round(high * random.choice([0.2, 0.5, 0.85]))), wide / 380
    copy = rgb.copy()
    copy = cv2.putText(copy, words, place, cv2.FONT_HERSHEY_DUPLEX, size, (0, 0, 0), 7, cv2.LINE_AA)
    return np.asarray(
        cv2.putText(
            copy, words, place, cv2.FONT_HERSHEY_DUPLEX, size, (255, 255, 255), 2, cv2.LINE_AA
        )
    )


EDITS: tuple[tuple[str, Edit], ...] = (
    ("black and white", _result(_grey)),
    ("another photograph", lambda rgb, other, _: (rgb, other)),
    ("gamma", _result(_gamma)),
    ("a patch", _patch),
    ("gain", _result(_gain)),
    ("text added", _result(_text)),
    ("contrast", _result(_contrast)),
    ("a patch and other light", _patch_and_light),
    ("cast", _result(_cast)),
    ("hue", _result(_hue)),
    ("saturation", _result(_vivid)),
    ("light in one place", _result(_spot)),
    ("deblur", _input(_blur)),
    ("nothing", _result(lambda rgb, _: rgb)),
    ("denoise", _input(_noise)),
    ("tilt", _result(_tilt)),
    ("decompress", _input(_blocks)),
    ("crop", _result(_crop)),
    ("extend", _input(_crop)),
    ("larger", _result(_larger)),
    ("smaller", _result(_smaller)),
    ("mirror", _result(lambda rgb, _: rgb[:, ::-1])),
    ("quarter turn", _result(lambda rgb, _: np.rot90(rgb))),
    ("negative", _result(lambda rgb, _: 255 - rgb)),
    ("colourise", _input(_grey)),
    ("text removed", _input(_text)),
    ("blur", _result(_blur)),
    ("noise", _result(_noise)),
)


def edit(rgb: Pixels, other: Pixels, number: int, random: Random) -> tuple[str, bytes, bytes]:
    """The ``number``-th edit (modulo their number) of a photograph: its name, input and result."""
    name, of = EDITS[number % len(EDITS)]
    qualities = random.choice([85, 92, 97]), random.choice([85, 92, 97])
    images = (np.ascontiguousarray(image) for image in of(rgb, other, random))
    before, after = (_stored(image, q) for image, q in zip(images, qualities, strict=True))
    return name, before, after
