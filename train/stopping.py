"""A first Ctrl-C lets a step end and be saved; a second one interrupts."""

import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType

from curation.failures.interruption import Interruption


@contextmanager
def stopping() -> Iterator[Callable[[], bool]]:
    """Within, the first Ctrl-C or SIGTERM only asks for a stop; the second one interrupts."""
    asked: list[int] = []

    def ask(number: int, frame: FrameType | None) -> None:
        if asked:
            raise Interruption(number)
        asked.append(number)

    before = {number: signal.signal(number, ask) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield lambda: bool(asked)
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
