"""A language model in a process of its own: what kills that takes no server along.

The process (``infer.enhancing.process``) is sent frames of what is to be written, and answers each.
"""

import json
import subprocess
import sys
import threading
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from curation.failures.errors import UsageError
from infer.enhancing.enhancer import NoAnswerError
from infer.server import frames, workers

_SECONDS = 300.0  # for an answer; a process that takes longer is ended
_ENDING = 5.0  # seconds until a process whose input has ended is killed


def command(folder: Path, device: str) -> list[str]:
    """What starts the process with the model of a folder."""
    settings = json.dumps({"folder": str(folder), "device": device})
    return [sys.executable, "-P", "-m", "infer.enhancing.process", settings]


class Apart:
    """Started by a ``command`` at once, and again where it has ended; ``name`` is the model's."""

    at_once = 1

    def __init__(self, command: Sequence[str], name: str) -> None:
        """Raises ``UsageError`` for what the process says that it cannot load."""
        self.name, self._command = name, command
        self._lock = threading.Lock()
        self._process = self._started()

    @property
    def process(self) -> int:
        """The number of the process."""
        return self._process.pid

    def write(self, system: str, user: str, attempt: int) -> str:
        """As ``Writer``."""
        with self._lock:
            if self._process.poll() is not None:
                try:
                    self._process = self._started()
                except UsageError as error:
                    raise NoAnswerError(str(error)) from None
            return self._answer({"system": system, "user": user, "attempt": attempt})

    def end(self) -> None:
        """End the process."""
        assert self._process.stdin
        with suppress(OSError):
            self._process.stdin.close()
        try:
            self._process.wait(_ENDING)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()

    def _started(self) -> subprocess.Popen[bytes]:
        pipe = subprocess.PIPE
        own = workers.environment()
        process = subprocess.Popen(self._command, stdin=pipe, stdout=pipe, env=own)
        assert process.stdout
        try:
            head, _ = frames.read(process.stdout)
        except frames.BrokenPipeFrame:
            code = process.wait()
            raise UsageError(f"{self.name} ended (code {code}) before it was ready") from None
        if "wrong" in head:
            process.wait()
            raise UsageError(head["wrong"])
        return process

    def _answer(self, asked: dict[str, object]) -> str:
        process = self._process
        assert process.stdin and process.stdout
        late = threading.Timer(_SECONDS, process.kill)
        late.daemon = True
        late.start()
        try:
            process.stdin.write(frames.encoded(asked))
            process.stdin.flush()
            head, _ = frames.read(process.stdout)
        except (OSError, frames.BrokenPipeFrame):
            process.kill()
            process.wait()
            raise NoAnswerError(f"{self.name} ended while it wrote") from None
        finally:
            late.cancel()
        if "none" in head:
            raise NoAnswerError(head["none"])
        return str(head["text"])
