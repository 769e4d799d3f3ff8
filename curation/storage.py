"""Files, local or on any Beam filesystem (``gs://``, ``s3://``, ``hdfs://``), behind one interface.

A final name appears only when its content is whole: by temporary file, fsync and ``os.replace``
locally, by temporary object and rename elsewhere. apache_beam is imported for remote paths only.
"""

import errno
import glob
import os
import re
import uuid
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from functools import cache
from importlib.util import find_spec
from typing import Any, BinaryIO, cast

_REMOTE = re.compile(r"^[a-zA-Z][a-zA-Z0-9+.-]*://")
TEMPORARY_SUFFIX = ".partial"
_TEMPORARY = re.compile(r"[^/]\.[0-9a-f]{32}\.partial$")
_HIDDEN_TEMPORARY = re.compile(r"(^|/)\.[^/]+\.[0-9a-f]{32}\.partial$")
_WRITE_FAILURES = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EROFS, errno.EIO)
UNKNOWN_SIZE = -1
# The package that opens each of Beam's remote filesystems, and the extra of apache-beam with it.
_CLIENTS = {
    "gs": ("apitools", "gcp"),
    "s3": ("boto3", "aws"),
    "azfs": ("azure", "azure"),
    "hdfs": ("hdfs", "hadoop"),
}


class OutageError(OSError):
    """A remote filesystem refused to open a file for a reason of its own: credentials, network."""


@dataclass(frozen=True, slots=True)
class FileEntry:
    """A file: its path and its size in bytes (``UNKNOWN_SIZE`` for a link that leads nowhere).

    ``times`` say when it was last changed, as far as its filesystem tells: see ``times``.
    ``linked`` says that it may lie elsewhere: it is a link, or below one.
    """

    path: str
    size: int
    times: tuple[int, ...] = ()
    linked: bool = False


def is_remote(path: str) -> bool:
    """Whether the path names a scheme (``gs://...``) rather than a local file."""
    return _REMOTE.match(path) is not None


def is_temporary(path: str) -> bool:
    """Whether the name is one that ``atomic_write`` gives to what is not yet whole."""
    pattern = _TEMPORARY if is_remote(path) else _HIDDEN_TEMPORARY
    return pattern.search(path) is not None


def _remote() -> Any:
    from apache_beam.io.filesystems import FileSystems  # heavy: only where a scheme asks for it

    return FileSystems


def _uncompressed() -> Any:
    from apache_beam.io.filesystem import CompressionTypes

    return CompressionTypes.UNCOMPRESSED  # Beam would otherwise unpack by extension


def refusal(path: str) -> str | None:
    """Why no path of this remote scheme can be opened, and what to do about it, or None."""
    return _refusal_of(path.split("://", 1)[0].lower())


@cache
def _refusal_of(scheme: str) -> str | None:
    no_way = f"no way to this filesystem, {scheme}://"
    if scheme == "file":
        return f"{no_way}; expected the plain path, without file://"
    if scheme in _CLIENTS:
        package, extra = _CLIENTS[scheme]
        if find_spec(package) is None:  # Beam itself tells only when it opens the first file
            return (
                f"{no_way}: it needs {package}; install it by: pip install 'apache-beam[{extra}]'"
            )
    try:
        _remote().get_filesystem(f"{scheme}://")
    except (ValueError, OSError, ImportError) as error:
        if scheme in _CLIENTS:
            return f"{no_way}: {error}"
        names = ", ".join(f"{name}://" for name in _CLIENTS)
        return (
            f"{no_way}; expected a local path or one of {names}; nothing is fetched from the web: "
            "fetch it first (img2dataset writes tars that can be read here)"
        )
    return None


def is_outage(path: str, error: Exception) -> bool:
    """Whether a failed read says something about the network rather than about the file.

    True for an ``OSError`` of a remote file, other than its absence: to be raised and retried,
    not to be taken for bad content. Arrow reports bad content as plain ``OSError``.
    """
    if not is_remote(path) or isinstance(error, FileNotFoundError):
        return False
    return isinstance(error, OSError) and type(error) is not OSError


def join(base: str, *parts: str) -> str:
    """Join path parts with ``/`` for remote and the local separator for local paths."""
    return "/".join([base.rstrip("/"), *parts]) if is_remote(base) else os.path.join(base, *parts)


def exists(path: str) -> bool:
    """Whether a file (or local directory) is there."""
    return bool(_remote().exists(path)) if is_remote(path) else os.path.exists(path)


def open_read(path: str) -> BinaryIO:
    """Open for reading bytes; seekable. Raises ``FileNotFoundError`` / ``OSError``."""
    if not is_remote(path):
        return open(path, "rb")
    try:
        return cast(BinaryIO, _remote().open(path, compression_type=_uncompressed()))
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
    system = _remote().get_filesystem(path)
    temporary = f"{path}.{uuid.uuid4().hex}{TEMPORARY_SUFFIX}"
    try:
        with system.create(temporary, compression_type=_uncompressed()) as stream:
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


def list_files(root: str) -> list[FileEntry]:
    """All files below a directory (or matching a glob, or the one file named), sorted by path.

    A glob may match directories, too: their files count. Links to directories are followed, but
    never in circles; temporary files are left out. Empty when nothing is there. Raises
    ``OSError`` naming a directory that cannot be listed.
    """
    if is_remote(root):
        found: Iterable[FileEntry] = _remote_files(root)
    elif any(mark in root for mark in "*?[") and not os.path.lexists(root):
        names = glob.iglob(root, recursive=True)
        found = (replace(entry, linked=True) for name in names for entry in _local_files(name))
    else:
        found = _local_files(root)
    unique = {entry.path: entry for entry in found if not is_temporary(entry.path)}
    return [unique[path] for path in sorted(unique)]


def list_folder(folder: str) -> list[FileEntry]:
    """The files directly in a directory (the empty string: the current one), sorted by path.

    Temporary files are left out. Empty when nothing is there. On HDFS directories appear, too, as
    empty files.
    """
    return [entry for entry in _in_folder(folder) if not is_temporary(entry.path)]


def _in_folder(folder: str) -> list[FileEntry]:
    if is_remote(folder):
        found = _matches(f"{folder.rstrip('/')}/*")
    elif not os.path.isdir(folder or "."):
        return []
    else:
        with os.scandir(folder or ".") as inside:
            names = [entry.name for entry in inside if entry.is_file()]
        paths = [os.path.join(folder, name) for name in names]
        found = [_entry(path, os.stat(path), linked=True) for path in paths]
    return sorted(found, key=lambda entry: entry.path)


def _entry(path: str, status: os.stat_result, linked: bool = False) -> FileEntry:
    return FileEntry(path, status.st_size, times(status), linked)


def times(status: os.stat_result) -> tuple[int, ...]:
    """When a local file's content and when anything about it was last changed, in nanoseconds."""
    return status.st_mtime_ns, status.st_ctime_ns


def is_empty(root: str, besides: tuple[str, ...]) -> bool:
    """Whether no file is at or below ``root`` but temporary ones and those named ``besides``."""
    found = _remote_files(root) if is_remote(root) else _local_files(root)
    return not any(
        not is_temporary(entry.path) and name_of(entry.path) not in besides for entry in found
    )


def name_of(path: str) -> str:
    """The last part of a path."""
    return path.replace("\\", "/").rsplit("/", 1)[-1]


def _local_files(root: str) -> Iterator[FileEntry]:
    if os.path.isfile(root):
        yield _entry(root, os.stat(root))
        return
    if not os.path.isdir(root):
        return
    folders: list[tuple[str, bool, frozenset[tuple[int, int]]]] = [(root, False, frozenset())]
    while folders:
        folder, linked, above = folders.pop()
        status = os.stat(folder)
        identity = (status.st_dev, status.st_ino)
        if identity in above:
            continue  # a link that leads back up
        with os.scandir(folder) as inside:
            for entry in inside:
                is_link = linked or entry.is_symlink()
                if entry.is_dir():
                    folders.append((entry.path, is_link, above | {identity}))
                elif entry.is_file():
                    yield _entry(entry.path, entry.stat(), is_link)
                elif entry.is_symlink():
                    yield FileEntry(entry.path, UNKNOWN_SIZE, linked=is_link)


def _remote_files(root: str) -> Iterator[FileEntry]:
    root = root.rstrip("/")
    if _remote().get_filesystem(root).has_dirs():
        for entry in _matches(root):
            yield from _below(entry)
        return
    alone = _matches(root)
    yield from alone
    if not alone or any(mark in root for mark in "*?["):
        yield from _matches(f"{root}/**")


def _below(entry: FileEntry) -> Iterator[FileEntry]:
    """The entry, or what it holds: HDFS lists one level, and directories as empty files."""
    if entry.size:
        yield entry
        return
    try:
        inside = _matches(f"{entry.path}/*")
    except OSError:
        yield entry  # an empty file cannot be listed
        return
    for child in inside:
        yield from _below(child)


def _matches(pattern: str) -> list[FileEntry]:
    (match,) = _remote().match([pattern])
    entries = [
        FileEntry(
            entry.path, entry.size_in_bytes, (int(entry.last_updated_in_seconds * 1_000_000_000),)
        )
        for entry in match.metadata_list
    ]
    return [entry for entry in entries if not entry.path.endswith("/")]


def delete(paths: list[str]) -> None:
    """Remove files that exist; absent ones are fine."""
    remote = [path for path in paths if is_remote(path)]
    if remote:
        _remote().delete(remote)
    for path in paths:
        if not is_remote(path):
            with suppress(FileNotFoundError):
                os.unlink(path)


def remove_partials(*folders: str) -> list[str]:
    """Remove what killed writers left directly in the folders, and return the paths removed.

    To be called before any writer starts: a temporary file in use would be removed as well.
    """
    left = [
        entry.path for folder in folders for entry in _in_folder(folder) if is_temporary(entry.path)
    ]
    delete(left)
    return left
