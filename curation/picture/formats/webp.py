"""WebP (RFC 9649): chunks of a RIFF file."""

import struct

from curation.picture.formats import exif, metadata
from curation.picture.formats.outline import Outline
from curation.picture.formats.refusal import PictureError

_CHUNK_CAP = 100_000


def walk(data: bytes) -> Outline:
    """Walk to the end that the RIFF header names; bytes behind it are not looked at."""
    limit = struct.unpack_from("<I", data, 4)[0] + 8
    if limit > len(data):
        raise PictureError("truncated", f"{len(data)} of {limit} bytes")
    width = height = frames = count = 0
    block = xmp = b""
    position = 12
    while position + 8 <= limit:
        kind, length = struct.unpack_from("<4sI", data, position)
        start = position + 8
        position = start + length + (length & 1)
        count += 1
        if start + length > limit:
            raise PictureError("truncated", f"chunk {count} runs past the end")
        if count > _CHUNK_CAP:
            raise PictureError("bomb", f"more than {_CHUNK_CAP} chunks")
        if not width:
            width, height = _size(kind, data[start : start + 10])
        frames += kind == b"ANMF"
        if kind == b"EXIF":
            block = data[start : start + length]
        elif kind == b"XMP ":
            xmp = data[start : start + length]
    turn, says = exif.orientation(block, xmp), metadata.read(block, xmp)
    return Outline("WEBP", width, height, max(1, frames), turn, metadata=says)


def _size(kind: bytes, body: bytes) -> tuple[int, int]:
    """Width and height from the first chunk: extended, lossless or lossy."""
    if kind == b"VP8X":
        packed = int.from_bytes(body[4:10], "little")
        return (packed & 0xFFFFFF) + 1, (packed >> 24) + 1
    if kind == b"VP8L":
        packed = int.from_bytes(body[1:5], "little")
        return (packed & 0x3FFF) + 1, (packed >> 14 & 0x3FFF) + 1
    if kind == b"VP8 ":
        width, height = struct.unpack_from("<HH", body, 6)
        return width & 0x3FFF, height & 0x3FFF
    raise PictureError("corrupt", "begins with a chunk of no picture")
