"""The one place where a stranger's bytes become pixels.

A header gate first (``picture.formats``: format, size, bombs, wholeness), then a decode that
either succeeds whole or raises ``PictureError`` with a reason (``REASONS``). Everything later works
on ``Picture``, never on bytes. How every pixel type becomes RGB is said in ``picture.pixels``.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cached_property

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image

from curation.picture import channels, opening, pixels
from curation.picture.formats import FORMATS, examine, exif, metadata
from curation.picture.formats.outline import PIXEL_CAP, SIDE_CAP, Outline
from curation.picture.formats.personal import NOTHING, Personal
from curation.picture.formats.refusal import REASONS, PictureError, Reason
from curation.picture.formats.rights import NOTHING as NO_RIGHTS
from curation.picture.formats.rights import Rights

__all__ = [
    "FORMATS",
    "PIXEL_CAP",
    "REASONS",
    "SIDE_CAP",
    "SMALL_SIDE",
    "Header",
    "Picture",
    "PictureError",
    "Reason",
    "decode",
    "read_header",
]
SMALL_SIDE = 256
_MIDDLE = 512  # pixels: as much of the decoded image is looked at closely
_BLOCK = 8  # pixels of a JPEG's block
_SIGNS: tuple[tuple[Reason, tuple[str, ...]], ...] = (
    ("truncated", ("truncated",)),
    (
        "unsupported",
        ("nsupported", "not supported", "not installed", "cannot handle", "unknown pixel mode"),
    ),
    ("bomb", ("too large for PngImagePlugin", "Too much memory used in text")),
    ("memory", ("out of memory",)),
)


@dataclass(frozen=True)
class Header:
    """What the header says without decoding a pixel.

    ``format`` is one of ``FORMATS`` (a JPEG of several images is a JPEG); ``mode`` is Pillow's name
    for the stored pixels. ``width`` and ``height`` are in pixels of the UPRIGHT image (after EXIF
    orientation); ``orientation`` is the EXIF tag 1..8 (1: as stored); ``frames`` is how many the
    container holds, of which only the first is ever decoded; ``size`` is the file's length in
    bytes; ``quantisation`` is the mean of the 64 steps that a JPEG's luma was divided by, 0 for
    other formats; ``personal`` is what metadata tell of places and people, ``rights`` what they say
    of rights. ``licence`` and ``source`` are what the sample's source says, where somebody knows.
    """

    format: str
    mode: str
    width: int
    height: int
    orientation: int
    frames: int
    size: int
    quantisation: float = 0.0
    personal: Personal = NOTHING
    rights: Rights = NO_RIGHTS
    licence: str | None = None
    source: str | None = None


@dataclass(frozen=True)
class Picture:
    """A decoded upright picture.

    ``stored`` is (H, W, 3) uint8 RGB, possibly reduced, or (H, W, 4) as Pillow holds it, with a
    fourth byte that means nothing; ``header`` keeps the original's size.
    """

    header: Header
    stored: NDArray[np.uint8] = field(repr=False)

    @cached_property
    def rgb(self) -> NDArray[np.uint8]:
        """(H, W, 3) uint8 RGB."""
        return pixels.three(self.stored)

    @cached_property
    def small(self) -> NDArray[np.uint8]:
        """(h, w, 3) uint8 RGB with the short side at most ``SMALL_SIDE``.

        Decoding has already reduced to less than twice that, so bilinear weights miss no pixel,
        at a sixth of the cost of area averaging.
        """
        height, width = self.stored.shape[:2]
        scale = SMALL_SIDE / min(height, width)
        if scale >= 1:
            return self.rgb
        size = (max(1, round(width * scale)), max(1, round(height * scale)))
        kind = cv2.INTER_LINEAR if scale > 0.5 else cv2.INTER_AREA
        return pixels.three(np.asarray(cv2.resize(self.stored, size, interpolation=kind), np.uint8))

    @cached_property
    def grey(self) -> NDArray[np.uint8]:
        """(h, w) uint8 luma (BT.601) of ``small``."""
        return np.asarray(cv2.cvtColor(self.small, cv2.COLOR_RGB2GRAY), np.uint8)

    @cached_property
    def extremes(self) -> channels.Extremes:
        """The least and most channel of ``small`` at every pixel."""
        return channels.extremes(self.small)

    @cached_property
    def spread(self) -> NDArray[np.uint8]:
        """(h, w) uint8: highest minus lowest level of ``grey`` within 3 x 3 pixels."""
        return channels.spread(self.grey)

    @property
    def reduction(self) -> int:
        """By how much decoding reduced the image: 1, 2, 4 or 8."""
        longest: int = max(self.stored.shape[:2])
        return max(1, round(max(self.header.width, self.header.height) / longest))

    @cached_property
    def middle(self) -> NDArray[np.uint8]:
        """(h, w, 3 or 4) uint8: the middle of ``stored``, at most 512 x 512.

        Cut at multiples of 8, where that leaves anything, so that the grid of a JPEG stays.
        """
        return self.stored[tuple(map(_middle, self.stored.shape[:2]))]

    @cached_property
    def fine(self) -> NDArray[np.uint8]:
        """(h, w) uint8 luma (BT.601) of ``middle``: the finest detail that was decoded."""
        four = self.middle.shape[2] == 4
        kind = cv2.COLOR_RGBA2GRAY if four else cv2.COLOR_RGB2GRAY
        return np.asarray(cv2.cvtColor(self.middle, kind), np.uint8)


def _middle(side: int) -> slice:
    length = min(_MIDDLE, side // _BLOCK * _BLOCK) or side
    start = (side - length) // 2 // _BLOCK * _BLOCK
    return slice(start, start + length)


def read_header(data: bytes) -> Header:
    """Read and check the header and the file's structure. Raises ``PictureError``.

    A file that passes may still turn out damaged when its pixels are decoded.
    """
    with _refusing():
        outline = examine(data)
        if outline.mode is not None:
            return _header(outline, outline.mode, (outline.width, outline.height), len(data))
        with opening.opened(data, outline) as image:
            return _header_of(image, outline, len(data))


def decode(data: bytes, short_side: int | None = SMALL_SIDE) -> Picture:
    """Decode to upright RGB at 1, 1/2, 1/4 or 1/8 of the size, whole or not at all.

    The smallest of these whose short side is >= ``short_side`` pixels is taken (``None``: full
    size); a JPEG is reduced in its DCT, which saves time, others are averaged over boxes, so that a
    measurement does not depend on the container. Raises ``PictureError``.
    """
    with _refusing():
        outline = examine(data)
        if outline.format == "JPEG":
            return _decode_jpeg(data, outline, short_side)
        with opening.opened(data, outline) as image:
            header = _header_of(image, outline, len(data))
            opening.load(image, data, outline)
            shrink = opening.shrink_factor(image.size, short_side)
            rgb = pixels.to_rgb(image, shrink)
        if outline.format == "TIFF":  # Pillow has turned it already
            return Picture(header, rgb)
        return Picture(header, pixels.turn(rgb, header.orientation))


def transparency(data: bytes) -> NDArray[np.uint8] | None:
    """(H, W) uint8 of the upright image: 255 where it is transparent, 0 where not; None where it
    has no transparency at all. Raises ``PictureError``.
    """
    with _refusing():
        outline = examine(data)
        if outline.format == "JPEG":
            return None
        with opening.opened(data, outline) as image:
            header = _header_of(image, outline, len(data))
            opening.load(image, data, outline)
            if not image.has_transparency_data:
                return None
            clear = 255 - np.asarray(image.convert("RGBA").getchannel("A"), np.uint8)
        if outline.format == "TIFF":  # Pillow has turned it already
            return clear
        return pixels.turn(clear[:, :, None], header.orientation)[:, :, 0]


def reduction(header: Header, short_side: int | None) -> int:
    """By how much ``decode`` reduces such a picture: 1, 2, 4 or 8."""
    return opening.shrink_factor((header.width, header.height), short_side)


def _decode_jpeg(data: bytes, outline: Outline, short_side: int | None) -> Picture:
    size = (outline.width, outline.height)
    wanted = opening.shrink_factor(size, short_side)
    image, done = opening.load_jpeg(data, outline, wanted)
    with image:
        header = _header(outline, image.mode, size, len(data))
        rgb = pixels.to_rgb(image, wanted // done)
    return Picture(header, pixels.turn(rgb, header.orientation))


def _header_of(image: Image.Image, outline: Outline, size: int) -> Header:
    if not outline.width:
        blocks = image.info.get("exif") or b"", image.info.get("xmp") or b""
        frames = int(image.info.get("frames", getattr(image, "n_frames", 1)))
        turn = 1 if outline.format == "HEIC" else exif.orientation(*blocks)
        says = metadata.read(*blocks)
        outline = Outline(outline.format, *image.size, frames, turn, metadata=says)
    stored = (outline.width, outline.height)
    return _header(outline, image.mode, stored, size)


def _header(outline: Outline, mode: str, stored: tuple[int, int], size: int) -> Header:
    width, height = stored if outline.orientation < 5 else stored[::-1]
    known = outline.orientation, outline.frames, size, outline.quantisation, *outline.metadata
    return Header(outline.format, mode, width, height, *known)


@contextmanager
def _refusing() -> Iterator[None]:
    """Turn whatever a decoder throws at a bad file into a ``PictureError``."""
    try:
        yield
    except PictureError:
        raise
    except MemoryError as error:
        raise PictureError("memory", str(error)) from error
    except Image.DecompressionBombError as error:
        raise PictureError("bomb", str(error)) from error
    except Exception as error:  # Pillow's include TypeError, IndexError, SyntaxError, struct.error
        raise _refusal(error) from error


def _refusal(error: Exception) -> PictureError:
    text = str(error)
    for reason, signs in _SIGNS:
        if any(sign in text for sign in signs):
            return PictureError(reason, text)
    return PictureError("corrupt", f"{type(error).__name__}: {text}")
