"""What a file's metadata tell of places and people: EXIF 2.32, XMP, IPTC-IIM 4.2.

Only whether they do, not what: the tags are in their blocks, and nothing of them is copied.
Damaged blocks tell nothing.
"""

import re
import struct
from collections.abc import Iterator
from typing import NamedTuple

from curation.picture.formats import exif
from curation.picture.formats.refusal import PictureError

_EXIF_POINTER, _GPS_POINTER, _XMP_TAG, _IPTC_TAG = 0x8769, 0x8825, 0x02BC, 0x83BB
_COORDINATES = (2, 4, 27, 28)  # latitude, longitude, processing method, area
_NAMES = (0x013B, 0x9C9D)  # artist, author as Windows writes it
_OWNERS = (0xA430, 0xA431)  # owner and serial number of the camera
_XMP_PLACE = re.compile(
    rb"GPSL(?:at|ong)itude|Location(?:Created|Shown)|photoshop:(?:City|State|Country)"
    rb"|Iptc4xmpCore:(?:Location|CountryCode)"
)
_XMP_PERSON = re.compile(
    rb"dc:creator|CreatorContactInfo|PersonInImage|PersonDisplayName|mwg-rs:Name|OwnerName"
    rb"|SerialNumber|photoshop:AuthorsPosition"
)
_RESOURCE = re.compile(rb"8BIM\x04\x04")
_PLACES_OF_RECORD_2 = (90, 92, 95, 100, 101)  # city, sub-location, state, country code and name
_PEOPLE_OF_RECORD_2 = (80, 85, 118, 122)  # by-line, its title, contact, writer
_MOST_DATASETS = 1000


class Personal(NamedTuple):
    """Whether metadata tell where an image was made, and who made it or is shown."""

    place: bool = False
    person: bool = False

    def joined(self, other: "Personal") -> "Personal":
        """What both tell together."""
        return Personal(self.place or other.place, self.person or other.person)


NOTHING = Personal()


def of_metadata(block: bytes, xmp: bytes = b"", iptc: bytes = b"") -> Personal:
    """What an EXIF block (or a whole TIFF file), an XMP packet and IPTC resources tell."""
    if not (block or xmp or iptc):
        return NOTHING
    by_text = Personal(bool(_XMP_PLACE.search(xmp)), bool(_XMP_PERSON.search(xmp)))
    return by_text.joined(_of_datasets(resource(iptc))).joined(_of_exif(block))


def _of_exif(block: bytes) -> Personal:
    while block.startswith(b"Exif\0\0"):
        block = block[6:]
    try:
        head = exif.header(block) if block else None
        return _of_tags(block, head) if head else NOTHING
    except (struct.error, PictureError):
        return NOTHING


def _of_tags(block: bytes, head: exif.Header) -> Personal:
    tags = exif.directory(block, head, head.first)[0]
    own = _below(block, head, tags, _EXIF_POINTER)
    coordinates = _below(block, head, tags, _GPS_POINTER)
    names = [tags.get(tag) for tag in _NAMES] + [own.get(tag) for tag in _OWNERS]
    person = any(_bytes(block, entry).strip(b"\0 \t") for entry in names)
    place = any(tag in coordinates for tag in _COORDINATES)
    xmp, iptc = (_bytes(block, tags.get(tag)) for tag in (_XMP_TAG, _IPTC_TAG))
    by_text = Personal(bool(_XMP_PLACE.search(xmp)), bool(_XMP_PERSON.search(xmp)))
    return Personal(place, person).joined(by_text).joined(_of_datasets(iptc))


def _below(
    block: bytes, head: exif.Header, tags: dict[int, exif.Entry], pointer: int
) -> dict[int, exif.Entry]:
    offset = next(exif.integers(block, head, tags.get(pointer)), 0)
    return exif.directory(block, head, offset)[0] if offset else {}


def _bytes(block: bytes, entry: exif.Entry | None) -> bytes:
    return block[entry.offset : entry.offset + entry.size] if entry else b""


def resource(iptc: bytes) -> bytes:
    """The IPTC block among Photoshop's image resources."""
    match = _RESOURCE.search(iptc)
    if not match:
        return b""
    start = match.end()
    start += (iptc[start] + 2) & ~1 if start < len(iptc) else 0  # its name, padded to even
    return iptc[start + 4 :]


def _of_datasets(block: bytes) -> Personal:
    numbers = {number for number, _ in datasets(block)}
    return Personal(
        not numbers.isdisjoint(_PLACES_OF_RECORD_2), not numbers.isdisjoint(_PEOPLE_OF_RECORD_2)
    )


def datasets(block: bytes) -> Iterator[tuple[int, bytes]]:
    """The numbers and values of the data sets of record 2 that are not empty."""
    position = 0
    for _ in range(_MOST_DATASETS):
        if block[position : position + 1] != b"\x1c" or position + 5 > len(block):
            return
        record, number, length = struct.unpack_from(">BBH", block, position + 1)
        if record == 2 and length and length < 0x8000:
            yield number, block[position + 5 : position + 5 + length]
        position += 5 + length
