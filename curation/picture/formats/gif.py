"""GIF (89a): blocks up to the trailer."""

import struct

from curation.picture.formats import metadata
from curation.picture.formats.metadata import NOTHING
from curation.picture.formats.outline import Outline
from curation.picture.formats.refusal import PictureError

_BLOCK_CAP = 2_000_000  # blocks of at most 255 bytes in one file: 0.2 s of walking
_COMMENT_CAP = 1 << 18  # Pillow joins a comment block by block, in quadratic time
_XMP, _XMP_CAP = b"XMP DataXMP", 1 << 20
_IMAGE, _EXTENSION, _TRAILER, _COMMENT = 0x2C, 0x21, 0x3B, 0xFE


class _Blocks:
    """Walks chains of sub-blocks and counts them."""

    def __init__(self, data: bytes) -> None:
        self.data = data
        self.count = 0

    def skip(self, position: int) -> int:
        """The offset behind the chain of sub-blocks at ``position``."""
        data, count = self.data, self.count
        while length := data[position]:
            position += length + 1
            count += 1
            if count > _BLOCK_CAP:
                raise PictureError("bomb", f"more than {_BLOCK_CAP} blocks")
        self.count = count + 1
        return position + 1


def walk(data: bytes) -> Outline:
    """Walk to the trailer. The canvas grows to the first frame, as it does in Pillow."""
    width, height, flags = struct.unpack_from("<HHB", data, 6)
    position = 13 + _table_size(flags)
    blocks = _Blocks(data)
    frames = comments = 0
    try:
        while (kind := data[position]) != _TRAILER:
            start = position
            if kind == _IMAGE:
                left, top, across, down, flags = struct.unpack_from("<HHHHB", data, position + 1)
                if not frames:
                    width, height = max(width, left + across), max(height, top + down)
                frames += 1
                position = blocks.skip(position + 11 + _table_size(flags))
            elif kind == _EXTENSION:
                position = blocks.skip(position + 2)
                comments += position - start if data[start + 1] == _COMMENT else 0
            elif kind == 0:
                position += 1  # harmless padding that some writers leave between blocks
            else:
                raise PictureError("corrupt", f"block of kind {kind:#x}")
            if comments > _COMMENT_CAP:
                raise PictureError("bomb", f"more than {_COMMENT_CAP} bytes of comments")
    except (IndexError, struct.error) as error:
        raise PictureError("truncated", "no trailer") from error
    if not frames:
        raise PictureError("truncated", "trailer before any frame")
    packet = data.find(_XMP)
    says = metadata.read(b"", data[packet : packet + _XMP_CAP]) if packet >= 0 else NOTHING
    return Outline("GIF", width, height, frames, metadata=says)


def _table_size(flags: int) -> int:
    """Bytes of the colour table that the flags announce."""
    return 3 << ((flags & 7) + 1) if flags & 0x80 else 0
