"""Something done again and again beside the work, from a thread of its own."""

import contextlib
import threading
from collections.abc import Callable, Iterator


@contextlib.contextmanager
def repeated(call: Callable[[], None], seconds: float) -> Iterator[None]:
    """Call every so many seconds while the block runs; an ``OSError`` counts for nothing.

    A filesystem that fails once may answer the next time, and the work itself tells of an outage.
    """
    done = threading.Event()

    def poll() -> None:
        while not done.wait(seconds):
            with contextlib.suppress(OSError):
                call()

    thread = threading.Thread(target=poll, daemon=True)
    thread.start()
    try:
        yield
    finally:
        done.set()
        thread.join()
