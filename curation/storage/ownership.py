"""Whose an output folder is: a marker says that its files are ours, a lock that a run is at work.

A run writes, overwrites and removes only where its marker is, and sets it only in an empty folder.
The marker holds what kind of run the folder belongs to, and never changes.
"""

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress

from curation import storage
from curation.failures.errors import UsageError
from curation.storage import lock, user_paths

MARKER = ".inkstone"
LOCK = ".inkstone.lock"


class OwnershipError(Exception):
    """The output belongs to somebody else, or another run is writing there; says what to do."""


@contextmanager
def held(folder: str, kind: str) -> Iterator[None]:
    """Claim the folder for a run of this kind, and keep every other run out until the block ends.

    Where that fails before anything is written, the folder is left as it was: a command that was
    refused, say for a mistyped input, leaves no folder. Raises ``OwnershipError`` where the folder
    is not ours or a run holds it, ``OSError`` where nothing can be written.
    """
    _refuse_strangers(folder, kind)
    was_there, was_ours = (storage.exists(place) for place in (folder, _marker(folder)))
    try:
        with lock.exclusive(storage.join(folder, LOCK)):
            claim(folder, kind)
            try:
                yield
            except BaseException:
                if not was_ours and storage.is_empty(folder, besides=(LOCK, MARKER)):
                    storage.delete([_marker(folder)])
                raise
    except lock.HeldError as held_by:
        raise OwnershipError(f"{folder}: {held_by}, or choose another folder") from None
    finally:
        if not (was_there or storage.is_remote(folder)):
            with suppress(OSError):  # it holds something
                os.rmdir(folder)


def claim(folder: str, kind: str) -> None:
    """Mark the folder as one of this kind, unless it is marked so. Raises as ``held``."""
    marker = _marker(folder)
    _refuse_strangers(folder, kind)
    if not storage.exists(marker):
        storage.write_bytes(marker, f"{kind}\n".encode())


def kind_of(folder: str) -> str | None:
    """What kind of run of ours the folder belongs to; None where no run marked it."""
    marker = _marker(folder)
    return (
        storage.read_bytes(marker).decode(errors="replace").strip()
        if storage.exists(marker)
        else None
    )


def _marker(folder: str) -> str:
    return storage.join(folder, MARKER)


def _refuse_strangers(folder: str, kind: str) -> None:
    try:
        marker = storage.join(user_paths.not_empty(folder), MARKER)
        user_paths.refuse_file(folder)
    except ValueError as error:
        raise OwnershipError(f"output: {error}") from None
    except UsageError as error:
        raise OwnershipError(str(error)) from None
    if storage.exists(marker):
        holds = storage.read_bytes(marker).decode(errors="replace").strip()
        if holds not in ("", kind):  # it was empty before there were kinds
            raise OwnershipError(
                f"{folder}: holds an output of {holds}, not of {kind}; choose another folder"
            )
    elif not storage.is_empty(folder, besides=(LOCK,)):
        raise OwnershipError(
            f"{folder}: holds files that no run of ours wrote; expected an empty or new folder, or "
            "one of an earlier run; choose another (if an earlier version of ours wrote all of it, "
            f"create an empty file {marker})"
        )
