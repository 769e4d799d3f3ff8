"""The process that forks workers: a copy of the driver from before any of its threads.

A process with threads of gRPC's may not be forked, and one that imports Beam anew takes seconds. So
the driver forks this one first, which never starts a thread and only waits for requests: each
worker is then a fork of a few milliseconds with everything imported. Nobody outlives the driver:
the end of a socket tells this process of the driver's death, and the workers of this one's.
"""

import contextlib
import gc
import json
import logging
import os
import resource
import selectors
import signal
import socket
import threading
from dataclasses import dataclass, field
from typing import Any, NoReturn

LONGEST = 1 << 20  # bytes of a message: options of a pipeline, as JSON


@dataclass
class _Process:
    """A worker process: ``seats`` harnesses more may be started in it, all of one pipeline."""

    pid: int
    channel: socket.socket
    pipeline: str
    seats: int
    workers: list[str] = field(default_factory=list)


def serve(driver: socket.socket) -> NoReturn:
    """Fork workers as the driver asks for them; end with it. Call it in a fresh fork only.

    A request is JSON: ``worker`` (its name), ``control`` (where its pipeline's runner listens),
    ``options`` (of the pipeline) and ``threads`` (workers of a pipeline that share a process). The
    answer, once a process has ended: the names of its ``workers``, and ``cpu_seconds`` and
    ``peak_bytes`` of all processes that have ended so far.
    """
    _leave_the_terminal()
    gc.freeze()  # what was imported is shared memory as long as nobody writes to it
    gc.enable()  # see ``curation.importing``
    processes: list[_Process] = []
    with selectors.DefaultSelector() as selector:
        selector.register(driver, selectors.EVENT_READ)
        while True:
            for key, _ in selector.select():
                if key.fileobj is not driver:
                    selector.unregister(key.fileobj)
                    _tell_end(driver, processes, key.data)
                elif request := driver.recv(LONGEST):
                    started = _seat(driver, processes, request)
                    if started is not None:
                        selector.register(started.channel, selectors.EVENT_READ, started)
                else:
                    _end(processes)


def _leave_the_terminal() -> None:
    """Ctrl-C is the driver's affair, and nothing is written to where it writes."""
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.SIG_IGN)
    nothing = os.open(os.devnull, os.O_RDWR)
    for standard in (0, 1, 2):
        os.dup2(nothing, standard)
    logging.disable(logging.CRITICAL)


def _seat(driver: socket.socket, processes: list[_Process], request: bytes) -> _Process | None:
    """Start a worker where there is a seat left, else in a new process, which is returned."""
    wanted = json.loads(request)
    pipeline = wanted["control"]
    process = next(
        (entry for entry in processes if entry.pipeline == pipeline and entry.seats), None
    )
    is_new = process is None
    if process is None:
        process = _forked(driver, processes, pipeline, int(wanted["threads"]))
        processes.append(process)
    process.seats -= 1
    process.workers.append(wanted["worker"])
    with contextlib.suppress(OSError):  # it has ended, which is told next
        process.channel.send(request)
    return process if is_new else None


def _forked(
    driver: socket.socket, processes: list[_Process], pipeline: str, seats: int
) -> _Process:
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    pid = os.fork()
    if pid == 0:
        with _leaving_on_failure():
            for inherited in (driver, ours, *(process.channel for process in processes)):
                inherited.close()  # or nobody would see their other ends close
            _work(theirs)
    theirs.close()
    return _Process(pid, ours, pipeline, seats)


def _tell_end(driver: socket.socket, processes: list[_Process], process: _Process) -> None:
    os.waitpid(process.pid, 0)
    process.channel.close()
    processes.remove(process)
    whose = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    ends = {
        "workers": process.workers,
        "cpu_seconds": sum(usage.ru_utime + usage.ru_stime for usage in whose),
        "peak_bytes": max(usage.ru_maxrss for usage in whose) * 1024,
    }
    with contextlib.suppress(OSError):
        driver.send(json.dumps(ends).encode())


def _end(processes: list[_Process]) -> NoReturn:
    for process in processes:
        os.kill(process.pid, signal.SIGKILL)  # every final name appears whole
    for process in processes:
        os.waitpid(process.pid, 0)
    os._exit(0)


@contextlib.contextmanager
def _leaving_on_failure() -> Any:
    """Whatever happens in the block, this fork never returns into its parent's code."""
    try:
        yield
    finally:
        os._exit(1)


def _work(server: socket.socket) -> NoReturn:
    """In a worker process: start a harness for each request; end with the last, or the server."""
    running: list[str] = []
    creating = threading.Lock()
    while request := server.recv(LONGEST):
        wanted = json.loads(request)
        running.append(wanted["worker"])
        threading.Thread(target=_run, args=(wanted, running, creating)).start()
    os._exit(1)


def _run(wanted: dict[str, str], running: list[str], creating: threading.Lock) -> None:
    """From connecting, which may take a minute where nobody listens any more, to the end."""
    from apache_beam.runners.worker import sdk_worker_main

    described = {
        "CONTROL_API_SERVICE_DESCRIPTOR": f"url: {json.dumps(wanted['control'])}",
        "PIPELINE_OPTIONS": wanted["options"],
        "WORKER_ID": wanted["worker"],
    }
    code = 1
    try:
        with creating:  # it sets what all harnesses of a process share
            _, harness, _ = sdk_worker_main.create_harness(described)
        harness.run()
        code = 0
    finally:
        running.remove(wanted["worker"])
        if code or not running:
            os._exit(code)
