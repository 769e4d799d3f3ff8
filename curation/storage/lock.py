"""A lock that one run of all holds, with its owner's name in it, and that never outlives its owner.

Locally the kernel holds it (``flock``) and drops it when its owner dies, however that ends: a file
that is merely there would block the run after a kill. Where the kernel cannot, on remote
filesystems and some mounted ones, it is a lease: a file that its owner writes anew every
``REFRESH`` seconds. One that is not refreshed while it is watched for ``DEAD_AFTER`` seconds is
taken over. No clocks of two machines are compared.
"""

import errno
import fcntl
import json
import os
import shlex
import socket
import sys
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from curation import storage
from curation.storage.repeating import repeated

REFRESH = 20.0
DEAD_AFTER = 120.0
POLL = 2.0
LOST = 4  # exit code of a run whose lease was taken over
_NO_LOCKS = (errno.ENOLCK, errno.ENOSYS, errno.EOPNOTSUPP)
_LONGEST_COMMAND = 300
_LATEST = 2.0**36  # seconds: some two thousand years
_LETTING_GO = 5.0  # seconds that a child forked just before its parent died has for its first step
_handles: set[int] = set()


class HeldError(Exception):
    """Another run holds the lock; says which, since when, and what to do."""


@contextmanager
def exclusive(path: str) -> Iterator[None]:
    """Hold the lock whose file is ``path``. Raises ``HeldError``, ``OSError``."""
    handle = None if storage.is_remote(path) else _lock(path)
    if handle is None:
        with _lease(path):
            yield
        return
    _handles.add(handle)
    try:
        yield
    finally:
        if handle in _handles:  # not in a child
            _handles.remove(handle)
            with suppress(FileNotFoundError):
                os.unlink(path)
            os.close(handle)


def _let_go() -> None:
    """A forked child must not keep the lock of a parent that died."""
    for handle in _handles:
        os.close(handle)
    _handles.clear()


os.register_at_fork(after_in_child=_let_go)


def _lock(path: str) -> int | None:
    """The handle that holds the lock, or None where the kernel has no locks."""
    Path(path).parent.mkdir(parents=True, exist_ok=True)
    end = time.monotonic() + _LETTING_GO
    while True:
        handle = os.open(path, os.O_RDWR | os.O_CREAT, 0o644)
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            if _is_at(path, handle):  # else its owner removed it between opening and locking
                os.ftruncate(handle, 0)
                os.write(handle, json.dumps(_myself()).encode())
                return handle
        except OSError as error:
            os.close(handle)
            if isinstance(error, BlockingIOError):
                holder = _read(path)
                if _is_left_by_a_child(holder) and time.monotonic() < end:
                    time.sleep(_LETTING_GO / 100)
                    continue
                raise HeldError(_told(holder)) from None
            if error.errno in _NO_LOCKS:
                return None
            raise
        os.close(handle)


def _is_left_by_a_child(holder: dict[str, Any] | None) -> bool:
    """Whether the owner is dead: then its child, forked just before, is about to let go."""
    return holder is not None and holder.get("process") != os.getpid() and _is_gone(holder)


def _is_at(path: str, handle: int) -> bool:
    with suppress(FileNotFoundError):
        return os.path.samestat(os.stat(path), os.fstat(handle))
    return False


@contextmanager
def _lease(path: str) -> Iterator[None]:
    owner = {**_myself(), "token": uuid.uuid4().hex}
    _wait_until_free(path)
    _refresh(path, owner)
    time.sleep(POLL)
    if _is_anothers(holder := _read(path), owner):  # of those that came at once, the last has it
        raise HeldError(_told(holder))

    def keep() -> None:
        if _is_anothers(holder := _read(path), owner):
            sys.stderr.write(f"{path}: this run was taken for dead, and {_told(holder)}\n")
            sys.stderr.flush()
            os._exit(LOST)  # at once: two must not write, and finished files are whole
        _refresh(path, owner)

    try:
        with repeated(keep, REFRESH):
            yield
    finally:
        storage.delete([path])


def _wait_until_free(path: str) -> None:
    """Return when nobody holds the lease any more. Raises ``HeldError`` once it is refreshed."""
    before = _read(path)
    if not before or _is_gone(before):
        return
    notice = f"{path}: {_told(before)}; looking for {DEAD_AFTER:.0f} seconds whether it is alive\n"
    sys.stderr.write(notice)
    end = time.monotonic() + DEAD_AFTER
    while time.monotonic() < end:
        time.sleep(POLL)
        now = _read(path)
        if now is None:
            return
        if now != before:
            raise HeldError(_told(now))


def _refresh(path: str, owner: dict[str, Any]) -> None:
    storage.write_bytes(path, json.dumps({**owner, "refreshed": time.time()}).encode())


def _is_anothers(holder: dict[str, Any] | None, owner: dict[str, Any]) -> bool:
    return holder is not None and holder.get("token") != owner["token"]


def _is_gone(owner: dict[str, Any]) -> bool:
    """Whether the owner ran on this machine and does not any more."""
    if owner.get("host") != socket.gethostname():
        return False
    process = int(owner["process"])
    if process == os.getpid():
        return True  # one of a former life had our number
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return True
    except PermissionError:
        return False
    return False


def _myself() -> dict[str, Any]:
    by_module = sys.orig_argv[1:2] == ["-m"]
    words = sys.orig_argv[1:] if by_module else sys.argv[1:]
    command = shlex.join(["python" if by_module else Path(sys.argv[0]).name, *words])
    return {
        "host": socket.gethostname(),
        "process": os.getpid(),
        "command": command[:_LONGEST_COMMAND],
        "since": time.time(),
    }


def _read(path: str) -> dict[str, Any] | None:
    """What the lock's file says; empty where that is nothing of ours, None without a file."""
    if not storage.exists(path):
        return None
    try:
        content = json.loads(storage.read_bytes(path))
    except FileNotFoundError:
        return None
    except (ValueError, RecursionError):
        return {}
    return content if isinstance(content, dict) and _is_owner(content) else {}


def _is_owner(content: dict[str, Any]) -> bool:
    """Whether all that is said of an owner is there, with a time there can be."""
    kinds = {"host": str, "process": int, "command": str, "since": float | int}
    if not all(isinstance(content.get(name), kind) for name, kind in kinds.items()):
        return False
    return bool(0 <= content["since"] <= _LATEST)


def _told(owner: dict[str, Any] | None) -> str:
    if not owner:
        return "another run is writing here; wait for it or stop it"
    seconds = max(0, time.time() - owner["since"])
    age = f"{seconds / 60:.0f} minutes" if seconds > 100 else f"{seconds:.0f} seconds"
    since = time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(owner["since"]))
    return (
        f"another run is writing here: {owner['command']!r}, process {owner['process']} on "
        f"{owner['host']}, for {age} (since {since}); wait for it or stop it"
    )
