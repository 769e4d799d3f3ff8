"""Into how many pieces a JPEG 2000 codestream cuts its tiles (ISO/IEC 15444-1, A.6 and B.6 to B.9).

OpenJPEG makes room for every code block, some 4 KB each, and visits every packet, a precinct in a
layer, whether the file says anything of them or not: a few bytes can ask for gigabytes and minutes.
"""

import struct
from collections.abc import Iterable

from curation.picture.formats.refusal import PictureError

Segment = tuple[int, bytes]  # a marker, and what follows its length
_COD, _COC, _POC = 0xFF52, 0xFF53, 0xFF5F
_MOST_BLOCKS = 1 << 18  # a gigabyte; an honest image of the largest size has 175,000
_MOST_PACKETS = 1 << 22  # half a second; honest ones stay below a few hundred thousand
_LARGEST = 15  # precincts whose size is not said are of 2^15 samples


def check_pieces(
    segments: Iterable[Segment], tiles: int, tile: tuple[int, int], components: int
) -> None:
    """Refuse as a bomb what has too many, by the finest cut that any of the segments asks for.

    ``segments`` are those of all headers, ``tile`` is the size of the largest in pixels. Raises
    ``PictureError``, ``struct.error``.
    """
    layers = orders = 1
    most_blocks = most_precincts = 0
    for marker, body in segments:
        if marker == _POC:
            orders += len(body) // 7  # each goes over the packets once more
        if marker not in (_COD, _COC):
            continue
        if marker == _COD:
            layers = max(layers, struct.unpack_from(">H", body, 2)[0])
        blocks, precincts = _cut(body[0 if marker == _COD else 1], _style(marker, body), tile)
        most_blocks = max(most_blocks, blocks * tiles * components)
        most_precincts = max(most_precincts, precincts * tiles * components)
    if most_blocks > _MOST_BLOCKS:
        raise PictureError("bomb", f"{most_blocks} code blocks")
    if most_precincts * layers * orders > _MOST_PACKETS:
        raise PictureError("bomb", f"{most_precincts} precincts in {layers} layers")


def _style(marker: int, body: bytes) -> bytes:
    """Levels, size of code blocks, and so on; a COC begins with the number of its component."""
    return body[5:] if marker == _COD else body[2:]


def _cut(flags: int, style: bytes, tile: tuple[int, int]) -> tuple[int, int]:
    """(code blocks, precincts) of one component of a tile."""
    levels, block_width, block_height = struct.unpack_from("BBB", style)
    blocks = precincts = 0
    for resolution in range(levels + 1):
        sizes = style[5 + resolution] if flags & 1 else _LARGEST << 4 | _LARGEST
        exponents = sizes & 15, sizes >> 4
        halved = 1 if resolution else 0  # but for the smallest, a resolution is three bands of half
        shrunk = [-(-side >> levels - resolution) for side in tile]
        wanted = [(block & 15) + 2 for block in (block_width, block_height)]
        edges = [max(0, min(of, at - halved)) for of, at in zip(wanted, exponents, strict=True)]
        across, down = (-(-side >> edge + halved) for side, edge in zip(shrunk, edges, strict=True))
        blocks += across * down * (3 if resolution else 1)
        across, down = (-(-side >> at) for side, at in zip(shrunk, exponents, strict=True))
        precincts += across * down
    return blocks, precincts
