"""Images as PNG files, in a third of OpenCV's time: deflated by zlib-ng.

Flat images are deflated as they are, since filtering rows makes them larger. In a camera's noise
nothing is found twice: each pixel is written as what it differs by from the one to its left, by
Huffman codes alone, which takes two fifths of the time and three quarters of the bytes. ISA-L is
quicker still, but now and then writes other bytes for the same pixels (docs/log.md).
"""

import struct

import cv2
import numpy as np
from numpy.typing import NDArray
from zlib_ng import zlib_ng

_SIGNATURE = b"\x89PNG\r\n\x1a\n"
_LEVEL, _QUICKEST, _MEMORY = 2, 1, 9
_AS_IT_IS, _FROM_LEFT = 0, 1  # filters of a row
_PROBED = 16  # every so many rows are looked at
_NOISY = 0.35  # share of pixels like their neighbour: of noise 0.15 at most, of forms 0.57 at least
_RGB8 = (8, 2, 0, 0, 0)  # bits, colour type, deflated, filtered row by row, not interlaced
_GREY8 = (8, 0, 0, 0, 0)


def encode(canvas: NDArray[np.uint8]) -> bytes:
    """A (H, W, 4) uint8 RGBA canvas as an RGB PNG file; alpha is dropped (PNG, third edition)."""
    height, width = canvas.shape[:2]
    rgb = np.asarray(cv2.cvtColor(canvas, cv2.COLOR_RGBA2RGB), np.uint8)
    rows = np.empty((height, 1 + 3 * width), np.uint8)  # each begins with its filter
    values, noisy = rgb.reshape(height, 3 * width), _is_noisy(rgb)
    rows[:, 0] = _FROM_LEFT if noisy else _AS_IT_IS
    if noisy:
        rows[:, 1:4] = values[:, :3]
        np.subtract(values[:, 3:], values[:, :-3], out=rows[:, 4:])
    else:
        rows[:, 1:] = values
    return _file(_deflated(rows, noisy), width, height, _RGB8)


def _is_noisy(rgb: NDArray[np.uint8]) -> bool:
    """Whether hardly any pixel of an (H, W, 3) image is like the one to its left."""
    probed = rgb[::_PROBED]
    alike = (probed[:, 1:] == probed[:, :-1]).all(axis=2)
    return bool(alike.size) and float(alike.mean()) < _NOISY


def encode_grey(levels: NDArray[np.uint8]) -> bytes:
    """(H, W) uint8 levels as a grey PNG file."""
    height, width = levels.shape
    rows = np.zeros((height, 1 + width), np.uint8)
    rows[:, 1:] = levels
    return _file(_deflated(rows), width, height, _GREY8)


def _deflated(rows: NDArray[np.uint8], noisy: bool = False) -> bytes:
    if not noisy:
        return bytes(zlib_ng.compress(rows, _LEVEL))
    how = (_QUICKEST, zlib_ng.DEFLATED, zlib_ng.MAX_WBITS, _MEMORY, zlib_ng.Z_HUFFMAN_ONLY)
    deflate = zlib_ng.compressobj(*how)
    return bytes(deflate.compress(rows)) + bytes(deflate.flush())


def _file(deflated: bytes, width: int, height: int, kind: tuple[int, ...]) -> bytes:
    header = struct.pack(">2I5B", width, height, *kind)
    chunks = ((b"IHDR", header), (b"IDAT", deflated), (b"IEND", b""))
    return b"".join([_SIGNATURE, *(_chunk(*chunk) for chunk in chunks)])


def _chunk(kind: bytes, data: bytes) -> bytes:
    check = zlib_ng.crc32(data, zlib_ng.crc32(kind))
    return b"".join([struct.pack(">I", len(data)), kind, data, struct.pack(">I", check)])
