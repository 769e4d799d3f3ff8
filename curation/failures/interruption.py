"""How a program ends: by itself, or told to by SIGINT or SIGTERM. Imports nothing heavy.

Every final name appears whole, so that a program may end anywhere and be run again.
"""

import atexit
import contextlib
import os
import signal
import sys
import threading
from collections.abc import Callable
from types import FrameType
from typing import NoReturn

SECONDS = 2.0  # for putting the terminal right; worker processes end when nobody listens
MESSAGE = "interrupted; run the same command again to go on"
_LEAVING = threading.Lock()
_SIGNALS = (signal.SIGINT, signal.SIGTERM)


class Interruption(BaseException):
    """The program was told to end. Not a ``KeyboardInterrupt``, which typer takes in silence."""

    def __init__(self, number: int) -> None:
        super().__init__(MESSAGE)
        self.code = 128 + number


def carry_out(name: str, program: Callable[[], int]) -> NoReturn:
    """Run a program and end with the exit code it returns.

    After SIGINT the code is 130, after SIGTERM 143, as shells count, and a sentence on standard
    error says how to go on. Signals that the caller ignores (``nohup``) stay ignored.
    """

    sentence = f"{name}: {MESSAGE}\n"

    def interrupt(number: int, frame: FrameType | None) -> NoReturn:
        for each in _SIGNALS:
            signal.signal(each, signal.SIG_IGN)  # one is enough
        late = threading.Timer(SECONDS, _leave, [128 + number, sentence])
        late.daemon = True
        late.start()
        raise Interruption(number)

    for each in _SIGNALS:
        if signal.getsignal(each) is not signal.SIG_IGN:
            signal.signal(each, interrupt)
    code, last = 1, ""
    try:
        code = program()
    except Interruption as stop:
        code, last = stop.code, sentence
    finally:
        bug = sys.exc_info()[1]
        if bug is not None and not isinstance(bug, SystemExit):
            sys.excepthook(type(bug), bug, bug.__traceback__)
        atexit._run_exitfuncs()
        _leave(code, last)


def _leave(code: int, last: str) -> NoReturn:
    """Without Python's own end, which aborts (code 134) where another thread is in C++."""
    _LEAVING.acquire()  # and never released: whoever comes second says nothing more
    for stream, text in ((sys.stdout, ""), (sys.__stderr__, last)):
        with contextlib.suppress(OSError, ValueError):  # whether or not anybody still listens
            if stream:
                stream.write(text)
                stream.flush()
    os._exit(code)
