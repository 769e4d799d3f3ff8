"""Files, local or on any Beam filesystem (``gs://``, ``s3://``, ``hdfs://``), behind one interface.

A final name appears only when its content is whole: locally by temporary file, fsync and
``os.replace``; on object stores a name appears when the upload is closed.
"""

import os
import re
import uuid
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO, cast

_REMOTE = re.compile(r"^[a-zA-Z][a-zA-Z0-9+.-]*://")
TEMPORARY_SUFFIX = ".partial"


@dataclass(frozen=True)
class FileEntry:
    """A file that exists: its path and its size in bytes."""

    path: str
    size: int


def is_remote(path: str) -> bool:
    """Whether the path names a scheme (``gs://...``) rather than a local file."""
    return _REMOTE.match(path) is not None


def _remote() -> Any:
    from apache_beam.io.filesystems import FileSystems  # heavy: only where a scheme asks for it

    return FileSystems


def refusal(path: str) -> str | None:
    """Why a remote path cannot be opened (no filesystem for its scheme), or None."""
    try:
        _remote().get_filesystem(path)
    except (ValueError, OSError, ImportError) as error:
        return f"unreadable: {error}"
    return None


def join(base: str, *parts: str) -> str:
    """Join path parts with ``/`` for remote and the local separator for local paths."""
    return "/".join([base.rstrip("/"), *parts]) if is_remote(base) else os.path.join(base, *parts)


def exists(path: str) -> bool:
    """Whether a file (or local directory) is there."""
    return bool(_remote().exists(path)) if is_remote(path) else Path(path).exists()


def open_read(path: str) -> BinaryIO:
    """Open for reading bytes; seekable. Raises ``FileNotFoundError`` / ``OSError``."""
    if is_remote(path):
        from apache_beam.io.filesystem import CompressionTypes

        return cast(BinaryIO, _remote().open(path, compression_type=CompressionTypes.UNCOMPRESSED))
    return Path(path).open("rb")


def read_bytes(path: str) -> bytes:
    """The whole content of a file."""
    with open_read(path) as stream:
        return stream.read()


@contextmanager
def atomic_write(path: str) -> Iterator[BinaryIO]:
    """A stream that becomes ``path`` when the block ends without an error, else nothing."""
    if is_remote(path):
        from apache_beam.io.filesystem import CompressionTypes

        temporary = f"{path}.{uuid.uuid4().hex}{TEMPORARY_SUFFIX}"
        stream = _remote().create(temporary, compression_type=CompressionTypes.UNCOMPRESSED)
        with stream:
            yield cast(BinaryIO, stream)
        _remote().rename([temporary], [path])
        return
    target = Path(path)
    target.parent.mkdir(parents=True, exist_ok=True)
    partial = target.with_name(f".{target.name}.{uuid.uuid4().hex}{TEMPORARY_SUFFIX}")
    try:
        with partial.open("wb") as stream:
            yield stream
            stream.flush()
            os.fsync(stream.fileno())
        os.replace(partial, target)
        _sync_directory(target.parent)
    except BaseException:
        with suppress(OSError):
            partial.unlink()
        raise


def _sync_directory(directory: Path) -> None:
    handle = os.open(directory, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def write_bytes(path: str, data: bytes) -> None:
    """Write a whole file atomically."""
    with atomic_write(path) as stream:
        stream.write(data)


def list_files(root: str) -> list[FileEntry]:
    """All files below a directory (or matching a glob, or the one file named), sorted by path."""
    if is_remote(root):
        pattern = root if any(mark in root for mark in "*?[") else root.rstrip("/") + "**"
        (match,) = _remote().match([pattern])
        found = [FileEntry(entry.path, entry.size_in_bytes) for entry in match.metadata_list]
    elif any(mark in root for mark in "*?[") and not Path(root).exists():
        import glob

        names = glob.glob(root, recursive=True)
        found = [FileEntry(name, os.stat(name).st_size) for name in names if os.path.isfile(name)]
    elif os.path.isdir(root):
        found = [
            FileEntry(path, os.stat(path).st_size)
            for folder, _, names in os.walk(root)
            for path in (os.path.join(folder, name) for name in names)
            if os.path.isfile(path)
        ]
    elif os.path.isfile(root):
        found = [FileEntry(root, os.stat(root).st_size)]
    else:
        found = []
    return sorted(found, key=lambda entry: entry.path)


def delete(paths: list[str]) -> None:
    """Remove files that exist; absent ones are fine."""
    remote = [path for path in paths if is_remote(path)]
    if remote:
        _remote().delete(remote)
    for path in paths:
        if not is_remote(path):
            Path(path).unlink(missing_ok=True)
