"""Whose an output folder is: a marker says that its files are ours, a lock that a run is at work.

A run writes, overwrites and removes only where its marker is, and sets it only in an empty folder.
The marker holds what kind of run the folder belongs to, and never changes.
"""

from collections.abc import Iterator
from contextlib import contextmanager

from curation import lock, paths, storage

MARKER = ".inkstone"
LOCK = ".inkstone.lock"


class OwnershipError(Exception):
    """The output belongs to somebody else, or another run is writing there; says what to do."""


@contextmanager
def held(folder: str, kind: str) -> Iterator[None]:
    """Claim the folder for a run of this kind, and keep every other run out until the block ends.

    Raises ``OwnershipError`` where the folder is not ours or a run holds it, ``OSError`` where
    nothing can be written.
    """
    _refuse_strangers(folder, kind)
    try:
        with lock.exclusive(storage.join(folder, LOCK)):
            claim(folder, kind)
            yield
    except lock.HeldError as held_by:
        raise OwnershipError(f"{folder}: {held_by}, or choose another folder") from None


def claim(folder: str, kind: str) -> None:
    """Mark the folder as one of this kind, unless it is marked so. Raises as ``held``."""
    marker = storage.join(folder, MARKER)
    _refuse_strangers(folder, kind)
    if not storage.exists(marker):
        storage.write_bytes(marker, f"{kind}\n".encode())


def _refuse_strangers(folder: str, kind: str) -> None:
    try:
        marker = storage.join(paths.not_empty(folder), MARKER)
    except ValueError as error:
        raise OwnershipError(f"output: {error}") from None
    if storage.exists(marker):
        holds = storage.read_bytes(marker).decode(errors="replace").strip()
        if holds not in ("", kind):  # it was empty before there were kinds
            raise OwnershipError(
                f"{folder}: holds an output of {holds}, not of {kind}; choose another folder"
            )
    elif not storage.is_empty(folder, besides=LOCK):
        raise OwnershipError(
            f"{folder}: holds files that no run of ours wrote; expected an empty or new folder, or "
            f"one of an earlier run; choose another (if all of it is {kind} of an earlier version "
            f"of ours, create {marker})"
        )
