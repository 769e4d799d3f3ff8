"""The outline of an image file, and how large an image may be."""

from dataclasses import dataclass

from curation.picture.formats.metadata import NOTHING, Metadata
from curation.picture.formats.refusal import PictureError

PIXEL_CAP = 178_956_970  # where stock Pillow refuses too, so that what we keep opens elsewhere
SIDE_CAP = 65_535  # the longest side JPEG and GIF can name; nothing honest is longer
_LARGE = 1 << 24  # above this many pixels ...
_PIXELS_PER_BYTE = 10_000  # ... one byte per 100 x 100 pixels is the least an image can say


@dataclass(frozen=True)
class Outline:
    """What a file's structure says.

    ``width`` and ``height`` are as stored, before ``orientation`` (EXIF, 1..8), in pixels; both 0
    where only the decoder can tell (AVIF, HEIC). ``frames`` counts what the container holds.
    ``mode`` is Pillow's name for the pixels where the structure fixes it, else None. ``hidden`` are
    byte ranges [start, end) the decoder must not see. ``scans`` and ``scan_end`` concern JPEG only:
    the number of scans (0 elsewhere) and the offset of the first marker behind the last of them;
    ``quantisation`` is the mean step by which the first component's coefficients were divided.
    ``metadata`` is what they say, as far as the structure shows them.
    """

    format: str
    width: int
    height: int
    frames: int = 1
    orientation: int = 1
    mode: str | None = None
    hidden: tuple[tuple[int, int], ...] = ()
    scans: int = 0
    scan_end: int = 0
    quantisation: float = 0.0
    metadata: Metadata = NOTHING


def check_size(width: int, height: int, size: int) -> None:
    """Refuse as a bomb ``width`` x ``height`` pixels claimed by a file of ``size`` bytes."""
    pixels = width * height
    if max(width, height) > SIDE_CAP or pixels > PIXEL_CAP:
        raise PictureError("bomb", f"{width}x{height} pixels")
    if pixels > _LARGE and pixels > _PIXELS_PER_BYTE * size:
        raise PictureError("bomb", f"{width}x{height} pixels in {size} bytes")


def visible(data: bytes, hidden: tuple[tuple[int, int], ...]) -> bytes:
    """``data`` without the hidden ranges, which are in order."""
    if not hidden:
        return data
    starts = (0, *(end for _, end in hidden))
    ends = (*(start for start, _ in hidden), len(data))
    return b"".join(data[start:end] for start, end in zip(starts, ends, strict=True))
