"""What the header tells without decoding: size, format, frames and the EXIF orientation."""

import pyarrow as pa

from curation.picture.decoding import FORMATS, Header
from curation.signals.signal import Column, signal

# EXIF orientation -> (clockwise degrees the stored image is turned by to be upright, mirrored
# left to right before that). EXIF 2.32, section 4.6.4.A, tag 274.
TURN = {
    1: (0, 0),
    2: (0, 1),
    3: (180, 0),
    4: (180, 1),
    5: (270, 1),
    6: (90, 0),
    7: (90, 1),
    8: (270, 0),
}


@signal(
    tier="file",
    version=1,
    columns={
        "width": Column(pa.int32(), "pixels", "width of the upright original"),
        "height": Column(pa.int32(), "pixels", "height of the upright original"),
        "format": Column(
            pa.string(), "name", "file format as Pillow names it", categories=tuple(FORMATS)
        ),
        "short_side": Column(pa.int32(), "pixels", "the smaller of width and height"),
        "pixels": Column(pa.int64(), "pixels", "width times height"),
        "aspect_ratio": Column(pa.float32(), "ratio, 1 up", "longer side over shorter side"),
        "frames": Column(pa.int32(), "frames", "frames or pages of the file; the first is used"),
        "rotation": Column(pa.int16(), "degrees", "EXIF clockwise turn: 0, 90, 180, 270"),
        "mirrored": Column(pa.int8(), "0 or 1", "1 where EXIF asks for a mirror image"),
    },
)
def header(header: Header) -> dict[str, object]:
    """Size, format, frames and EXIF orientation of the file; an unknown orientation is upright."""
    short, long = sorted((header.width, header.height))
    rotation, mirrored = TURN.get(header.orientation, (0, 0))
    return {
        "width": header.width,
        "height": header.height,
        "format": header.format,
        "short_side": short,
        "pixels": short * long,
        "aspect_ratio": long / max(short, 1),
        "frames": header.frames,
        "rotation": rotation,
        "mirrored": mirrored,
    }
