"""The process of ``infer.enhancing.apart``: a language model that answers frames with frames.

It ends when its input does. What libraries print goes to standard error.
"""

import json
import os
import signal
import sys
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
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

    try:
        writer = opened(json.loads(sys.argv[1]))
    except UsageError as error:
        say(wrong=str(error))
        return 0
    say(ready=os.getpid())
    with suppress(frames.BrokenPipeFrame):
        while True:
            asked, _ = frames.read(sys.stdin.buffer)
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
    return 0


def loaded(settings: dict[str, Any]) -> Writer:
    """The model of a folder. Raises ``UsageError``."""
    from infer.enhancing.writers import Local

    return Local(Path(settings["folder"]), settings["device"])


if __name__ == "__main__":
    commands.main("infer.enhancing process", lambda **_: carry_on(loaded))
