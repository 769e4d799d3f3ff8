"""BMP: one header, then rows."""

import struct

from curation.picture.formats.outline import Outline, check_size
from curation.picture.formats.refusal import PictureError

_RUN_LENGTH = (1, 2)
_RUN_LENGTH_CAP = 1 << 22  # pixels; Pillow unpacks these in Python, 0.1 us each


def walk(data: bytes) -> Outline:
    """Check that every row lies inside the file; run-length images are left to the decoder."""
    offset, header = struct.unpack_from("<II", data, 10)
    if header == 12:
        width, height, _, bits = struct.unpack_from("<HHHH", data, 18)
        compression = 0
    else:
        width, signed, _, bits, compression = struct.unpack_from("<IiHHI", data, 18)
        height = abs(signed)
    check_size(width, height, len(data))
    if compression in _RUN_LENGTH and width * height > _RUN_LENGTH_CAP:
        raise PictureError("bomb", f"{width}x{height} pixels in run lengths")
    if compression not in _RUN_LENGTH and width and height:
        row = (width * bits + 7) // 8
        stride = (width * bits + 31) // 32 * 4
        needed = (offset or 14 + header) + stride * (height - 1) + row
        if needed > len(data):
            raise PictureError("truncated", f"{len(data)} of {needed} bytes")
    return Outline("BMP", width, height)
