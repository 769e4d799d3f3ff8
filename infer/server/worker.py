"""A worker: a process that has the weights on one device and makes what it is sent, in batches.

It reads frames from its standard input and writes frames to what was its standard output, which
nothing else reaches: what libraries print goes to standard error. It ends when its input does.
``{"batch": 7, "asked": [...]}`` is answered by ``step``, then an ``image`` or ``refused`` for each
place, then ``done``; ``{"stop": 7}`` ends the batch before its next step.
"""

import json
import os
import signal
import sys
import threading
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from queue import SimpleQueue
from typing import Any, BinaryIO

from curation.failures import commands, memory
from curation.failures.errors import UsageError
from infer.server import frames
from infer.server.asked import Asked
from infer.server.studio import FlaggedError, Prepared, Studio

_OF_DEVICE = ("CUDA error", "device-side assert")  # after which nothing on it works


class StoppedError(Exception):
    """Nobody waits for the batch any more."""


class Worker:
    """Answers frames of ``source`` with frames to ``sink``."""

    def __init__(self, studio: Studio, source: BinaryIO, sink: BinaryIO) -> None:
        self._studio, self._source, self._sink = studio, source, sink
        self._batches: SimpleQueue[frames.Frame] = SimpleQueue()
        self._stopped: set[int] = set()

    def serve(self) -> None:
        """Until the other side ends."""
        threading.Thread(target=self._listen, daemon=True).start()
        self._say({"kind": "ready", "process": os.getpid()})
        while True:
            head, blobs = self._batches.get()
            self._make(head, blobs)

    def _listen(self) -> None:
        with suppress(frames.BrokenPipeFrame, OSError):
            while True:
                head, blobs = frames.read(self._source)
                if "stop" in head:
                    self._stopped.add(head["stop"])
                else:
                    self._batches.put((head, blobs))
        os._exit(0)  # who asked has ended: nobody waits

    def _say(self, head: dict[str, Any], blobs: Sequence[bytes] = ()) -> None:
        self._sink.write(frames.encoded(head, blobs))
        self._sink.flush()

    def _make(self, head: dict[str, Any], blobs: list[bytes]) -> None:
        number = head["batch"]
        places, prepared = [], []
        for place, plain in enumerate(head["asked"]):
            count = plain["files"]
            own, blobs = blobs[:count], blobs[count:]
            try:
                prepared.append(self._studio.prepare(Asked.of_plain(plain, own)))
                places.append(place)
            except UsageError as error:
                self._refuse(number, place, "asked", str(error))
        try:
            self._generate(number, places, prepared)
        except StoppedError:
            pass
        except (RuntimeError, ValueError, MemoryError, ArithmeticError, UsageError) as error:
            code = "memory" if memory.ran_out(error) else "failed"
            if code == "failed" and any(sign in str(error) for sign in _OF_DEVICE):
                raise
            if code == "failed":
                sys.excepthook(type(error), error, error.__traceback__)
            for place in places:  # those that have their image are not asked any more
                self._refuse(number, place, code, "")
        self._say({"kind": "done", "batch": number})
        self._stopped.discard(number)

    def _generate(self, number: int, places: list[int], prepared: list[Prepared]) -> None:
        if not prepared:
            return
        last = time.monotonic()

        def watch(step: int, steps: int) -> None:
            nonlocal last
            if number in self._stopped:
                raise StoppedError
            now = time.monotonic()
            seconds, last = now - last, now
            self._say(
                {"kind": "step", "batch": number, "step": step, "of": steps, "seconds": seconds}
            )

        images = self._studio.images(prepared, watch)
        for place, each, image in zip(places, prepared, images, strict=True):
            try:
                data = self._studio.finished(image, each)
            except FlaggedError:
                self._refuse(number, place, "flagged", "")
                continue
            seed, size = each.request.seed, image.size
            said = {"kind": "image", "batch": number, "place": place, "seed": seed, "size": size}
            self._say(said, [data])

    def _refuse(self, number: int, place: int, code: str, message: str) -> None:
        said = {"kind": "refused", "batch": number, "place": place, "code": code}
        self._say({**said, "message": message})


def carry_on(studio: Callable[[dict[str, Any]], Studio]) -> int:
    """Be a worker of this process's parent, with what ``studio`` makes of the settings, the JSON
    of the first argument.
    """
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # a terminal sends it to all; the parent decides
    sink = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    made = studio(json.loads(sys.argv[1]))
    Worker(made, sys.stdin.buffer, sink).serve()
    return 0


def loaded(settings: dict[str, Any]) -> Studio:
    """A checkpoint with all that ``infer.server.pool`` says. Raises ``UsageError``."""
    from train import threads

    threads.settle()
    from curation.networks.open_nsfw import OpenNsfw
    from infer import generating
    from infer.engine.engine import Engine
    from infer.provenance import keys

    check = OpenNsfw().probability if settings["check"] is not None else None
    key = keys.made(Path(settings["key"]))
    carried = generating.execution(**settings["execution"])
    engine = Engine.load(Path(settings["checkpoint"]), settings["device"], carried)
    most, facts = settings["check"] or 0.0, generating.changed(carried)
    return Studio(engine, key, check, most, facts, carried.controlnet)


if __name__ == "__main__":
    commands.main("infer.server worker", lambda **_: carry_on(loaded))
