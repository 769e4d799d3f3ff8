"""TIFF directories: the way EXIF and TIFF files keep their tags.

We read the one EXIF tag we need ourselves. Pillow would read them all, several times over, and a
64 kB block with 5,000 tags that all point at the same bytes costs it 350 MB.
"""

import re
import struct
from collections.abc import Iterator
from dataclasses import dataclass, replace

from curation.picture.formats.refusal import PictureError

ORIENTATION = 0x0112
_UNITS = {1: 1, 2: 1, 3: 2, 4: 4, 5: 8, 6: 1, 7: 1, 8: 2, 9: 4, 10: 8, 11: 4, 12: 8, 13: 4, 16: 8}
_INTEGERS = {1: "B", 3: "H", 4: "I", 13: "I", 16: "Q"}
_RATIONAL_TYPES = (5, 10)
_RATIONAL_CAP = 1 << 16  # bytes of fractions in one directory: Pillow makes an object of each
_SLACK = 1 << 16
_BLOCK_CAP = 1 << 20  # bytes of EXIF in one file; a JPEG segment holds 64 kB
_XMP = re.compile(rb'tiff:Orientation(?:="|>)([1-8])')


@dataclass(frozen=True)
class Entry:
    """One tag: its TIFF type, how many values, and where they lie, in bytes."""

    type: int
    count: int
    offset: int
    size: int


@dataclass(frozen=True)
class Header:
    """The head of a TIFF structure: byte order (``<`` or ``>``), 64-bit or not, first directory."""

    order: str
    big: bool
    first: int

    @property
    def offset_code(self) -> str:
        """The ``struct`` code of an offset."""
        return self.order + ("Q" if self.big else "I")


def header(data: bytes) -> Header | None:
    """Parse the 8 (or 16) bytes at the head, or None where there is no TIFF structure."""
    order = {b"II": "<", b"MM": ">"}.get(data[:2])
    if order is None:
        return None
    version = struct.unpack_from(order + "H", data, 2)[0]
    if version not in (42, 43):
        return None
    head = Header(order, version == 43, 0)
    first = struct.unpack_from(head.offset_code, data, 8 if head.big else 4)[0]
    return replace(head, first=first)


def directory(data: bytes, head: Header, offset: int) -> tuple[dict[int, Entry], int]:
    """The tags of the directory at ``offset`` and the offset behind its last entry.

    Like Pillow it ends at the first tag whose values are not all there. Raises ``PictureError`` for
    a directory that would cost a reader far more than the file is long, ``struct.error`` for one
    that is not all there itself.
    """
    count = struct.unpack_from(head.order + ("Q" if head.big else "H"), data, offset)[0]
    offset += 8 if head.big else 2
    entry = struct.Struct(head.order + ("HHQ8s" if head.big else "HHI4s"))
    if offset + count * entry.size > len(data):
        raise struct.error("directory runs past the end")
    tags: dict[int, Entry] = {}
    cost = fractions = 0
    end = offset + count * entry.size
    inline = 8 if head.big else 4
    for place in range(offset, end, entry.size):
        tag, kind, values, raw = entry.unpack_from(data, place)
        size = values * _UNITS.get(kind, 0)
        start = place + entry.size - inline
        if size > inline:
            start = struct.unpack(head.offset_code, raw)[0]
            if start + size > len(data):
                break
        cost += size
        fractions += size if kind in _RATIONAL_TYPES else 0
        if size:
            tags[tag] = Entry(kind, values, start, size)
    if cost > 2 * len(data) + _SLACK or fractions > _RATIONAL_CAP:
        raise PictureError("bomb", f"a directory of {cost} bytes of tags")
    return tags, end


def integers(data: bytes, head: Header, entry: Entry | None) -> Iterator[int]:
    """The values of a tag of an unsigned integer type; none for any other type."""
    if entry is not None and (code := _INTEGERS.get(entry.type)):
        yield from struct.unpack_from(f"{head.order}{entry.count}{code}", data, entry.offset)


def orientation(block: bytes, xmp: bytes = b"") -> int:
    """The orientation 1..8 of an EXIF block, else of an XMP packet, as Pillow decides it; else 1.

    A damaged block counts as none. Raises ``PictureError`` for a block that is a bomb.
    """
    while block.startswith(b"Exif\0\0"):
        block = block[6:]
    if len(block) > _BLOCK_CAP:
        raise PictureError("bomb", f"{len(block)} bytes of EXIF")
    try:
        head = header(block)
        tags = directory(block, head, head.first)[0] if head else {}
        value = next(integers(block, head, tags.get(ORIENTATION)), 0) if head else 0
    except struct.error:
        value = 0
    if 1 <= value <= 8:
        return value
    match = _XMP.search(xmp) if xmp and value == 0 else None
    return int(match[1]) if match else 1
