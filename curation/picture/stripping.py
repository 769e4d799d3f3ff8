"""Files without what their metadata tell: EXIF, XMP, IPTC, comments and texts go, pixels stay.

No pixel is decoded, so none changes. Colour profiles and the EXIF orientation, without which an
image looks otherwise, stay. What lies behind the end of an image (further images, as phones append
them, with EXIF of their own) goes, too.
"""

import struct
import zlib
from collections.abc import Callable

from curation.picture import decoding
from curation.picture.formats import examine, jpeg
from curation.picture.formats.outline import Outline
from curation.picture.formats.personal import NOTHING

_APP0, _APP2, _APP14, _APP15, _COMMENT, _SOS = 0xE0, 0xE2, 0xEE, 0xEF, 0xFE, 0xDA
_PROFILE = b"ICC_PROFILE\0"
_PNG_KEPT = (b"iCCP", b"tRNS", b"acTL", b"fcTL", b"fdAT")  # of the chunks that need not be there
_COLOUR = (b"cHRM", b"gAMA", b"sRGB", b"sBIT", b"cICP", b"mDCV", b"cLLI", b"pHYs", b"bKGD", b"hIST")


def is_possible(data: bytes) -> bool:
    """Whether ``stripped`` has an answer. Raises ``PictureError`` for what is no whole image."""
    return examine(data).format in _STRIPPERS or decoding.read_header(data).personal == NOTHING


def stripped(data: bytes) -> bytes | None:
    """The same image without metadata.

    JPEG, PNG and WebP are written anew. Of other formats a file whose metadata tell of no place and
    no person stays as it is, and for one that tells the answer is None: it cannot be rewritten here
    without decoding it. Raises ``PictureError`` for what is no whole image.
    """
    outline = examine(data)
    if strip := _STRIPPERS.get(outline.format):
        return strip(data, outline)
    return data if is_possible(data) else None


def _jpeg(data: bytes, outline: Outline) -> bytes:
    """Segments up to the first scan are chosen; what follows it is the image, up to its end."""
    kept, position = [b"\xff\xd8"], 2
    if outline.orientation != 1:
        exif = b"Exif\0\0" + _orientation(outline.orientation)
        kept.append(b"\xff\xe1" + struct.pack(">H", len(exif) + 2) + exif)
    while True:
        start, marker = jpeg.next_marker(data, position)
        position = start
        if marker == 0 or marker in jpeg.BARE:
            continue
        if marker == _SOS:
            return b"".join((*kept, data[start - 2 : outline.scan_end], b"\xff\xd9"))
        position = jpeg.end_of_segment(data, start, marker)
        if _is_needed(marker, data[start + 2 : position]):
            kept.append(data[start - 2 : position])


def _is_needed(marker: int, body: bytes) -> bool:
    if marker == _APP2:
        return body.startswith(_PROFILE)
    return marker in (_APP0, _APP14) or not (_APP0 <= marker <= _APP15 or marker == _COMMENT)


def _png(data: bytes, outline: Outline) -> bytes:
    kept, position = [data[:8]], 8
    while True:
        length, kind = struct.unpack_from(">I4s", data, position)
        end = position + 12 + length
        is_critical = kind[:1].isupper()
        if is_critical or kind in _PNG_KEPT or kind in _COLOUR:
            kept.append(data[position:end])
        if kind == b"IHDR" and outline.orientation != 1:
            body = b"eXIf" + _orientation(outline.orientation)
            kept.append(struct.pack(">I", len(body) - 4) + body)
            kept.append(struct.pack(">I", zlib.crc32(body)))
        if kind == b"IEND":
            return b"".join(kept)
        position = end


def _webp(data: bytes, outline: Outline) -> bytes:
    chunks, position = [], 12
    limit = struct.unpack_from("<I", data, 4)[0] + 8
    while position + 8 <= limit:
        kind, length = struct.unpack_from("<4sI", data, position)
        end = position + 8 + length + (length & 1)
        if kind == b"VP8X":
            has_exif = 0x08 if outline.orientation != 1 else 0
            flags = data[position + 8] & ~0x0C | has_exif  # RFC 9649, 2.7: EXIF 8, XMP 4
            chunks.append(data[position : position + 8] + bytes([flags]) + data[position + 9 : end])
        elif kind not in (b"EXIF", b"XMP "):
            chunks.append(data[position:end])
        position = end
    if outline.orientation != 1:
        block = _orientation(outline.orientation)
        chunks.append(struct.pack("<4sI", b"EXIF", len(block)) + block)
    body = b"WEBP" + b"".join(chunks)
    return b"RIFF" + struct.pack("<I", len(body)) + body


def _orientation(value: int) -> bytes:
    """An EXIF block with this tag alone."""
    return struct.pack(">2sHIHHHIHHI", b"MM", 42, 8, 1, 0x0112, 3, 1, value, 0, 0)


_STRIPPERS: dict[str, Callable[[bytes, Outline], bytes]] = {
    "JPEG": _jpeg,
    "PNG": _png,
    "WEBP": _webp,
}
