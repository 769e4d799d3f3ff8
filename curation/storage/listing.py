"""What lies in a folder, local or remote."""

import glob
import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace

from curation.storage.names import filesystems, is_remote, is_temporary, name_of

UNKNOWN_SIZE = -1


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


def list_files(root: str) -> list[FileEntry]:
    """All files below a directory (or matching a glob, or the one file named), sorted by path.

    A glob may match directories, too: their files count. Links to directories are followed, but
    never in circles; temporary files are left out. Empty when nothing is there. Raises
    ``OSError`` naming a directory that cannot be listed.
    """
    if is_remote(root):
        entries: Iterable[FileEntry] = _remote_files(root)
    elif any(mark in root for mark in "*?[") and not os.path.lexists(root):
        names = glob.iglob(root, recursive=True)
        entries = (replace(entry, linked=True) for name in names for entry in _local_files(name))
    else:
        entries = _local_files(root)
    unique = {entry.path: entry for entry in entries if not is_temporary(entry.path)}
    return [unique[path] for path in sorted(unique)]


def list_folder(folder: str) -> list[FileEntry]:
    """The files directly in a directory (the empty string: the current one), sorted by path.

    Temporary files are left out. Empty when nothing is there. On HDFS directories appear, too, as
    empty files.
    """
    return [entry for entry in in_folder(folder) if not is_temporary(entry.path)]


def in_folder(folder: str) -> list[FileEntry]:
    """As ``list_folder``, with the temporary files."""
    if is_remote(folder):
        entries = _matches(f"{folder.rstrip('/')}/*")
    elif not os.path.isdir(folder or "."):
        return []
    else:
        with os.scandir(folder or ".") as inside:
            names = [entry.name for entry in inside if entry.is_file()]
        paths = [os.path.join(folder, name) for name in names]
        entries = [_entry(path, os.stat(path), linked=True) for path in paths]
    return sorted(entries, key=lambda entry: entry.path)


def _entry(path: str, status: os.stat_result, linked: bool = False) -> FileEntry:
    return FileEntry(path, status.st_size, times(status), linked)


def times(status: os.stat_result) -> tuple[int, ...]:
    """When a local file's content and when anything about it was last changed, in nanoseconds."""
    return status.st_mtime_ns, status.st_ctime_ns


def is_empty(root: str, besides: tuple[str, ...]) -> bool:
    """Whether no file is at or below ``root`` but temporary ones and those named ``besides``."""
    entries = _remote_files(root) if is_remote(root) else _local_files(root)
    return not any(
        not is_temporary(entry.path) and name_of(entry.path) not in besides for entry in entries
    )


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
    if filesystems().get_filesystem(root).has_dirs():
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
    (match,) = filesystems().match([pattern])
    entries = [
        FileEntry(
            entry.path, entry.size_in_bytes, (int(entry.last_updated_in_seconds * 1_000_000_000),)
        )
        for entry in match.metadata_list
    ]
    return [entry for entry in entries if not entry.path.endswith("/")]
