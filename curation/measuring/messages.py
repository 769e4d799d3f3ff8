"""Messages to and from a process that this one started: JSON and bytes, never code."""

import json
import socket
from collections.abc import Mapping, Sequence
from typing import Any

_LENGTH = 8  # bytes that say how long the JSON is


def send(channel: socket.socket, said: Mapping[str, Any], parts: Sequence[bytes] = ()) -> None:
    """Send what is said, and bytes with it. Raises ``OSError``."""
    text = json.dumps({**said, "sizes": [len(part) for part in parts]}).encode()
    channel.sendall(len(text).to_bytes(_LENGTH, "big") + text)
    for part in parts:
        channel.sendall(part)


def receive(channel: socket.socket) -> tuple[dict[str, Any], list[bytes]]:
    """What ``send`` sent. Raises ``EOFError`` where the other side has ended, and ``OSError``."""
    text = _exactly(channel, int.from_bytes(_exactly(channel, _LENGTH), "big"))
    said: dict[str, Any] = json.loads(text)
    return said, [_exactly(channel, size) for size in said.pop("sizes")]


def _exactly(channel: socket.socket, size: int) -> bytes:
    data = bytearray(size)
    view = memoryview(data)
    while view:
        count = channel.recv_into(view)
        if not count:
            raise EOFError
        view = view[count:]
    return bytes(data)
