"""AVIF and HEIC (ISO base media files): boxes, as far as they show size and wholeness."""

import struct

from curation.picture.formats import exif
from curation.picture.formats.outline import Outline, check_size
from curation.picture.formats.refusal import PictureError

_BOX_CAP = 1000
_SEARCH_CAP = 16  # occurrences looked at of something that honest files have once or twice


def walk(data: bytes, name: str) -> Outline:
    """Walk the outer boxes. Size, frames and orientation are the decoder's to tell.

    Sizes and EXIF lie deep inside; both are places by their signatures, only to refuse bombs.
    """
    position = count = 0
    kinds: set[bytes] = set()
    while position < len(data):
        length, kind = struct.unpack_from(">I4s", data, position)
        if length == 1:
            length = struct.unpack_from(">Q", data, position + 8)[0]
        elif length == 0:
            length = len(data) - position  # the last box may leave its length open
        count += 1
        kinds.add(kind)
        position += length
        if length < 8 or count > _BOX_CAP:
            raise PictureError("corrupt", f"box {count} has a length of {length} bytes")
        if position > len(data):
            raise PictureError("truncated", f"box {count} runs past the end")
    if not kinds & {b"meta", b"moov"} or not (b"mdat" in kinds or b"idat" in data):
        raise PictureError("truncated", "no description or no pixel data")
    for place in _places(data, b"ispe"):
        width, height = struct.unpack_from(">II", data, place + 8)
        check_size(width, height, len(data))
    for signature in (b"II*\0", b"MM\0*"):
        for place in _places(data, signature):
            exif.orientation(data[place:])
    return Outline(name, 0, 0)


def _places(data: bytes, signature: bytes) -> list[int]:
    places: list[int] = []
    place = data.find(signature)
    while place >= 0 and len(places) < _SEARCH_CAP:
        places.append(place)
        place = data.find(signature, place + 1)
    return places
