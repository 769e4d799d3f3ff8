"""What a stranger's bytes say about themselves, read without a decoder.

One module per file format walks the format's own structure (markers, chunks, blocks, directories)
in time proportional to its number of parts, allocates nothing of the image's size, and refuses
what is cut short, damaged, too large or made to harm. Only what passes here is shown to Pillow.
"""

import struct
from collections.abc import Callable
from functools import partial

from curation.picture.formats import bmp, gif, isobmff, jpeg, jpeg2000, png, sniff, tiff, webp
from curation.picture.formats.outline import Outline, check_size
from curation.picture.formats.refusal import PictureError

_WALKERS: dict[str, Callable[[bytes], Outline]] = {
    "JPEG": jpeg.walk,
    "PNG": png.walk,
    "WEBP": webp.walk,
    "GIF": gif.walk,
    "TIFF": tiff.walk,
    "BMP": bmp.walk,
    "AVIF": partial(isobmff.walk, name="AVIF"),
    "HEIC": partial(isobmff.walk, name="HEIC"),
    "JPEG2000": jpeg2000.walk,
}
FORMATS = tuple(_WALKERS)


def examine(data: bytes) -> Outline:
    """The outline of a whole file. Raises ``PictureError``."""
    name = sniff.name(data)
    try:
        outline = _WALKERS[name](data)
    except (struct.error, IndexError) as error:
        raise PictureError("truncated", f"{name} ends inside its header") from error
    check_size(outline.width, outline.height, len(data))
    return outline
