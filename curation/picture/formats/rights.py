"""What a file's metadata say of rights and credit: EXIF 2.32, XMP, IPTC-IIM 4.2, texts of a PNG.

Untrusted bytes: no XML is parsed, a few properties are looked for in the head of a packet, and of
each value only so much is taken. Damaged blocks say nothing.
"""

import html
import re
import struct
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from curation.picture.formats import exif, personal
from curation.picture.formats.refusal import PictureError

_COPYRIGHT_TAG, _ARTIST_TAG, _XMP_TAG, _IPTC_TAG = 0x8298, 0x013B, 0x02BC, 0x83BB
_NOTICES, _CREDITS = (116,), (80, 110, 115)  # IPTC: copyright; by-line, credit, source
_PACKET_CAP, _VALUE_CAP, _MOST_VALUES = 1 << 16, 400, 16
_NOTICE_NAMES = (
    *(b"dc:rights", b"xmpRights:WebStatement", b"xmpRights:UsageTerms", b"xmpRights:Marked"),
    *(b"cc:license", b"photoshop:Copyright"),
)
_CREDIT_NAMES = (
    *(b"photoshop:Credit", b"photoshop:Source", b"dc:creator", b"xmpRights:Owner"),
    *(b"plus:LicensorName", b"plus:LicensorURL", b"plus:ImageSupplierName"),
    *(b"plus:CopyrightOwnerName",),
)
# name="value", <name rdf:resource="value"/> or <name ...>value</name>, each of bounded length
_PROPERTY = re.compile(
    rb"\b(%s)(?:\s{0,9}=\s{0,9}(?:\"([^\"<]{0,1000})\"|'([^'<]{0,1000})')|([^<>]{0,300})/>"
    rb"|[^<>]{0,300}(?<!/)>(.{0,1000}?)</\1)" % b"|".join((*_NOTICE_NAMES, *_CREDIT_NAMES)),
    re.DOTALL,
)
_RESOURCE = re.compile(rb"resource\s{0,9}=\s{0,9}[\"']([^\"']{0,1000})")
_ELEMENT = re.compile(rb"<[^>]{0,300}>")
MARKED = {"true": "marked as under copyright", "false": "marked as public domain"}


class Rights(NamedTuple):
    """The words of metadata, a value a line: ``notice`` about rights, ``credit`` about whose it is.

    Together some 13,000 characters at most. They may name people, and are not stored.
    """

    notice: str = ""
    credit: str = ""


NOTHING = Rights()
_Values = Iterator[tuple[bool, str]]  # whether it is about rights, and what it says


def of_metadata(
    block: bytes, xmp: bytes = b"", iptc: bytes = b"", texts: Sequence[bytes] = ()
) -> Rights:
    """What an EXIF block (or a whole TIFF file), an XMP packet, IPTC resources and texts say."""
    values = [*_of_exif(block), *_of_packet(xmp), *_of_datasets(personal.resource(iptc))]
    values += [(True, said) for text in texts if (said := _text(text))]
    notice, credit = (
        "\n".join(dict.fromkeys(said for kind, said in values if kind is about))
        for about in (True, False)
    )
    return Rights(notice, credit) if notice or credit else NOTHING


def _of_exif(block: bytes) -> _Values:
    while block.startswith(b"Exif\0\0"):
        block = block[6:]
    try:
        head = exif.header(block) if block else None
        tags = exif.directory(block, head, head.first)[0] if head else {}
    except (struct.error, PictureError):
        return
    for tag, about in ((_COPYRIGHT_TAG, True), (_ARTIST_TAG, False)):
        if said := _text(_bytes(block, tags.get(tag)).replace(b"\0", b" ")):
            yield about, said
    yield from _of_packet(_bytes(block, tags.get(_XMP_TAG), _PACKET_CAP))
    yield from _of_datasets(_bytes(block, tags.get(_IPTC_TAG), _PACKET_CAP))


def _bytes(block: bytes, entry: exif.Entry | None, most: int = _VALUE_CAP) -> bytes:
    return block[entry.offset : entry.offset + min(entry.size, most)] if entry else b""


def _of_packet(xmp: bytes) -> _Values:
    for number, match in enumerate(_PROPERTY.finditer(xmp[:_PACKET_CAP])):
        if number == _MOST_VALUES:
            return
        name, *forms, element = match.groups()
        value = next((form for form in forms if form is not None), element) or b""
        if forms[2] is not None or not _ELEMENT.sub(b"", value).strip():
            resource = _RESOURCE.search(value)
            value = resource[1] if resource else b""
        said = html.unescape(_text(_ELEMENT.sub(b" ", value)))
        if name == b"xmpRights:Marked":
            said = MARKED.get(said.lower(), "")
        if said:
            yield name in _NOTICE_NAMES, said


def _of_datasets(block: bytes) -> _Values:
    for number, value in personal.datasets(block):
        if number in (*_NOTICES, *_CREDITS) and (said := _text(value)):
            yield number in _NOTICES, said


def _text(value: bytes) -> str:
    """Bytes as words between single spaces."""
    cut = value[: _VALUE_CAP * 2]
    try:
        text = cut.decode("utf-8", "strict" if len(value) <= len(cut) else "ignore")
    except UnicodeDecodeError:
        text = cut.decode("latin-1")
    return " ".join(text.replace("\0", " ").split())[:_VALUE_CAP]
