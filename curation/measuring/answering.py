"""The process that models look from: ``python -m curation.measuring.answering FD [MODULE ...]``.

A model may end its process or hang, whatever it holds on to, so it is asked from another one
(``measuring.asking``). It knows the signals of the package and of the modules. Over the socket FD
come other sockets, one for each thread that asks.
"""

import contextlib
import fcntl
import os
import resource
import select
import signal as signals
import socket
import sys
import threading
import traceback
from collections.abc import Sequence
from typing import Any, NoReturn

from curation.measuring import messages
from curation.measuring.asking import FailedError
from curation.measuring.here import Here
from curation.measuring.measure import NOT_OF_THE_PICTURE
from curation.networks.weights import MissingModelError
from curation.runners import memory
from curation.signals import discovery, signal
from curation.signals.row import Row
from curation.signals.signal import Settings, Signal

EXIT = 1  # where a model, or this program, raises what nobody expects
Answer = dict[str, Any]
KINDS = (FailedError, MissingModelError, *NOT_OF_THE_PICTURE)  # told apart by their names


class Answering:
    """The ``known`` signals, those of them that are loaded, and the rows of a batch."""

    def __init__(self, known: Sequence[Signal]) -> None:
        self._known = {entry.name: entry for entry in known}
        self._settings: dict[str, Settings] = {}
        self._rows: dict[int, Row] = {}
        self._here = Here()

    def answer(self, said: dict[str, Any], parts: list[bytes]) -> Answer | None:
        """Do as is said; None where no answer is expected."""
        if said["do"] == "show":
            self._show(said, parts)
            return None
        try:
            return self._load(said) if said["do"] == "load" else self._ask(said)
        except KINDS as error:
            kind = next(of.__name__ for of in KINDS if isinstance(error, of))
            is_unseen = isinstance(error, FailedError) and error.is_unseen
            answer = {"error": kind, "text": str(error), "is_unseen": is_unseen}
            if isinstance(error, FailedError) and not is_unseen and error.__cause__:
                answer["traceback"] = "".join(traceback.format_exception(error.__cause__))
            return answer

    def _show(self, said: dict[str, Any], parts: list[bytes]) -> None:
        """A row, still without columns; the first of a batch lets the last batch go."""
        if said["is_first"]:
            self._rows.clear()
        data, *inputs = parts
        self._rows[said["number"]] = Row(said["id"], data, said["captions"], {}, inputs)

    def _load(self, said: dict[str, Any]) -> Answer:
        entry = self._known[said["name"]]
        settings = entry.settings.model_validate_json(said["settings"])
        signal.ready(entry, settings)
        self._settings[entry.name] = settings
        return {}

    def _ask(self, said: dict[str, Any]) -> Answer:
        entry, numbers = self._known[said["name"]], said["numbers"]
        for number, columns in zip(numbers, said["columns"], strict=True):
            self._rows[number].columns = columns
        self._here.begin(self._rows)
        return {"values": self._here.ask(entry, self._settings[entry.name], numbers)}


def _tie_to_parent() -> None:
    """End with the process that holds the other end of standard input, whatever this one does."""
    signals.signal(signals.SIGINT, signals.SIG_IGN)  # Ctrl-C is its affair
    signals.signal(signals.SIGIO, signals.SIG_DFL)
    fcntl.fcntl(0, fcntl.F_SETOWN, os.getpid())
    fcntl.fcntl(0, fcntl.F_SETFL, fcntl.fcntl(0, fcntl.F_GETFL) | os.O_ASYNC)
    if select.select([0], [], [], 0)[0]:  # it ended meanwhile
        os._exit(1)


def serve(control: socket.socket, known: Sequence[Signal]) -> NoReturn:
    """Answer whoever is let in, until the other side ends."""
    messages.send(control, {})
    while True:
        data, descriptors, _, _ = socket.recv_fds(control, 1, 1)
        if not data:
            os._exit(0)
        channel = socket.socket(fileno=descriptors[0])
        threading.Thread(target=_answer, args=(channel, known), daemon=True).start()


def _answer(channel: socket.socket, known: Sequence[Signal]) -> None:
    answering = Answering(known)
    with channel:
        try:
            while True:
                answer = answering.answer(*messages.receive(channel))
                if answer is not None:
                    messages.send(channel, answer)
        except (EOFError, ConnectionError):
            return
        except BaseException:
            with contextlib.suppress(OSError):
                messages.send(channel, {"traceback": traceback.format_exc()})
            os._exit(EXIT)  # rather than leave who asks without an answer
            raise


def main(arguments: Sequence[str]) -> NoReturn:
    """Answer over the socket and of the modules that the arguments name."""
    _tie_to_parent()
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    import cv2

    cv2.setNumThreads(1)
    memory.keep_freed()
    control = socket.socket(fileno=int(arguments[0]))
    serve(control, discovery.discover(tuple(arguments[1:])))


if __name__ == "__main__":
    main(sys.argv[1:])
