"""PNG (W3C PNG 3): chunks, checksums, and whether the pixel stream holds every row."""

import struct
import zlib
from collections.abc import Iterator

from curation.picture.formats import exif, metadata
from curation.picture.formats.outline import Outline
from curation.picture.formats.refusal import PictureError

_CHUNK_CAP = 100_000
_PACKED_CAP = 64  # compressed texts and profiles; Pillow inflates each to as much as 1 MB
_TEXT_CAP, _NOTICE_CAP = 1 << 20, 1 << 12
_RIGHTS, _MOST_RIGHTS = (b"Copyright", b"License", b"Licence"), 8  # keywords of texts
_ANIMATION = (b"acTL", b"fcTL", b"fdAT")
_PACKED = (b"zTXt", b"iTXt", b"iCCP")
_SAMPLES = {0: 1, 2: 3, 3: 1, 4: 2, 6: 4}
_ADAM7 = ((0, 0, 8, 8), (4, 0, 8, 8), (0, 4, 4, 8), (2, 0, 4, 4), (0, 2, 2, 4), (1, 0, 2, 2))
_PASSES = (*_ADAM7, (0, 1, 1, 2))  # first column, first row, column step, row step


def _chunks(data: bytes) -> Iterator[tuple[bytes, int, int]]:
    """Kind, start and end of the body of every chunk up to and with the end chunk."""
    position = 8
    for _ in range(_CHUNK_CAP):
        if position + 8 > len(data):
            raise PictureError("truncated", "no end chunk")
        length, kind = struct.unpack_from(">I4s", data, position)
        start = position + 8
        position = start + length + 4
        if not kind.isalpha():
            raise PictureError("corrupt", "a chunk without a name")
        if position > len(data):
            raise PictureError("truncated", f"the chunk at byte {start - 8} runs past the end")
        yield kind, start, start + length
        if kind == b"IEND":
            return
    raise PictureError("bomb", f"more than {_CHUNK_CAP} chunks")


def walk(data: bytes) -> Outline:
    """Walk to the end chunk. Of an animation (APNG) all but the default image is hidden."""
    width = height = packed = kinds = 0
    frames, block, profile, xmp = 0, b"", b"", b""
    hidden: list[tuple[int, int]] = []
    texts: list[bytes] = []
    for kind, start, end in _chunks(data):
        kinds += kind == b"IDAT"
        if kind == b"IHDR":
            if width or end - start != 13:
                raise PictureError("corrupt", "header chunk")
            width, height = struct.unpack_from(">II", data, start)
        elif not width:
            raise PictureError("corrupt", "no header chunk")
        elif kind == b"eXIf":
            block = data[start:end]
        elif kind in _ANIMATION:
            hidden.append((start - 8, end + 4))
            frames += kind == b"fcTL"
        elif kind in _PACKED or kind == b"tEXt":
            packed += kind in _PACKED
            if packed > _PACKED_CAP:
                raise PictureError("bomb", f"more than {_PACKED_CAP} compressed texts")
            keyword, text = _text(kind, data[start:end])
            profile = _profile(text) if keyword == b"Raw profile type exif" else profile
            xmp = text if keyword == b"XML:com.adobe.xmp" else xmp
            if keyword in _RIGHTS and len(texts) < _MOST_RIGHTS:
                texts.append(text)
    if not kinds:
        raise PictureError("truncated", "no pixel data")
    blocks = block or profile, xmp
    turn, says = exif.orientation(*blocks), metadata.read(*blocks, texts=texts)
    return Outline("PNG", width, height, max(1, frames), turn, hidden=tuple(hidden), metadata=says)


def _text(kind: bytes, body: bytes) -> tuple[bytes, bytes]:
    """Keyword and text of a text chunk; the text is inflated only for the keywords we use."""
    keyword, _, rest = body.partition(b"\0")
    if keyword not in (b"Raw profile type exif", b"XML:com.adobe.xmp", *_RIGHTS):
        return keyword, b""
    cap = _NOTICE_CAP if keyword in _RIGHTS else _TEXT_CAP
    packed = kind == b"zTXt"
    if kind == b"zTXt":
        rest = rest[1:]
    elif kind == b"iTXt":
        packed = rest[:1] == b"\1"
        rest = rest[2:].partition(b"\0")[2].partition(b"\0")[2]
    try:
        return keyword, zlib.decompressobj().decompress(rest, cap) if packed else rest
    except zlib.error:
        return keyword, b""


def _profile(text: bytes) -> bytes:
    """The EXIF block in ImageMagick's hexadecimal text: name and length lines, then digits."""
    try:
        return bytes.fromhex("".join(text.decode("latin-1").split("\n")[3:]))
    except ValueError:
        return b""


def check_sums(data: bytes) -> None:
    """Refuse a chunk whose CRC-32 is wrong."""
    view = memoryview(data)
    for _, start, end in _chunks(data):
        if zlib.crc32(view[start - 4 : end]) != struct.unpack_from(">I", data, end)[0]:
            raise PictureError("corrupt", f"checksum of the chunk at byte {start - 8}")


def interlaced(data: bytes) -> bool:
    """Whether the rows come in seven passes, the last of them in every second row."""
    return bool(data[28])


def check_rows(data: bytes) -> None:
    """Refuse an image whose pixel stream ends, tidily, before its last row.

    Pillow leaves such rows blank. This inflates the stream once more, so it is for suspects only.
    """
    expected = _stream_length(data)
    inflater = zlib.decompressobj()
    total = 0
    for kind, start, end in _chunks(data):
        rest = data[start:end] if kind == b"IDAT" else b""
        while rest and not inflater.eof and total < expected:
            total += len(inflater.decompress(rest, 1 << 20))
            rest = inflater.unconsumed_tail
    if total < expected:
        raise PictureError("truncated", f"{total} of {expected} bytes of pixels")


def _stream_length(data: bytes) -> int:
    """Bytes of the inflated pixel stream: per row one filter byte and the packed samples."""
    width, height, depth, colour = struct.unpack_from(">IIBB", data, 16)
    bits = depth * _SAMPLES.get(colour, 0)
    total = 0
    for left, top, across, down in _PASSES if interlaced(data) else ((0, 0, 1, 1),):
        columns, rows = -(-(width - left) // across), -(-(height - top) // down)
        if columns > 0 and rows > 0:
            total += rows * (1 + (columns * bits + 7) // 8)
    return total
