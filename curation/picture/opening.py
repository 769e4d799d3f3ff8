"""Opening a file with Pillow and loading every pixel of it, or none.

Only the plugin class of the format that the bytes announce is ever called: stricter than
``Image.open(formats=...)``, which would also run the multi-image and animation code behind some
formats. libjpeg fills missing data with grey and only counts a warning that nobody can read, and
zlib streams may end early in good order; both are found out here.
"""

import ctypes
import logging
import warnings
from io import BytesIO
from pathlib import Path

import PIL
from PIL import (
    AvifImagePlugin,
    BmpImagePlugin,
    GifImagePlugin,
    Image,
    ImageChops,
    ImageFile,
    Jpeg2KImagePlugin,
    JpegImagePlugin,
    PngImagePlugin,
    TiffImagePlugin,
    WebPImagePlugin,
)

from curation.picture import heic
from curation.picture.formats import png
from curation.picture.formats.outline import Outline, check_size, visible
from curation.picture.formats.refusal import PictureError

_PLUGINS: dict[str, type[ImageFile.ImageFile]] = {
    "JPEG": JpegImagePlugin.JpegImageFile,
    "PNG": PngImagePlugin.PngImageFile,
    "WEBP": WebPImagePlugin.WebPImageFile,
    "GIF": GifImagePlugin.GifImageFile,
    "TIFF": TiffImagePlugin.TiffImageFile,
    "BMP": BmpImagePlugin.BmpImageFile,
    "AVIF": AvifImagePlugin.AvifImageFile,
    "JPEG2000": Jpeg2KImagePlugin.Jpeg2KImageFile,
}
AvifImagePlugin.DEFAULT_MAX_THREADS = 1  # the pipeline has one process per core already
# A filter, not catch_warnings: that one is not safe where two threads decode at the same time.
warnings.filterwarnings("ignore", module=r"PIL\.")
logging.getLogger("PIL").addHandler(logging.NullHandler())

SHRINKS = (8, 4, 2, 1)  # what libjpeg offers at no cost
_LARGEST_SCANS_SHRINK = 4  # at 8 only the mean of a block is shown: missing detail would not show
# Bits that no Huffman table gives a meaning: a decoder that takes them for coefficients gets
# through at most one block and a bit, one that has all its coefficients skips them unread.
_INVALID_CODE = b"\xff\0" * 8
_STRAY_BYTES = 64  # cameras leave a few behind a scan; of 700 images none had more than 8
_STRAY_CODE = bytes(range(1, 255)) * 2


def shrink_factor(size: tuple[int, int], short_side: int | None) -> int:
    """The largest of 8, 4, 2, 1 that leaves the short side of ``size`` >= ``short_side``."""
    if short_side is None:
        return 1
    return next((factor for factor in SHRINKS if min(size) >= factor * short_side), 1)


def opened(data: bytes, outline: Outline) -> Image.Image:
    """The file's first image, header read, no pixel loaded but those of HEIC."""
    if outline.format == "HEIC":
        image = _heic(data)
    else:
        image = _PLUGINS[outline.format](BytesIO(visible(data, outline.hidden)))
    check_size(*image.size, len(data))
    return image


def _heic(data: bytes) -> Image.Image:
    try:
        return heic.decode(data)
    except heic.MissingError as error:
        raise PictureError("unsupported", str(error)) from error
    except heic.HeicError as error:
        raise PictureError("corrupt", str(error)) from error


def load(image: Image.Image, data: bytes, outline: Outline) -> None:
    """Load every pixel of what ``opened`` gave for a format other than JPEG."""
    ImageFile.LOAD_TRUNCATED_IMAGES = False  # other libraries switch it on for the whole process
    if outline.format == "PNG":
        png.check_sums(data)
    image.load()
    if outline.format == "PNG" and (png.interlaced(data) or _ends_blank(image)):
        png.check_rows(data)


def load_jpeg(data: bytes, outline: Outline, shrink: int) -> tuple[ImageFile.ImageFile, int]:
    """Decode a JPEG to 1 / ``shrink`` of its size, or reduced less where the check needs it.

    Returns the image and how much it is reduced.
    """
    ImageFile.LOAD_TRUNCATED_IMAGES = False
    body = visible(data, outline.hidden)
    end = outline.scan_end - (len(data) - len(body))
    if outline.scans == 1:
        return _load_one_scan(body, end, shrink), shrink
    shrink = min(shrink, _LARGEST_SCANS_SHRINK)
    return _load_scans(body, end, shrink), shrink


class _Halting(BytesIO):
    """A stream that hands out no bytes from both sides of ``halt`` at once."""

    halt = 0

    def read(self, size: int | None = -1) -> bytes:
        left = self.halt - self.tell()
        if left > 0:
            size = left if size is None or size < 0 else min(size, left)
        return super().read(size)


def _load_one_scan(body: bytes, end: int, shrink: int) -> ImageFile.ImageFile:
    """Decode from the bytes before ``end``, all of them and no others.

    Without the end-of-image marker there is nothing at which libjpeg would begin to fill in grey:
    it asks for more data, and Pillow reports that there is none. An image that is complete long
    before ``end`` has lost its place among damaged bits (a last run of equal bytes is padding).
    """
    scan = body[:end] + _INVALID_CODE
    image = JpegImagePlugin.JpegImageFile(BytesIO(scan))
    _draft(image, shrink)
    stream = _Halting(scan)
    stream.halt = len(body[:end].rstrip(body[end - 1 : end])) - _STRAY_BYTES
    image.fp = stream
    image.load()
    if stream.tell() <= stream.halt:
        raise PictureError("corrupt", f"more than {_STRAY_BYTES} bytes of scan are left over")
    return image


def _load_scans(body: bytes, end: int, shrink: int) -> ImageFile.ImageFile:
    """With several scans nothing comes out before the end, so the image is decoded twice.

    A whole last scan does not care what follows it; one that was cut takes it for coefficients.
    """
    image, probe = (
        JpegImagePlugin.JpegImageFile(BytesIO(version))
        for version in (body, b"".join((body[:end], _STRAY_CODE, body[end:])))
    )
    for version in (image, probe):
        _draft(version, shrink)
        version.load()
    if ImageChops.difference(image, probe).getbbox() is not None:
        raise PictureError("truncated", "the last scan ends before the last row")
    return image


def _draft(image: ImageFile.ImageFile, shrink: int) -> None:
    width, height = image.size
    image.draft(None, (max(1, width // shrink), max(1, height // shrink)))


def _ends_blank(image: Image.Image) -> bool:
    """Whether the last row is all zero, alpha included."""
    width, height = image.size
    row = image.crop((0, height - 1, width, height))
    return not any(row.tobytes())


def _hush_libtiff() -> None:
    """Switch off libtiff's messages on standard error, which Pillow leaves on; best effort."""
    for folder in ("../pillow.libs", ".dylibs"):
        for path in Path(PIL.__path__[0], folder).glob("libtiff*"):
            handler = ctypes.CDLL(str(path)).TIFFSetErrorHandler
            handler.argtypes, handler.restype = [ctypes.c_void_p], ctypes.c_void_p
            handler(None)


_hush_libtiff()
