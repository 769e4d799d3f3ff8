"""The lock: one owner, told by name, gone with its process; leases where there are no locks."""

import json
import os
import signal
import socket
import subprocess
import sys
import textwrap
import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest
from making.memory_filesystem import MemoryFileSystem

from curation import storage
from curation.storage import lock
from curation.storage.lock import HeldError, exclusive

HOLDER = textwrap.dedent("""
    import os, sys, time
    if sys.argv[2:] == ["slow fork"]:
        os.register_at_fork(after_in_child=lambda: time.sleep(0.5))
    from curation.storage.lock import exclusive
    with exclusive(sys.argv[1]):
        if sys.argv[2:] and os.fork() == 0:
            time.sleep(60)
        print(os.getpid(), flush=True)
        time.sleep(60)
""")


def holder(path: Path, *more: str) -> subprocess.Popen[str]:
    command = [sys.executable, "-c", HOLDER, str(path), *more]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, start_new_session=True)
    assert process.stdout and process.stdout.readline()
    return process


@pytest.mark.parametrize("fork", [(), ("fork",), ("slow fork",)])
def test_it_is_held_until_its_owner_is_killed(tmp_path: Path, fork: tuple[str, ...]) -> None:
    path = tmp_path / "new" / ".lock"
    process = holder(path, *fork)
    try:
        for _ in range(2):  # a refusal takes nothing away
            with pytest.raises(HeldError) as refused, exclusive(str(path)):
                pass
        for part in (f"process {process.pid} on {socket.gethostname()}", "seconds (since"):
            assert part in str(refused.value)
        process.kill()
        process.wait()
        with exclusive(str(path)):
            assert json.loads(path.read_bytes())["process"] == os.getpid()
        assert not path.exists()
    finally:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)  # the forked child


def test_the_same_process_has_it_once(tmp_path: Path) -> None:
    path = str(tmp_path / ".lock")
    with exclusive(path), pytest.raises(HeldError), exclusive(path):
        pass
    with exclusive(path):
        pass


def test_of_many_at_once_one_has_it(tmp_path: Path) -> None:
    path, inside, most = str(tmp_path / ".lock"), [0], [0]

    def contend() -> None:
        for _ in range(40):
            try:
                with exclusive(path):
                    inside[0] += 1
                    most[0] = max(most[0], inside[0])
                    time.sleep(0.0001)
                    inside[0] -= 1
            except HeldError:
                time.sleep(0.0001)

    threads = [threading.Thread(target=contend) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert most == [1]


@pytest.fixture
def lease(monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    monkeypatch.setattr(MemoryFileSystem, "files", {})
    for name, seconds in (("REFRESH", 0.05), ("DEAD_AFTER", 0.4), ("POLL", 0.01)):
        monkeypatch.setattr(lock, name, seconds)
    yield "mem://bucket/out/.lock"


def owner(path: str, **more: object) -> None:
    told = {"host": "far.example", "process": 7, "command": "beam run", "since": 1e9, "token": "x"}
    storage.write_bytes(path, json.dumps(told | more).encode())


def test_a_lease_is_kept_while_it_is_refreshed(
    lease: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with exclusive(lease):
        owner_file = json.loads(storage.read_bytes(lease))
        # as another machine would see it: this process is then not known to be alive or dead
        with pytest.MonkeyPatch.context() as elsewhere:
            elsewhere.setattr(socket, "gethostname", lambda: "far.example")
            with pytest.raises(HeldError, match=rf"process {os.getpid()}"), exclusive(lease):
                pass
        assert json.loads(storage.read_bytes(lease))["token"] == owner_file["token"]
    assert not storage.exists(lease)
    assert "looking" in capsys.readouterr().err


def test_a_lease_that_nobody_refreshes_is_taken_over(lease: str) -> None:
    owner(lease)
    with exclusive(lease):
        assert json.loads(storage.read_bytes(lease))["process"] == os.getpid()
    assert not storage.exists(lease)


def test_a_lease_of_a_dead_process_of_this_machine_is_taken_at_once(lease: str) -> None:
    child = subprocess.Popen(["true"])
    child.wait()
    owner(lease, host=socket.gethostname(), process=child.pid)
    started = time.monotonic()
    with exclusive(lease):
        assert time.monotonic() - started < lock.DEAD_AFTER
    assert not storage.exists(lease)


LESSEE = textwrap.dedent("""
    import errno, sys, time
    from curation.storage import lock
    def refused(*_):
        raise OSError(errno.ENOLCK, "no locks here")
    lock.fcntl.flock, lock.REFRESH, lock.POLL = refused, 0.05, 0.01
    with lock.exclusive(sys.argv[1]):
        print("held", flush=True)
        time.sleep(60)
""")


def test_a_run_that_lost_its_lease_stops(tmp_path: Path) -> None:
    path = tmp_path / ".lock"
    command = [sys.executable, "-c", LESSEE, str(path)]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    assert process.stdout and process.stdout.readline()
    while process.poll() is None:  # its own refreshing may come between
        owner(str(path))
        time.sleep(0.02)
    assert process.returncode == lock.LOST
    told = process.communicate()[1]
    assert "taken for dead" in told and "far.example" in told and len(told.splitlines()) == 1
    assert json.loads(path.read_bytes())["host"] == "far.example"


def test_where_the_kernel_has_no_locks_there_is_a_lease(
    tmp_path: Path, lease: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refused(*_: object) -> None:
        raise OSError(45, "no locks here")

    monkeypatch.setattr(lock, "_NO_LOCKS", (45,))
    monkeypatch.setattr(lock.fcntl, "flock", refused)
    path = tmp_path / ".lock"
    with exclusive(str(path)):
        assert "token" in json.loads(path.read_bytes())
    assert not path.exists()


STRANGE = [b"", b"[]", b"{}", b"null", b"no JSON", b"\xff", b'{"host": "far.example"}']
STRANGE += [json.dumps({"host": socket.gethostname(), "process": "7"}).encode()]
STRANGE += [b'{"process": null, "since": "then", "command": 3}', b'{"process": 1e999, "since": 1}']
STRANGE += [b'{"host": "a", "process": 1, "command": "b", "since": 1e300}', b"[" * 100_000]


@pytest.mark.parametrize("content", STRANGE, ids=lambda content: content[:20].decode("latin-1"))
def test_whatever_a_lease_holds_it_is_taken_over_when_nobody_refreshes_it(
    lease: str, content: bytes
) -> None:
    storage.write_bytes(lease, content)
    with exclusive(lease):
        assert json.loads(storage.read_bytes(lease))["process"] == os.getpid()
    assert not storage.exists(lease)


@pytest.mark.parametrize("content", STRANGE, ids=lambda content: content[:20].decode("latin-1"))
def test_a_lock_that_is_held_is_so_whatever_its_file_says(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / ".lock"
    with exclusive(str(path)):
        path.write_bytes(content)
        with pytest.raises(HeldError, match="another run is writing here"), exclusive(str(path)):
            pass
