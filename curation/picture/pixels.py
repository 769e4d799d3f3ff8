"""How pixels of every kind become upright 8-bit RGB.

- Grey and 1-bit: repeated in all three channels.
- 16-bit: the high byte, as Pillow and libpng do for 16-bit colour; 65535 is white, 0 black.
- 32-bit integer and floating point (TIFF) have no white of their own: values in 0..1 (floating
  point only), 0..255 or 0..65535 are taken to have that range, others are stretched from lowest to
  highest; not-a-number is black.
- Alpha, transparent palette entries and transparent colours: laid over white.
- CMYK: by Pillow's simple formula; JPEG's as Adobe writes it, inverted. LAB: by LittleCMS to sRGB.
- Embedded colour profiles are not applied.
"""

import functools
from collections.abc import Callable
from typing import Any

import cv2
import numpy as np
import pyarrow as pa
from numpy.typing import NDArray
from PIL import Image

_STRIP_PIXELS = 1 << 22  # converted at a time, so that a large image is held at most twice
_UNMULTIPLIED = {"La": "LA", "RGBa": "RGBA"}
_RANGES = (255.0, 65535.0)

_Converter = Callable[[Image.Image], Image.Image]


def to_rgb(image: Image.Image, shrink: int = 1) -> NDArray[np.uint8]:
    """(ceil(H / shrink), ceil(W / shrink), 3) uint8 RGB of a loaded image, averaged over boxes.

    There may be a fourth byte, which means nothing, to be left out by ``three``.
    """
    width, height = image.size
    convert = _converter(image)
    step = max(1, _STRIP_PIXELS // (width * shrink)) * shrink
    if height <= step:
        return _rgb(convert(image), shrink)
    rgb = np.empty((-(-height // shrink), -(-width // shrink), 3), np.uint8)
    for top in range(0, height, step):
        box = (0, top, width, min(height, top + step))
        strip = three(_rgb(convert(image.crop(box)), shrink))
        rgb[top // shrink : top // shrink + len(strip)] = strip
    return rgb


def turn(rgb: NDArray[np.uint8], orientation: int) -> NDArray[np.uint8]:
    """(H, W, C) pixels stored with EXIF ``orientation`` 1..8, made upright."""
    if orientation >= 5:
        rgb = rgb.transpose(1, 0, 2)
    if orientation in (2, 3, 6, 7):
        rgb = rgb[:, ::-1]
    if orientation in (3, 4, 7, 8):
        rgb = rgb[::-1]
    return np.ascontiguousarray(rgb)


def _rgb(image: Image.Image, shrink: int) -> NDArray[np.uint8]:
    """An image of mode L or RGB as an array, perhaps with a fourth byte."""
    if image.mode == "RGB" and shrink == 1:
        return _own(image)
    array = np.asarray(image if shrink == 1 else image.reduce(shrink), np.uint8)
    if array.ndim == 2:
        return np.asarray(cv2.cvtColor(array, cv2.COLOR_GRAY2RGB), np.uint8)
    return array


def three(pixels: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """(H, W, 3) RGB of pixels with or without a fourth byte."""
    if pixels.shape[2] == 3:
        return pixels
    return np.asarray(cv2.cvtColor(pixels, cv2.COLOR_RGBA2RGB), np.uint8)


def _own(image: Image.Image) -> NDArray[np.uint8]:
    """An RGB image as an array, at no cost: (H, W, 4) where Pillow's pixels lie in one block.

    Arrow looks at them where they are, and keeps them. Otherwise (H, W, 3), copied.
    """
    try:
        own = pa.array(image)
    except ValueError:
        return np.asarray(image, np.uint8)
    four = own.values.to_numpy().reshape(image.height, image.width, 4)
    return np.asarray(four, np.uint8)


def _converter(image: Image.Image) -> _Converter:
    """What makes RGB or L of the image, or of a strip of it."""
    mode = image.mode
    if mode.startswith("I;16"):
        return _high_byte
    if mode in ("I", "F"):
        return _scaler(np.asarray(image))
    if image.has_transparency_data:
        return _over_white
    if mode == "LAB":
        return _from_lab
    if mode in ("RGB", "L"):
        return lambda strip: strip
    return lambda strip: strip.convert("L" if mode == "1" else "RGB")


def _high_byte(image: Image.Image) -> Image.Image:
    values = np.asarray(image)
    grey = (values >> 8).astype(np.uint8)
    clear = image.info.get("transparency")
    if isinstance(clear, int):
        grey[values == clear] = 255
    return Image.fromarray(grey)


def _scaler(values: NDArray[Any]) -> _Converter:
    finite = values[np.isfinite(values)]
    low, high = (float(finite.min()), float(finite.max())) if finite.size else (0.0, 1.0)
    ranges = (1.0, *_RANGES) if values.dtype.kind == "f" else _RANGES
    top = next((top for top in ranges if high <= top), None) if low >= 0 else None
    low, high = (0.0, top) if top else (low, high)

    def scale(image: Image.Image) -> Image.Image:
        with np.errstate(all="ignore"):  # signalling not-a-numbers
            strip = np.asarray(image).astype(np.float64)
            unit = np.nan_to_num((strip - low) / ((high - low) or 1.0), posinf=1.0, neginf=0.0)
        return Image.fromarray(np.rint(np.clip(unit, 0, 1) * 255).astype(np.uint8))

    return scale


def _over_white(image: Image.Image) -> Image.Image:
    clear = image.info.get("transparency")
    if isinstance(clear, tuple) and any(level > 255 for level in clear):
        image.info["transparency"] = tuple(level >> 8 for level in clear)  # of 16-bit colour
    if image.mode in _UNMULTIPLIED:
        image = image.convert(_UNMULTIPLIED[image.mode])
    if image.mode != "RGBA":
        image = image.convert("RGBA")
    page = Image.new("RGB", image.size, "white")
    page.paste(image, mask=image)
    return page


def _from_lab(image: Image.Image) -> Image.Image:
    from PIL import ImageCms

    converted = ImageCms.applyTransform(image, _lab_to_srgb())
    assert converted is not None
    return converted


@functools.cache
def _lab_to_srgb() -> Any:
    from PIL import ImageCms

    return ImageCms.buildTransform(
        ImageCms.createProfile("LAB"), ImageCms.createProfile("sRGB"), "LAB", "RGB"
    )
