"""How images and captions of the pool are damaged: functions of a source and a strength.

Lengths are in pixels of a clean string, 1024x512; what a model sees is a sixteenth of that.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np

from benchmarks.defects import ladders
from benchmarks.defects.ladders import RGB
from benchmarks.from_tests import elements
from examples.damage import ORIENTATION

REFUSAL = "I'm sorry, but I can't help with describing this image."
SPAM = "BUY NOW!!! 50 % OFF, FREE SHIPPING -> www.best-deals.example/shop?id=8813 #sale #deal #sale"
MARKS = ("shutterstock", "gettyimages", "Adobe Stock", "PREVIEW")


@dataclass(frozen=True)
class Source:
    """What a defect is planted in. ``another`` makes one more clean image of the same kind, with
    its caption; ``turn`` is what may be random.
    """

    rgb: RGB
    caption: str
    turn: np.random.Generator
    another: Callable[[], tuple[RGB, str]]


Image = Callable[[Source, float], RGB | bytes]
Words = Callable[[Source, float], str]


def ladder(damage: Callable[..., Any]) -> Image:
    return lambda source, strength: damage(source.rgb, strength, source.turn)


def _scaled(rgb: RGB, height: float) -> RGB:
    size = max(1, round(rgb.shape[1] * height / rgb.shape[0])), max(1, round(height))
    return np.asarray(cv2.resize(rgb, size, interpolation=cv2.INTER_AREA), np.uint8)


def small(source: Source, side: float) -> RGB:
    return _scaled(source.rgb, side * source.rgb.shape[0] / min(source.rgb.shape[:2]))


def wide(source: Source, ratio: float) -> RGB:
    """A banner: the image at the left of a white strip."""
    height, width = source.rgb.shape[:2]
    strip = np.full((height, round(ratio * height), 3), 255, np.uint8)
    strip[:, : min(width, strip.shape[1])] = source.rgb[:, : strip.shape[1]]
    return strip


def truncated(source: Source, share: float) -> bytes:
    data = ladders.jpeg(source.rgb, 93)
    return data[: int(share * len(data))]


def html(_source: Source, _strength: float) -> bytes:
    return b"<!DOCTYPE html><html><title>404 Not Found</title></html>"


def empty(_source: Source, _strength: float) -> bytes:
    return b""


def turned(source: Source, orientation: float) -> bytes:
    """Pixels as they are, and an EXIF orientation that turns them."""
    exif = b"Exif\x00\x00II*\x00\x08\x00\x00\x00\x01\x00" + ORIENTATION.to_bytes(2, "little")
    exif += b"\x03\x00\x01\x00\x00\x00" + int(orientation).to_bytes(4, "little") + bytes(4)
    segment = b"\xff\xe1" + (len(exif) + 2).to_bytes(2, "big") + exif
    data = ladders.jpeg(source.rgb, 93)
    return data[:2] + segment + data[2:]


def dense(source: Source, rows: float) -> RGB:
    """A page of other images, as small as there are rows."""
    height, width = source.rgb.shape[:2]
    across = down = int(rows)
    size = width // across, height // down
    tiles = [source.rgb, *(source.another()[0] for _ in range(11))]
    tiles = [np.asarray(cv2.resize(of, size, interpolation=cv2.INTER_AREA)) for of in tiles]
    order = source.turn.integers(0, len(tiles), across * down)
    lines = [
        np.concatenate([tiles[n] for n in order[row * across : (row + 1) * across]], axis=1)
        for row in range(down)
    ]
    return _on_paper(np.concatenate(lines), source.turn)


def tiny(source: Source, factor: float) -> RGB:
    """The image so many times smaller, somewhere on a page."""
    height, width = source.rgb.shape[:2]
    small = _scaled(source.rgb, height / factor)
    page = np.full_like(source.rgb, 255)
    top = int(source.turn.integers(0, height - small.shape[0]))
    left = int(source.turn.integers(0, width - small.shape[1]))
    page[top : top + small.shape[0], left : left + small.shape[1]] = small
    return _on_paper(page, source.turn)


def _on_paper(rgb: RGB, turn: np.random.Generator) -> RGB:
    """White becomes a pale colour: S2 takes white pages for overexposed."""
    return np.asarray(rgb * turn.uniform(0.7, 0.95, 3), np.uint8)


def tiled_mark(source: Source, strength: float) -> RGB:
    return _marked(source, "tile", strength)


def central_mark(source: Source, strength: float) -> RGB:
    return _marked(source, "centre", strength)


def _marked(source: Source, where: str, strength: float) -> RGB:
    words = MARKS[int(source.turn.integers(len(MARKS)))]
    dark = float(source.rgb.mean()) > 128
    return elements.overlaid(source.rgb, words, where, strength, dark)


def code(source: Source, share: float) -> RGB:
    """A QR code in a corner, so high."""
    text = f"https://shop.example/{int(source.turn.integers(10**9))}"
    modules = cv2.QRCodeEncoder.create().encode(text)
    side = round(share * source.rgb.shape[0])
    code = cv2.resize(modules, (side, side), interpolation=cv2.INTER_NEAREST)
    image = source.rgb.copy()
    image[-side - 8 : -8, -side - 8 : -8] = code[..., None]
    return image


def barred(source: Source, share: float) -> RGB:
    return elements.barred(source.rgb, share, (0, 0, 0), "tblr")


def collage(source: Source, columns: float) -> RGB:
    across = int(columns)
    images = [source.rgb, *(source.another()[0] for _ in range(across * across - 1))]
    return elements.collage(images, across, gutter=6, side=1000)


def screenshot(source: Source, share: float) -> RGB:
    return elements.screenshot(source.rgb, share, source.turn.random() < 0.5)


def mosaic(source: Source, block: float) -> RGB:
    return elements.mosaic(source.rgb, int(block), 0.12, at=(0.2, 0.5))


def swapped(source: Source, _strength: float) -> str:
    return source.another()[1]


def mistyped(source: Source, letters: float) -> str:
    """So many quoted characters are others; of a caption without quotes its last word is."""
    before, quote, after = source.caption.partition('"')
    if not quote:
        return f"{source.caption.rsplit(' ', 1)[0]} {source.another()[1].rsplit(' ', 1)[1]}"
    text, _, end = after.partition('"')
    several = list(text)
    for place in source.turn.permutation(len(text))[: int(letters)]:
        several[place] = chr((ord(several[place]) - 65 + 7) % 26 + 65)
    return f'{before}"{"".join(several)}"{end}'


def recoloured(source: Source, _strength: float) -> str:
    others = [name for name in ("red", "green", "blue", "black") if name not in source.caption]
    words = source.caption.split(" in ")
    if len(words) == 1:
        return f"{source.caption} in {others[0]}"
    return f"{words[0]} in {source.turn.choice(others)} {words[1].split(' ', 1)[1]}"


def file_name(source: Source, _strength: float) -> str:
    return f"IMG_{int(source.turn.integers(10**8)):08d}.JPG"
