"""TIFF 6.0 and BigTIFF: directories, and whether every strip or tile lies inside the file."""

import struct

import numpy as np
from numpy.typing import NDArray

from curation.picture.formats import exif, metadata
from curation.picture.formats.outline import Outline, check_size
from curation.picture.formats.refusal import PictureError

_PAGE_CAP = 10_000
_PIECE_CAP = 400_000  # strips or tiles of a page
_TILE_CAP = 1 << 24  # pixels of a tile: the decoder sets a buffer aside before it looks at it
_VALUE_CAP = 1 << 20  # bytes of a numeric tag that Pillow may turn into Python numbers
_SUB_DIRECTORIES = (0x8769, 0x8825, 0xA005)  # EXIF, GPS, interoperability
_WIDTH, _HEIGHT, _COMPRESSION, _XMP, _TILE_WIDTH, _TILE_HEIGHT = 256, 257, 259, 700, 322, 323
_SAMPLES, _STRIP_HEIGHT, _PLANES = 277, 278, 284
_GRID = (_WIDTH, _HEIGHT, _SAMPLES, _STRIP_HEIGHT, _PLANES, _TILE_WIDTH, _TILE_HEIGHT)
_OFFSETS, _COUNTS = (273, 324), (279, 325)
_RAW, _OLD_JPEG, _JPEG = 1, 6, 7
# none, CCITT (three kinds), LZW, JPEG old and new, deflate old and new, PackBits, LZMA, Zstandard
_COMPRESSIONS = {_RAW, 2, 3, 4, 5, _OLD_JPEG, _JPEG, 8, 32946, 32773, 34925, 50000}
_FAR = np.uint64(1 << 62)  # behind the end of any file, and too small to overflow a sum
_NUMBER_TYPES = {3: "u2", 4: "u4", 16: "u8"}

_Tags = dict[int, exif.Entry]


def walk(data: bytes) -> Outline:
    """Walk the chain of pages. The first is the image, but the file must hold all of them."""
    head = exif.header(data)
    if head is None:
        raise PictureError("corrupt", "no directory")
    offset, pages = head.first, 0
    first: _Tags = {}
    seen: set[int] = set()
    while offset and offset not in seen:
        seen.add(offset)
        tags, end = exif.directory(data, head, offset)
        pages += 1
        _check_page(data, head, tags, shown=pages == 1)
        first = first or tags
        if pages > _PAGE_CAP:
            raise PictureError("bomb", f"more than {_PAGE_CAP} pages")
        offset = struct.unpack_from(head.offset_code, data, end)[0]
    if not first:
        raise PictureError("corrupt", "no directory")
    for pointer in _SUB_DIRECTORIES:
        _check_sub_directory(data, head, first, pointer)
    return Outline(
        "TIFF",
        _number(data, head, first, _WIDTH, 0),
        _number(data, head, first, _HEIGHT, 0),
        pages,
        _orientation(data, head, first),
        metadata=metadata.read(data),
    )


def _check_page(data: bytes, head: exif.Header, tags: _Tags, shown: bool) -> None:
    grid = {tag: _number(data, head, tags, tag, 0) for tag in _GRID}
    if shown:
        check_size(grid[_WIDTH], grid[_HEIGHT], len(data))
    compression = _number(data, head, tags, _COMPRESSION, _RAW)
    if compression not in _COMPRESSIONS:
        raise PictureError("unsupported", f"TIFF compression {compression}")
    if grid[_TILE_WIDTH] * grid[_TILE_HEIGHT] > _TILE_CAP:
        raise PictureError("bomb", f"a tile of {grid[_TILE_WIDTH]}x{grid[_TILE_HEIGHT]} pixels")
    for tag, entry in tags.items():
        listed = tag in _OFFSETS + _COUNTS
        if (entry.count > _PIECE_CAP) if listed else _costly(entry):
            raise PictureError("bomb", f"tag {tag} of {entry.count} values")
    pieces = 0
    for tag, count_tag in zip(_OFFSETS, _COUNTS, strict=True):
        starts, counts = (_array(data, head, tags, name) for name in (tag, count_tag))
        # Of raw rows the decoder misses what it needs, and only that: some writers count too many.
        _check_pieces(data, starts, counts if compression != _RAW or not shown else 0 * counts)
        if compression == _JPEG:
            _check_jpeg_pieces(data, starts, counts)
        pieces = pieces or len(starts)
    wanted = _pieces_wanted(grid)
    if pieces < wanted and compression != _OLD_JPEG:  # which may keep its data elsewhere
        raise PictureError("truncated", f"{pieces} of {wanted} strips or tiles")


def _pieces_wanted(grid: dict[int, int]) -> int:
    """How many strips or tiles a page of this size is cut into."""
    width, height = grid[_WIDTH], grid[_HEIGHT]
    planes = grid[_SAMPLES] if grid[_PLANES] == 2 else 1
    if grid[_TILE_WIDTH] and grid[_TILE_HEIGHT]:
        return -(-width // grid[_TILE_WIDTH]) * -(-height // grid[_TILE_HEIGHT]) * planes
    return -(-height // (grid[_STRIP_HEIGHT] or max(1, height))) * planes


def _check_pieces(data: bytes, starts: NDArray[np.uint64], counts: NDArray[np.uint64]) -> None:
    """Refuse strips or tiles that lie, or end, behind the end of the file."""
    both = min(len(starts), len(counts))
    ends = starts.copy()
    ends[:both] += np.minimum(counts[:both], _FAR)
    if np.any(starts > len(data)) or np.any(ends > len(data)):
        raise PictureError("truncated", f"pixel data end at {int(ends.max())} of {len(data)} bytes")


def _check_jpeg_pieces(data: bytes, starts: NDArray[np.uint64], counts: NDArray[np.uint64]) -> None:
    """Refuse a strip or tile that is a JPEG without an end: libtiff would fill it in with grey."""
    for start, count in zip(starts.tolist(), counts.tolist(), strict=False):
        if count and data.rfind(b"\xff\xd9", start, start + count) < 0:
            raise PictureError("truncated", "no end-of-image marker in a strip")


def _check_sub_directory(data: bytes, head: exif.Header, tags: _Tags, pointer: int) -> None:
    """Refuse a bomb in a directory beside the first; one that is merely broken does no harm."""
    offset = _number(data, head, tags, pointer, 0)
    if offset:
        try:
            entries, _ = exif.directory(data, head, offset)
        except struct.error:
            return
        if any(_costly(entry) for entry in entries.values()):
            raise PictureError("bomb", f"directory {pointer:#x}")


def _costly(entry: exif.Entry) -> bool:
    return entry.size > _VALUE_CAP and entry.type not in (1, 2, 6, 7)


def _array(data: bytes, head: exif.Header, tags: _Tags, tag: int) -> NDArray[np.uint64]:
    entry = tags.get(tag)
    kind = _NUMBER_TYPES.get(entry.type) if entry else None
    if entry is None or kind is None:
        return np.zeros(0, np.uint64)
    return np.frombuffer(data, head.order + kind, entry.count, entry.offset).astype(np.uint64)


def _number(data: bytes, head: exif.Header, tags: _Tags, tag: int, default: int) -> int:
    return next(exif.integers(data, head, tags.get(tag)), default)


def _orientation(data: bytes, head: exif.Header, tags: _Tags) -> int:
    value = _number(data, head, tags, exif.ORIENTATION, 0)
    if 1 <= value <= 8:
        return value
    packet = tags.get(_XMP)
    xmp = data[packet.offset : packet.offset + packet.size] if packet else b""
    return exif.orientation(b"", xmp if value == 0 else b"")
