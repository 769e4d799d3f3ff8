"""Worker processes of a run: forked from one server, which is forked from the driver at its start.

They are started once per run as far as anything is imported; each of its pipelines has its own, so
that none inherits another's memory.
"""

import contextlib
import json
import os
import socket
import sys
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from curation.runners import fork_server, watchdog

_THREADS_OF_GRPC = ("grpc", "event_engine", "timer_manager")  # as the kernel shows them


class Usage(NamedTuple):
    """CPU seconds of all workers that have ended, and the largest one's memory in bytes."""

    cpu_seconds: float
    peak_bytes: int


@dataclass
class _Worker:
    """A worker of a pipeline; only one that is to leave may end."""

    ended: threading.Event = field(default_factory=threading.Event)
    is_leaving: bool = False


@dataclass
class _Running:
    """The pool that runs, if one does: a process has at most one."""

    pool: "Pool | None" = None


_RUNNING = _Running()


def current() -> "Pool | None":
    """The pool that runs."""
    return _RUNNING.pool


def usage() -> Usage:
    """What the ended workers of the pool that runs took; nothing without one."""
    return _RUNNING.pool.usage if _RUNNING.pool else Usage(0.0, 0)


@contextlib.contextmanager
def started() -> Iterator[None]:
    """A pool for the block. Call it before anything starts a thread or takes a lock.

    Where forking is not safe there is none: on other systems than Linux, with threads of Python's
    or gRPC's running, or where who calls us as a library has loaded torch, whose own threads and
    GPU a fork would lack.
    """
    if _RUNNING.pool is not None or not _may_fork():
        yield
        return
    _RUNNING.pool = pool = Pool()
    try:
        yield
    finally:
        _RUNNING.pool = None
        pool.close()


def _may_fork() -> bool:
    if not sys.platform.startswith("linux") or threading.active_count() > 1:
        return False
    if "torch" in sys.modules:
        return False
    names = set[str]()
    for task in os.listdir("/proc/self/task"):
        with contextlib.suppress(OSError), open(f"/proc/self/task/{task}/comm") as name:
            names.add(name.read().strip())
    return not any(name.startswith(_THREADS_OF_GRPC) for name in names)


class Pool:
    """The driver's end: asks the server for workers, and hears when they end."""

    def __init__(self) -> None:
        self.usage = Usage(0.0, 0)
        self._lock = threading.Lock()
        self._workers: dict[str, _Worker] = {}
        self._closed = False
        self._server, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        for stream in (sys.stdout, sys.stderr):
            stream.flush()  # or both would write what is buffered
        self._pid = os.fork()
        if self._pid == 0:
            try:
                self._server.close()
                fork_server.serve(theirs)
            finally:
                os._exit(1)
        theirs.close()
        threading.Thread(target=self._listen, daemon=True, name="workers").start()

    def start(self, worker: str, control: str, options: str, threads: int) -> None:
        """Start a worker of the pipeline whose runner listens at ``control``.

        ``threads`` workers of a pipeline share a process; ``options`` are the pipeline's, as JSON.
        """
        with self._lock:
            self._workers[worker] = _Worker()
        wanted = {"worker": worker, "control": control, "options": options, "threads": threads}
        try:
            self._server.send(json.dumps(wanted).encode())
        except OSError:
            watchdog.end()

    def leave(self, worker: str) -> None:
        """Expect the worker to end from now on."""
        with self._lock:
            self._workers[worker].is_leaving = True

    def settle(self) -> None:
        """Wait until the processes of all workers that were to leave have ended."""
        with self._lock:
            leaving = {name: entry for name, entry in self._workers.items() if entry.is_leaving}
        for worker in leaving.values():
            worker.ended.wait()
        with self._lock:
            for name in leaving:
                del self._workers[name]

    def close(self) -> None:
        """End the server, and any worker left, at once."""
        self._closed = True
        self._server.shutdown(socket.SHUT_RDWR)  # closing alone would not wake who listens
        self._server.close()
        os.waitpid(self._pid, 0)

    def _listen(self) -> None:
        while message := self._received():
            self.usage = Usage(message["cpu_seconds"], message["peak_bytes"])
            for worker in message["workers"]:
                self._end(worker)
        if not self._closed:
            watchdog.end()

    def _end(self, worker: str) -> None:
        with self._lock:
            if not (self._workers[worker].is_leaving or self._closed):
                watchdog.end()
            self._workers[worker].ended.set()

    def _received(self) -> dict[str, Any] | None:
        try:
            message = self._server.recv(fork_server.LONGEST)
        except OSError:
            return None
        return json.loads(message) if message else None
