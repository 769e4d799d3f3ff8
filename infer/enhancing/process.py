"""The process of ``infer.enhancing.apart``: a language model that answers frames with frames.

It ends when its input does, also while it loads or writes. What libraries print goes to standard
error.
"""

import json
import os
import signal
import sys
import threading
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from queue import SimpleQueue
from typing import Any

from curation.failures import commands, memory
from curation.failures.errors import UsageError
from infer.enhancing.enhancer import NoAnswerError, Writer
from infer.server import frames


def carry_on(opened: Callable[[dict[str, Any]], Writer]) -> int:
    """Be the process, with what ``opened`` makes of the settings, JSON as the first argument."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # a terminal sends it to all; the parent decides
    sink = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)

    def say(**head: Any) -> None:
        sink.write(frames.encoded(head))
        sink.flush()

    wanted: SimpleQueue[dict[str, Any]] = SimpleQueue()
    threading.Thread(target=_listen, args=(wanted,), daemon=True).start()
    try:
        writer = opened(json.loads(sys.argv[1]))
    except UsageError as error:
        say(wrong=str(error))
        return 0
    say(ready=os.getpid())
    while True:
        asked = wanted.get()
        try:
            text = writer.write(asked["system"], asked["user"], asked["attempt"])
        except NoAnswerError as error:
            say(none=str(error))
        except (RuntimeError, MemoryError) as error:
            if not memory.ran_out(error):
                raise
            say(none=f"{writer.name} ran out of memory")
        else:
            say(text=text)


def _listen(wanted: "SimpleQueue[dict[str, Any]]") -> None:
    """Take what is asked; end the process where nobody asks any more, whatever it does then."""
    # Not ``sys.stdin``, which Python may not close while a thread reads it.
    source = os.fdopen(os.dup(0), "rb")
    with suppress(frames.BrokenPipeFrame, OSError):
        while True:
            wanted.put(frames.read(source)[0])
    os._exit(0)


def loaded(settings: dict[str, Any]) -> Writer:
    """The model of a folder. Raises ``UsageError``."""
    from infer.enhancing.writers import Local

    return Local(Path(settings["folder"]), settings["device"])


if __name__ == "__main__":
    commands.main("infer.enhancing process", lambda **_: carry_on(loaded))
