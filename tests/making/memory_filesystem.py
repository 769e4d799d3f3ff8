"""Beam filesystems in memory: ``mem://`` behaves as an object store, ``memdir://`` as HDFS."""

import io
import posixpath
from typing import Any, BinaryIO, ClassVar

from apache_beam.io.filesystem import BeamIOError, CompressionTypes, FileMetadata, FileSystem


class NotFoundError(Exception):
    """What object stores raise: no OSError, hence to be asked for before opening."""


class _Upload(io.BytesIO):
    def __init__(self, path: str, files: dict[str, bytes]) -> None:
        super().__init__()
        self._path, self._files = path, files

    def close(self) -> None:
        if not self.closed:
            self._files[self._path] = self.getvalue()
        super().close()


class MemoryFileSystem(FileSystem):
    """An object store: no folders, a name appears when it is closed, renaming overwrites."""

    files: ClassVar[dict[str, bytes]] = {}
    failing: ClassVar[set[str]] = set()
    reads: ClassVar[list[str]] = []

    @classmethod
    def scheme(cls) -> str:
        return "mem"

    def has_dirs(self) -> bool:
        return False

    def join(self, basepath: str, *paths: str) -> str:
        return "/".join([basepath.rstrip("/"), *paths])

    def split(self, path: str) -> tuple[str, str]:
        return posixpath.split(path)

    def mkdirs(self, path: str) -> None:
        pass

    def _list(self, dir_or_prefix: str) -> Any:
        for path, data in list(self.files.items()):
            if path.startswith(dir_or_prefix):
                yield FileMetadata(path, len(data), 0.0)

    def create(
        self,
        path: str,
        mime_type: str = "application/octet-stream",
        compression_type: str = CompressionTypes.AUTO,
    ) -> BinaryIO:
        assert compression_type == CompressionTypes.UNCOMPRESSED
        return _Upload(path, self.files)

    def open(
        self,
        path: str,
        mime_type: str = "application/octet-stream",
        compression_type: str = CompressionTypes.AUTO,
    ) -> BinaryIO:
        assert compression_type == CompressionTypes.UNCOMPRESSED
        self.reads.append(path)
        if path in self.failing:
            raise BeamIOError("the network is down", {path: OSError("timeout")})
        if path not in self.files:
            raise NotFoundError(path)
        return io.BytesIO(self.files[path])

    def copy(self, source_file_names: list[str], destination_file_names: list[str]) -> None:
        for source, destination in zip(source_file_names, destination_file_names, strict=True):
            self.files[destination] = self.files[source]

    def rename(self, source_file_names: list[str], destination_file_names: list[str]) -> None:
        for source, destination in zip(source_file_names, destination_file_names, strict=True):
            if destination in self.failing:
                raise BeamIOError("the network is down", {destination: OSError("timeout")})
            self.files[destination] = self.files.pop(source)

    def exists(self, path: str) -> bool:
        return path in self.files

    def size(self, path: str) -> int:
        return len(self.files[path])

    def last_updated(self, path: str) -> float:
        return 0.0

    def checksum(self, path: str) -> str:
        return str(len(self.files[path]))

    def metadata(self, path: str) -> FileMetadata:
        return FileMetadata(path, len(self.files.get(path, b"")), 0.0)

    def delete(self, paths: list[str]) -> None:
        for path in paths:
            self.files.pop(path, None)


class MemoryDirectories(MemoryFileSystem):
    """As HDFS through Beam: one level is listed, folders as empty files, no renaming onto files."""

    files: ClassVar[dict[str, bytes]] = {}

    @classmethod
    def scheme(cls) -> str:
        return "memdir"

    def has_dirs(self) -> bool:
        return True

    def _list(self, dir_or_prefix: str) -> Any:
        folder = dir_or_prefix.rstrip("/") + "/"
        if folder[:-1] in self.files:
            raise BeamIOError("List operation failed", {folder: OSError("not a directory")})
        sizes: dict[str, int] = {}
        for path, data in list(self.files.items()):
            if path.startswith(folder):
                name, slash, _ = path[len(folder) :].partition("/")
                sizes[folder + name] = 0 if slash else len(data)
        for path, size in sizes.items():
            yield FileMetadata(path, size, 0.0)

    def rename(self, source_file_names: list[str], destination_file_names: list[str]) -> None:
        for destination in destination_file_names:
            if destination in self.files:
                raise BeamIOError("Rename operation failed", {destination: OSError("exists")})
        super().rename(source_file_names, destination_file_names)

    def exists(self, path: str) -> bool:
        return any(name == path or name.startswith(path.rstrip("/") + "/") for name in self.files)


def clear() -> None:
    """Forget every file, failure and read."""
    for system in (MemoryFileSystem, MemoryDirectories):
        system.files.clear()
        system.failing.clear()
        system.reads.clear()
