"""A language model in a process of its own: what kills that takes no server along.

The process (``infer.enhancing.process``) is sent frames of what is to be written, and answers each.
"""

import json
import subprocess
import sys
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

from curation.failures.errors import UsageError
from infer.enhancing.enhancer import NoAnswerError
from infer.server import frames, workers

_SECONDS = 300.0  # for an answer; a process that takes longer is ended
_LOADING = 3600.0  # seconds until a process that is not ready is ended
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
                except OSError as error:  # no process can be had
                    raise NoAnswerError(f"{self.name} cannot be started: {error}") from None
            return self._answer({"system": system, "user": user, "attempt": attempt})

    def end(self) -> None:
        """End the process."""
        assert self._process.stdin
        with suppress(OSError):
            self._process.stdin.close()
        _ended(self._process)

    def _started(self) -> subprocess.Popen[bytes]:
        pipe = subprocess.PIPE
        own = workers.environment()
        process = subprocess.Popen(self._command, stdin=pipe, stdout=pipe, env=own)
        assert process.stdout
        try:
            with _no_longer_than(_LOADING, process):
                head, _ = frames.read(process.stdout)
        except frames.BrokenPipeFrame:
            code = _ended(process)
            raise UsageError(f"{self.name} ended (code {code}) before it was ready") from None
        if "wrong" in head:
            _ended(process)
            raise UsageError(head["wrong"])
        return process

    def _answer(self, asked: dict[str, object]) -> str:
        process = self._process
        assert process.stdin and process.stdout
        try:
            with _no_longer_than(_SECONDS, process):
                process.stdin.write(frames.encoded(asked))
                process.stdin.flush()
                head, _ = frames.read(process.stdout)
        except (OSError, frames.BrokenPipeFrame):
            process.kill()
            process.wait()
            raise NoAnswerError(f"{self.name} ended while it wrote") from None
        if "none" in head:
            raise NoAnswerError(head["none"])
        return str(head["text"])


@contextmanager
def _no_longer_than(seconds: float, process: subprocess.Popen[bytes]) -> Iterator[None]:
    """Kill a process that has not said what is waited for in the block."""
    late = threading.Timer(seconds, process.kill)
    late.daemon = True
    late.start()
    try:
        yield
    finally:
        late.cancel()


def _ended(process: subprocess.Popen[bytes]) -> int:
    """The exit code of a process that ends; one that closed its pipe and goes on is killed."""
    try:
        return process.wait(_ENDING)
    except subprocess.TimeoutExpired:
        process.kill()
        return process.wait()
