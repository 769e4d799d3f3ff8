"""JPEG 2000: the boxes of a JP2 file and the tile-parts of its codestream (ISO/IEC 15444-1).

OpenJPEG fills what a cut stream lacks without a word, so wholeness is read off the lengths here:
every tile has its parts, and the last ends at the end-of-codestream marker.
"""

import struct
from typing import NamedTuple

from curation.picture.formats import metadata
from curation.picture.formats.jpeg2000_pieces import Segment, check_pieces
from curation.picture.formats.outline import Outline, check_size
from curation.picture.formats.refusal import PictureError

_BOX_CAP = 1000
_MOST_TILES = 4096  # an honest image of the largest size has tiles of 256 pixels
_MOST_COMPONENTS = 5
_MOST_PARTS = 1 << 16
_SIZ, _SOT, _SOD, _EOC = 0xFF51, 0xFF90, 0xFF93, 0xFFD9
_SOT_LENGTH = 12
_TIFF = (b"II*\0", b"MM\0*")


class _Size(NamedTuple):
    """In pixels; ``tile`` is (width, height) of the largest."""

    width: int
    height: int
    tiles: int
    tile: tuple[int, int]
    components: int


def walk(data: bytes) -> Outline:
    """The outline by the codestream's own header. Raises ``PictureError``, ``struct.error``."""
    start, end = (0, len(data)) if data[:2] == b"\xff\x4f" else _codestream(data)
    size = _size(data, start)
    check_size(size.width, size.height, len(data))
    position, segments = _header(data, start + 2, end, _SOT)
    segments += _check_tiles(data, position, end, size.tiles)
    check_pieces(segments, size.tiles, size.tile, size.components)
    return Outline(
        "JPEG2000", size.width, size.height, metadata=_metadata(data[:start] + data[end:])
    )


def _metadata(around: bytes) -> metadata.Metadata:
    """What the boxes around the codestream tell: EXIF by its signature, XMP as text."""
    places = [place for mark in _TIFF if (place := around.find(mark)) >= 0]
    return metadata.read(around[min(places) :] if places else b"", around)


def _codestream(data: bytes) -> tuple[int, int]:
    """Where the contiguous codestream of a JP2 file lies, by its boxes."""
    position = 0
    for _ in range(_BOX_CAP):
        if position >= len(data):
            raise PictureError("truncated", "no codestream")
        length, kind = struct.unpack_from(">I4s", data, position)
        head = 8
        if length == 1:
            length, head = struct.unpack_from(">Q", data, position + 8)[0], 16
        elif length == 0:
            length = len(data) - position  # the last box may leave its length open
        if length < head:
            raise PictureError("corrupt", f"a box has a length of {length} bytes")
        if position + length > len(data):
            raise PictureError("truncated", "a box runs past the end")
        if kind == b"jp2c":
            return position + head, position + length
        position += length
    raise PictureError("corrupt", f"more than {_BOX_CAP} boxes before the codestream")


def _size(data: bytes, start: int) -> _Size:
    """The size by the marker SIZ, which comes first."""
    marker, _, _, right, bottom, left, top = struct.unpack_from(">HHHIIII", data, start + 2)
    across, down, tile_left, tile_top, components = struct.unpack_from(">IIIIH", data, start + 24)
    if marker != _SIZ:
        raise PictureError("corrupt", "no size at the head of the codestream")
    if not (right > left >= tile_left and bottom > top >= tile_top and across and down):
        raise PictureError("corrupt", "an image area of no size")
    if not 1 <= components <= _MOST_COMPONENTS:
        raise PictureError("unsupported", f"JPEG 2000 of {components} components")
    tiles = -(-(right - tile_left) // across) * -(-(bottom - tile_top) // down)
    if tiles > _MOST_TILES:
        raise PictureError("bomb", f"{tiles} tiles")
    width, height = right - left, bottom - top
    return _Size(width, height, tiles, (min(across, width), min(down, height)), components)


def _header(data: bytes, position: int, end: int, last: int) -> tuple[int, list[Segment]]:
    """Where the marker lies that ends a header, and the segments before it."""
    segments: list[Segment] = []
    while position + 2 <= end:
        marker = struct.unpack_from(">H", data, position)[0]
        if marker == last:
            return position, segments
        if position + 4 > end:
            break
        length = struct.unpack_from(">H", data, position + 2)[0]
        if marker < 0xFF00 or length < 2:
            raise PictureError("corrupt", "a damaged header")
        segments.append((marker, data[position + 4 : position + 2 + length]))
        position += 2 + length
    raise PictureError("truncated", "the codestream ends inside a header")


def _check_tiles(data: bytes, position: int, end: int, tiles: int) -> list[Segment]:
    """Go from tile-part to tile-part to the end marker, and see that every tile has all of its.

    What their headers say is returned.
    """
    segments: list[Segment] = []
    parts: dict[int, int] = {}
    promised: dict[int, int] = {}
    for _ in range(_MOST_PARTS):
        if position + 2 > end:
            raise PictureError("truncated", "the codestream lacks its end")
        if struct.unpack_from(">H", data, position)[0] == _EOC:
            break
        marker, _, tile, length, part, of = struct.unpack_from(">HHHIBB", data, position)
        if marker != _SOT or tile >= tiles or part != parts.get(tile, 0):
            raise PictureError("corrupt", "a tile-part out of place")
        length = length or end - 2 - position  # the last may leave its length open
        if length < _SOT_LENGTH + 2:
            raise PictureError("corrupt", f"a tile-part of {length} bytes")
        if position + length > end:
            raise PictureError("truncated", "a tile-part runs past the end")
        segments += _header(data, position + _SOT_LENGTH, position + length, _SOD)[1]
        parts[tile] = part + 1
        promised[tile] = of or promised.get(tile, 0)
        position += length
    else:
        raise PictureError("bomb", f"more than {_MOST_PARTS} tile-parts")
    if len(parts) < tiles or any(parts[tile] < count for tile, count in promised.items()):
        raise PictureError("truncated", "tile-parts are missing")
    return segments
