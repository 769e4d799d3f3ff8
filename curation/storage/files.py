"""Files, local or on any Beam filesystem, behind one interface.

A final name appears only when its content is whole: by temporary file, fsync and ``os.replace``
locally, by temporary object and rename elsewhere.
"""

import errno
import os
import uuid
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import BinaryIO, cast

from curation.storage.listing import in_folder
from curation.storage.names import (
    TEMPORARY_SUFFIX,
    filesystems,
    is_remote,
    is_temporary,
    uncompressed,
)

_WRITE_FAILURES = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EROFS, errno.EIO)


class OutageError(OSError):
    """A remote filesystem refused to open a file for a reason of its own: credentials, network."""


def is_outage(path: str, error: Exception) -> bool:
    """Whether a failed read says something about the network rather than about the file.

    True for an ``OSError`` of a remote file, other than its absence: to be raised and retried,
    not to be taken for bad content. Arrow reports bad content as plain ``OSError``.
    """
    if not is_remote(path) or isinstance(error, FileNotFoundError):
        return False
    return isinstance(error, OSError) and type(error) is not OSError


def exists(path: str) -> bool:
    """Whether a file (or local directory) is there."""
    return bool(filesystems().exists(path)) if is_remote(path) else os.path.exists(path)


def open_read(path: str) -> BinaryIO:
    """Open for reading bytes; seekable. Raises ``FileNotFoundError`` / ``OSError``."""
    if not is_remote(path):
        return open(path, "rb")
    try:
        return cast(BinaryIO, filesystems().open(path, compression_type=uncompressed()))
    except Exception as error:  # each client has exceptions of its own
        if isinstance(error, (OSError, ValueError)):
            raise
        raise OutageError(f"{path}: {type(error).__name__}: {error}") from error


def read_bytes(path: str) -> bytes:
    """The whole content of a file. Raises ``FileNotFoundError`` / ``OSError``."""
    if is_remote(path):
        with open_read(path) as stream:
            return stream.read()
    with open(path, "rb", buffering=0) as file:
        return file.read()


@contextmanager
def atomic_write(path: str) -> Iterator[BinaryIO]:
    """A stream that becomes ``path`` when the block ends without an error, else nothing.

    Raises ``OSError`` naming ``path`` when the disk is full or read-only.
    """
    writing = _remote_write(path) if is_remote(path) else _local_write(path)
    try:
        with writing as stream:
            yield stream
    except OSError as error:
        if error.filename is None and error.errno in _WRITE_FAILURES:
            error.filename = path  # write(2) does not say which file
        raise


@contextmanager
def _local_write(path: str) -> Iterator[BinaryIO]:
    folder, name = os.path.split(os.path.abspath(path))
    os.makedirs(folder, exist_ok=True)
    partial = os.path.join(folder, f".{name}.{uuid.uuid4().hex}{TEMPORARY_SUFFIX}")
    try:
        with open(partial, "wb") as stream:
            yield stream
            stream.flush()
            os.fsync(stream.fileno())
        os.replace(partial, path)
        _sync_directory(folder)
    except BaseException:
        with suppress(OSError):
            os.unlink(partial)
        raise


def _sync_directory(directory: str) -> None:
    handle = os.open(directory, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


@contextmanager
def _remote_write(path: str) -> Iterator[BinaryIO]:
    system = filesystems().get_filesystem(path)
    temporary = f"{path}.{uuid.uuid4().hex}{TEMPORARY_SUFFIX}"
    try:
        with system.create(temporary, compression_type=uncompressed()) as stream:
            yield stream
        if system.has_dirs() and system.exists(path):
            system.delete([path])  # HDFS refuses to rename onto a file; object stores overwrite
        system.rename([temporary], [path])
    except BaseException:
        with suppress(OSError):
            system.delete([temporary])
        raise


def write_bytes(path: str, data: bytes) -> None:
    """Write a whole file atomically."""
    with atomic_write(path) as stream:
        stream.write(data)


def delete(paths: list[str]) -> None:
    """Remove files that exist; absent ones are fine."""
    remote = [path for path in paths if is_remote(path)]
    if remote:
        filesystems().delete(remote)
    for path in paths:
        if not is_remote(path):
            with suppress(FileNotFoundError):
                os.unlink(path)


def remove_partials(*folders: str) -> list[str]:
    """Remove what killed writers left directly in the folders, and return the paths removed.

    To be called before any writer starts: a temporary file in use would be removed as well.
    """
    left = [
        entry.path for folder in folders for entry in in_folder(folder) if is_temporary(entry.path)
    ]
    delete(left)
    return left
