"""JPEG (ITU-T T.81): markers, and whether every scan that the image needs is there."""

import re
import struct

from curation.picture.formats import exif, metadata
from curation.picture.formats.outline import PIXEL_CAP, Outline
from curation.picture.formats.refusal import PictureError

_EOI, _SOS, _DQT, _APP1, _APP13 = 0xD9, 0xDA, 0xDB, 0xE1, 0xED
_FRAMES = {0xC0: False, 0xC1: False, 0xC2: True}  # Huffman-coded frames; True: progressive
_OTHER_FRAMES = {0xC3, 0xC5, 0xC6, 0xC7, 0xC8, 0xC9, 0xCA, 0xCB, 0xCD, 0xCE, 0xCF}
BARE = {0x01, *range(0xD0, 0xD9)}  # markers without a length
_MODES = {1: "L", 3: "RGB", 4: "CMYK"}
_SCAN_CAP = 100  # each scan is a pass over the whole image; encoders write at most 15
_PASSED_PIXELS_CAP = 15 * PIXEL_CAP
_EXIF, _XMP = b"Exif\0\0", b"http://ns.adobe.com/xap/1.0/\0"
_PHOTOSHOP = b"Photoshop 3.0\0"
# Inside coded data FF is followed by 00 (stuffing), D0-D7 (restart) or FF (fill); else it ends.
_MARKER = re.compile(rb"\xff[\x01-\xcf\xd8-\xfe]")


class _Walk:
    """What has been seen so far, from the first marker to the last."""

    def __init__(self) -> None:
        self.width = self.height = 0
        self.components: list[int] = []
        self.progressive = False
        self.missing: dict[int, list[int]] = {}  # component -> 64 lowest bits still to come
        self.exif: list[bytes] = []
        self.xmp = self.iptc = b""
        self.hidden: list[tuple[int, int]] = []
        self.scans = self.scan_end = 0
        self.plain = True  # one scan with every component
        self.tables: dict[int, float] = {}  # number of a quantisation table -> mean of its 64 steps
        self.first_table = 0  # that of the first component

    def frame(self, body: bytes, progressive: bool) -> None:
        bits, self.height, self.width, count = struct.unpack_from(">BHHB", body)
        if self.components:
            raise PictureError("corrupt", "two frames")
        if bits != 8 or count not in _MODES:
            raise PictureError("unsupported", f"JPEG of {count} components of {bits} bits")
        if not self.height:
            raise PictureError("unsupported", "JPEG with its height behind the scan")
        if not self.width or len(body) < 6 + 3 * count:
            raise PictureError("corrupt", "frame header")
        self.components = list(body[6 : 6 + 3 * count : 3])
        self.first_table = body[8]
        self.progressive = progressive
        self.missing = {component: [99] * 64 for component in self.components}

    def scan(self, body: bytes) -> None:
        """Note what a scan brings (T.81 B.2.3): components, band of coefficients, lowest bit."""
        count = body[0]
        chosen = body[1 : 1 + 2 * count : 2]
        first, last, bits = body[1 + 2 * count : 4 + 2 * count]
        if not self.progressive:
            first, last, bits = 0, 63, 0
        self.scans += 1
        self.plain = self.plain and not self.progressive and count == len(self.components)
        for component in chosen:
            if component not in self.missing or last > 63:
                raise PictureError("corrupt", "scan header")
            self.missing[component][first : last + 1] = [bits & 15] * (last + 1 - first)
        passes = self.scans * self.width * self.height
        if self.scans > _SCAN_CAP or passes > _PASSED_PIXELS_CAP:
            raise PictureError("bomb", f"{self.scans} scans or more")

    def quantisation(self, body: bytes) -> None:
        """Note tables of steps (T.81 B.2.4.1); what is wrong with them is left to the decoder."""
        while len(body) > 64:
            wide, number = divmod(body[0], 16)
            length = 128 if wide else 64
            steps = body[1 : 1 + length]
            if len(steps) == length:
                high = sum(steps[::2]) * 256 + sum(steps[1::2])
                self.tables[number] = (high if wide else sum(steps)) / 64
            body = body[1 + length :]

    def segment(self, data: bytes, marker: int, start: int, end: int) -> None:
        body = data[start + 2 : end]
        if marker in _FRAMES:
            self.frame(body, _FRAMES[marker])
        elif marker in _OTHER_FRAMES:
            raise PictureError("unsupported", f"JPEG process {marker:#x}")
        elif marker == _SOS:
            self.scan(body)
        elif marker == _DQT:
            self.quantisation(body)
        elif marker == _APP1 and body.startswith(_EXIF):
            self.exif.append(body[6:])
            self.hidden.append((start - 2, end))
        elif marker == _APP1 and body.startswith(_XMP):
            self.xmp = body
        elif marker == _APP13 and body.startswith(_PHOTOSHOP):
            self.iptc = body

    def finish(self) -> Outline:
        for component, bits in self.missing.items():
            if any(bits):
                raise PictureError("truncated", f"scans of component {component} are missing")
        block = b"".join(self.exif)
        return Outline(
            format="JPEG",
            width=self.width,
            height=self.height,
            orientation=exif.orientation(block, self.xmp),
            mode=_MODES[len(self.components)],
            hidden=tuple(self.hidden),
            scans=1 if self.plain else max(2, self.scans),
            scan_end=self.scan_end,
            quantisation=self.tables.get(self.first_table, 0.0),
            metadata=metadata.read(block, self.xmp, self.iptc),
        )


def walk(data: bytes) -> Outline:
    """Walk to the end-of-image marker; what follows it (a second image, junk) is not looked at.

    A progressive image must bring every coefficient of every component down to its last bit.
    """
    seen = _Walk()
    position = 2
    while True:
        position, marker = next_marker(data, position)
        if marker == _EOI:
            break
        if marker == 0 or marker in BARE:
            continue
        start = position
        position = end_of_segment(data, start, marker)
        seen.segment(data, marker, start, position)
        if marker == _SOS:
            after = _MARKER.search(data, position)
            if after is None:
                raise PictureError("truncated", "no end-of-image marker behind the scan")
            position = seen.scan_end = after.start()
    if not seen.scans:
        raise PictureError("truncated", "end of image before any scan")
    return seen.finish()


def next_marker(data: bytes, position: int) -> tuple[int, int]:
    """Where the next marker ends, and which it is."""
    position = data.find(b"\xff", position) + 1
    if not position:
        raise PictureError("truncated", "no end-of-image marker")
    while data[position] == 0xFF:
        position += 1
    return position + 1, data[position]


def end_of_segment(data: bytes, start: int, marker: int) -> int:
    length = struct.unpack_from(">H", data, start)[0]
    if length < 2:
        raise PictureError("corrupt", f"segment {marker:#x} of {length} bytes")
    if start + length > len(data):
        raise PictureError("truncated", f"segment {marker:#x} runs past the end")
    return int(start + length)
