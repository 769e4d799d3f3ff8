"""What server and worker say to each other over a pipe: JSON and bytes, never objects.

A frame is the length of its head (4 bytes, most significant first), the head in JSON, whose
``blobs`` are the lengths of what follows, and the blobs.
"""

import asyncio
import json
import struct
from collections.abc import Sequence
from typing import IO, Any

_LENGTH = struct.Struct(">I")
_MOST_HEAD = 64 << 20  # bytes; more is no head but something else on the pipe

Frame = tuple[dict[str, Any], list[bytes]]


class BrokenPipeFrame(EOFError):  # noqa: N818
    """The other side has ended, or something else writes to the pipe."""


def encoded(head: dict[str, Any], blobs: Sequence[bytes] = ()) -> bytes:
    """The bytes of a frame."""
    content = json.dumps({**head, "blobs": [len(blob) for blob in blobs]}).encode()
    return b"".join([_LENGTH.pack(len(content)), content, *blobs])


def read(stream: IO[bytes]) -> Frame:
    """The next frame. Raises ``BrokenPipeFrame`` at the end."""
    head = _head(_exactly(stream, _checked(_exactly(stream, _LENGTH.size))))
    return head, [_exactly(stream, length) for length in head.pop("blobs")]


async def receive(stream: asyncio.StreamReader) -> Frame:
    """The same of an asynchronous stream."""
    try:
        length = _checked(await stream.readexactly(_LENGTH.size))
        head = _head(await stream.readexactly(length))
        return head, [await stream.readexactly(length) for length in head.pop("blobs")]
    except asyncio.IncompleteReadError as error:
        raise BrokenPipeFrame("the pipe has ended") from error


def _checked(data: bytes) -> int:
    length: int = _LENGTH.unpack(data)[0]
    if length > _MOST_HEAD:
        raise BrokenPipeFrame("not a frame")
    return length


def _head(data: bytes) -> dict[str, Any]:
    try:
        head: dict[str, Any] = json.loads(data)
    except ValueError as error:
        raise BrokenPipeFrame("not a frame") from error
    return head


def _exactly(stream: IO[bytes], length: int) -> bytes:
    data = stream.read(length)
    if len(data) < length:
        raise BrokenPipeFrame("the pipe has ended")
    return data
