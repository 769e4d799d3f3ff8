"""Ladders of damage: copies of clean photographs with one defect at rising strengths.

Strength means: Gaussian deviation, motion length in pixels and palette size in colours at 512
pixels on the long side; factor of enlarging; factor of brightness, of contrast about 128, of
saturation about the mean of the channels; deviation of noise and offset in levels; JPEG quality.
Everything depends on the photograph's name, the defect and its strength alone.
"""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image

RGB = NDArray[np.uint8]
LONG_SIDE = 512  # pixels: damage is done at this size
SHORTEST = 256  # pixels of the short side after fitting; smaller photographs give no copies
CLIPPED = 254  # a channel from here on has lost its detail
_TURN = np.random.Generator  # what a damage may be random by


@dataclass(frozen=True)
class Ladder:
    """A defect: how it is made, how strong, and the strength that the project's bar names.

    ``bar`` is None where no bar is set. ``rising`` strengths are worse the larger they are.
    ``storing`` is how the copy is stored: "web" as photographs of the web are, "as said" as the
    damage stores it itself.
    """

    name: str
    damage: Callable[[RGB, float, _TURN], RGB | bytes]
    strengths: tuple[float, ...]
    bar: float | None = None
    recall: float = 0.95


def fitted(rgb: RGB, long_side: int = LONG_SIDE) -> RGB | None:
    """The photograph reduced to ``long_side``; None where it is too small for that."""
    height, width = rgb.shape[:2]
    scale = long_side / max(height, width)
    size = round(width * scale), round(height * scale)
    if scale > 1.05 or min(size) < SHORTEST:
        return None
    kind = cv2.INTER_AREA if scale < 1 else cv2.INTER_CUBIC
    return np.asarray(cv2.resize(rgb, size, interpolation=kind), np.uint8)


def generator(*names: object) -> np.random.Generator:
    """Random numbers that depend on what is named alone."""
    digest = hashlib.blake2b(repr(names).encode(), digest_size=8).digest()
    return np.random.default_rng(int.from_bytes(digest, "big"))


def stored(rgb: RGB, turn: np.random.Generator) -> bytes:
    """As files of the web are: JPEG 93 (60 %), 80, 97 without chroma subsampling, or PNG."""
    kind = turn.random()
    if kind < 0.6:
        return jpeg(rgb, 93)
    if kind < 0.75:
        return jpeg(rgb, 80)
    return jpeg(rgb, 97, full_chroma=True) if kind < 0.9 else png(rgb)


def jpeg(rgb: RGB, quality: float, full_chroma: bool = False) -> bytes:
    """JPEG bytes; colour at half the resolution unless in ``full_chroma``."""
    sampling = cv2.IMWRITE_JPEG_SAMPLING_FACTOR_444 if full_chroma else 0x221111
    given = [cv2.IMWRITE_JPEG_QUALITY, int(quality), cv2.IMWRITE_JPEG_SAMPLING_FACTOR, sampling]
    return bytes(cv2.imencode(".jpg", rgb[..., ::-1], given)[1])


def png(rgb: RGB) -> bytes:
    """PNG bytes, compressed fast."""
    return bytes(cv2.imencode(".png", rgb[..., ::-1], [cv2.IMWRITE_PNG_COMPRESSION, 1])[1])


def _again(data: bytes) -> RGB:
    bgr = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR)
    return np.ascontiguousarray(bgr[..., ::-1])


def _levels(values: NDArray[np.floating]) -> RGB:
    return np.clip(np.rint(values), 0, 255).astype(np.uint8)


def gaussian(rgb: RGB, deviation: float, _turn: _TURN) -> RGB:
    """Out of focus."""
    return np.asarray(cv2.GaussianBlur(rgb, (0, 0), deviation), np.uint8)


def motion(rgb: RGB, length: float, turn: _TURN) -> RGB:
    """Shaken along a line of random direction."""
    side = int(length) | 1
    line = np.zeros((side, side), np.float32)
    line[side // 2] = 1
    middle = (side - 1) / 2
    around = cv2.getRotationMatrix2D((middle, middle), float(turn.uniform(0, 180)), 1)
    kernel = cv2.warpAffine(line, around, (side, side), flags=cv2.INTER_LINEAR)
    return np.asarray(cv2.filter2D(rgb, -1, kernel / kernel.sum()), np.uint8)


def enlarged(rgb: RGB, factor: float, turn: _TURN) -> RGB:
    """Reduced and enlarged again, by one of three kernels."""
    height, width = rgb.shape[:2]
    size = max(1, round(width / factor)), max(1, round(height / factor))
    tiny = cv2.resize(rgb, size, interpolation=cv2.INTER_AREA)
    kinds = (cv2.INTER_CUBIC, cv2.INTER_LINEAR, cv2.INTER_LANCZOS4)
    kind = kinds[int(turn.integers(3))]
    return np.asarray(cv2.resize(tiny, (width, height), interpolation=kind), np.uint8)


def gained(rgb: RGB, gain: float, _turn: _TURN) -> RGB:
    """Every channel times ``gain``, clipped."""
    return _levels(rgb.astype(np.float32) * gain)


def faded(rgb: RGB, contrast: float, _turn: _TURN) -> RGB:
    """Contrast about 128."""
    return _levels(128 + contrast * (rgb.astype(np.float32) - 128))


def lifted(rgb: RGB, offset: float, _turn: _TURN) -> RGB:
    """Washed out: levels added, clipped."""
    return _levels(rgb.astype(np.float32) + offset)


def noisy(rgb: RGB, deviation: float, turn: _TURN) -> RGB:
    """Independent Gaussian noise on every channel."""
    return _levels(rgb + turn.normal(0, deviation, rgb.shape))


def posterised(rgb: RGB, levels: float, _turn: _TURN) -> RGB:
    """``levels`` values per channel, from 0 to 255."""
    step = np.floor(rgb.astype(np.float32) * levels / 256)
    return _levels(step * 255 / (levels - 1))


def palette(rgb: RGB, colours: float, _turn: _TURN) -> RGB:
    """An adaptive palette without dithering (median cut)."""
    made = Image.fromarray(rgb).quantize(int(colours), dither=Image.Dither.NONE)
    return np.asarray(made.convert("RGB"), np.uint8)


def dithered(rgb: RGB, colours: float, _turn: _TURN) -> RGB:
    """An adaptive palette with Floyd-Steinberg dithering."""
    colour = Image.fromarray(rgb)
    chosen = colour.quantize(int(colours))
    made = colour.quantize(palette=chosen, dither=Image.Dither.FLOYDSTEINBERG)
    return np.asarray(made.convert("RGB"), np.uint8)


def saturated(rgb: RGB, factor: float, _turn: _TURN) -> RGB:
    """Colours pushed away from the mean of their channels."""
    mean = rgb.mean(axis=2, dtype=np.float32, keepdims=True)
    return _levels(mean + factor * (rgb - mean))


def compressed(rgb: RGB, quality: float, _turn: _TURN) -> bytes:
    """A JPEG, as stored."""
    return jpeg(rgb, quality)


def recompressed(rgb: RGB, quality: float, turn: _TURN) -> bytes:
    """A JPEG, stored again with care."""
    bad = _again(jpeg(rgb, quality))
    return jpeg(bad, 93) if turn.random() < 0.7 else png(bad)


def rescaled(rgb: RGB, quality: float, turn: _TURN) -> bytes:
    """A JPEG, resized to 55 to 95 or 110 to 160 % afterwards, stored again with care."""
    bad = _again(jpeg(rgb, quality))
    lowest = SHORTEST / min(rgb.shape[:2])
    smaller = turn.random() < 0.5 and lowest < 0.9
    scale = turn.uniform(max(0.55, lowest), 0.95) if smaller else turn.uniform(1.1, 1.6)
    kind = cv2.INTER_AREA if scale < 1 else cv2.INTER_CUBIC
    size = round(bad.shape[1] * scale), round(bad.shape[0] * scale)
    resized = np.asarray(cv2.resize(bad, size, interpolation=kind), np.uint8)
    return jpeg(resized, 93) if turn.random() < 0.7 else png(resized)


LADDERS = {
    ladder.name: ladder
    for ladder in (
        Ladder("gaussian", gaussian, (1, 1.5, 2, 3, 4), 2.0),
        Ladder("motion", motion, (5, 7, 9, 11, 15, 21), 11),
        Ladder("enlarged", enlarged, (1.5, 2, 2.5, 3, 4), 3),
        Ladder("darkened", gained, (0.5, 0.35, 0.25, 0.12), 0.25),
        Ladder("contrast", faded, (0.5, 0.35, 0.25, 0.2, 0.12), 0.2),
        Ladder("washed-out", lifted, (60, 110, 160)),
        Ladder("noise", noisy, (10, 20, 27, 40), 27),
        Ladder("posterised", posterised, (16, 8, 5, 4, 3), 4),
        Ladder("palette", palette, (32, 16, 8)),
        Ladder("dithered", dithered, (16, 8)),
        Ladder("saturation", saturated, (1.5, 2, 2.6, 3.3, 4.5), 3.3, 0.85),
        Ladder("brightened", gained, (1.4, 1.8, 2.2, 3), 1.8, 0.75),
        Ladder("jpeg", compressed, (50, 25, 12, 7), 12),
        Ladder("jpeg-again", recompressed, (35, 20, 12, 7), 7, 0.9),
        Ladder("jpeg-resized", rescaled, (20, 12, 7)),
    )
}


def copy(photograph: str, rgb: RGB, ladder: Ladder, strength: float) -> bytes:
    """The damaged copy as a file."""
    made = ladder.damage(rgb, strength, generator(photograph, ladder.name, strength))
    if isinstance(made, bytes):
        return made
    return stored(made, generator(photograph, ladder.name, strength, "stored"))


def change(rgb: RGB, ladder: Ladder, strength: float) -> float:
    """Share newly clipped by brightening, mean chroma (levels) after saturating; else 0."""
    if ladder.name not in ("brightened", "saturation"):
        return 0.0
    made = ladder.damage(rgb, strength, generator())
    assert isinstance(made, np.ndarray)
    if ladder.name == "saturation":
        return float((made.max(axis=2) - made.min(axis=2)).mean())
    return float((made.max(axis=2) >= CLIPPED).mean() - (rgb.max(axis=2) >= CLIPPED).mean())
