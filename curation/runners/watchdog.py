"""Ending a run whose worker process died: the local runner would wait for it for ever."""

import contextlib
import os
import sys
import threading
from collections.abc import Iterator
from typing import NoReturn

EXIT_CODE = 4
TOLD = (
    "a worker process died (killed, or out of memory?); "
    "run the same command again to go on, with fewer --workers if memory was short"
)
_DEATH = "Worker subprocess exited"  # what Beam raises in a thread that nobody joins


def end() -> NoReturn:
    """End this process: a worker of its died."""
    try:
        print(f"beam: {TOLD}", file=sys.__stderr__, flush=True)
    finally:  # whether or not anybody still listens
        os._exit(EXIT_CODE)


@contextlib.contextmanager
def ending_with_workers() -> Iterator[None]:
    """While in the block, a worker's death ends this process with ``EXIT_CODE`` and a message.

    At once and without unwinding, which would wait for the dead worker, too; every finished file is
    whole, because final names appear atomically.
    """
    before = threading.excepthook

    def hook(failure: threading.ExceptHookArgs) -> None:
        if _DEATH in str(failure.exc_value):
            end()
        before(failure)

    threading.excepthook = hook
    try:
        yield
    finally:
        threading.excepthook = before
