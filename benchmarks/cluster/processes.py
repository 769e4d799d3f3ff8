"""Starting and ending processes by their ids, and adding up the CPU time of whole families."""

import contextlib
import socket
import subprocess
import threading
import time
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path

import psutil

GRACE = 5.0  # seconds between asking a process to end and killing it


class ClusterError(Exception):
    """A process of the cluster did not start; the message holds the end of its log."""


def free_port() -> int:
    """A port of the loopback interface that nobody listens on now."""
    with socket.socket() as connection:
        connection.bind(("127.0.0.1", 0))
        return int(connection.getsockname()[1])


def start(
    command: Sequence[str], log: Path, environment: Mapping[str, str] | None = None
) -> psutil.Popen:
    """Start a process in a session of its own (a ctrl-C at the terminal is ours to handle)."""
    with log.open("ab") as stream:
        return psutil.Popen(
            list(command),
            stdin=subprocess.DEVNULL,
            stdout=stream,
            stderr=subprocess.STDOUT,
            env=environment,
            start_new_session=True,
        )


def wait_for(
    ready: Callable[[], bool], process: psutil.Popen, log: Path, limit: float = 180.0
) -> None:
    """Wait until ``ready``. Raises ``ClusterError`` when the process ends or time is up."""
    end = time.monotonic() + limit
    while not ready():
        if process.poll() is not None or time.monotonic() > end:
            said = log.read_text(errors="replace")[-1500:]
            raise ClusterError(f"{log.stem} did not start within {limit:.0f} s:\n{said}")
        time.sleep(0.1)


def listens(port: int) -> bool:
    """Whether something answers at a port of the loopback interface."""
    with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
        return True
    return False


def family(root: psutil.Process) -> list[psutil.Process]:
    """The process and all its descendants, as far as they still live."""
    with contextlib.suppress(psutil.Error):
        return [root, *root.children(recursive=True)]
    return []


def end(roots: Sequence[psutil.Process]) -> None:
    """End these processes and their descendants: ask, wait, then kill what is left."""
    everyone = [process for root in roots for process in family(root)]
    for process in everyone:
        with contextlib.suppress(psutil.Error):
            process.terminate()
    _, left = psutil.wait_procs(everyone, timeout=GRACE)
    for process in left:
        with contextlib.suppress(psutil.Error):
            process.kill()
    psutil.wait_procs(left, timeout=GRACE)


def command_line(process: psutil.Process) -> str:
    """The command line, empty for one that is gone."""
    with contextlib.suppress(psutil.Error):
        return " ".join(process.cmdline())
    return ""


class Meter:
    """CPU seconds of families of processes, also of those that end meanwhile.

    Looked at ten times a second, so that of a process that ends up to the last tenth is missed.
    """

    def __init__(self, roots: Callable[[], Sequence[psutil.Process]]) -> None:
        self._roots = roots
        self._first: dict[tuple[int, float], float] = {}
        self._last: dict[tuple[int, float], float] = {}
        self._kind: dict[tuple[int, float], str] = {}
        self._done = threading.Event()

    def _look(self, *, starting: bool = False) -> None:
        for root in self._roots():
            for process in family(root):
                with contextlib.suppress(psutil.Error):
                    times, name = process.cpu_times(), (process.pid, process.create_time())
                    spent = times.user + times.system
                    self._first.setdefault(name, spent if starting else 0.0)
                    self._last[name] = spent
                    self._kind[name] = process.name()

    def _watch(self) -> None:
        while not self._done.wait(0.1):
            self._look()

    @contextlib.contextmanager
    def measuring(self) -> Iterator["Meter"]:
        """Measure while in the block; what the processes spent before does not count."""
        self._look(starting=True)
        thread = threading.Thread(target=self._watch, daemon=True)
        thread.start()
        try:
            yield self
        finally:
            self._done.set()
            thread.join()
            self._look()

    def by_kind(self) -> dict[str, float]:
        """CPU seconds by the name of the program."""
        seconds: dict[str, float] = defaultdict(float)
        for name, spent in self._last.items():
            seconds[self._kind[name]] += spent - self._first[name]
        return dict(seconds)

    def seconds(self) -> float:
        """CPU seconds of all of them."""
        return sum(self.by_kind().values())
