"""Where images lie: a folder, with those that links in it lead to, and each tar in it."""

import tarfile
from collections.abc import Iterator
from pathlib import Path, PurePosixPath

from curation import storage
from curation.failures.errors import UsageError
from curation.storage import UNKNOWN_SIZE, FileEntry
from train.folders.left_out import OTHER, LeftOut
from train.folders.reading import Collection

_TAR = ".tar"


def files(folder: Path) -> Iterator[tuple[str, FileEntry]]:
    """(name below the folder, entry) of all whose name and folders do not begin with a dot, sorted.
    Raises ``OSError``.
    """
    for entry in storage.list_files(str(folder)):
        path = Path(entry.path).relative_to(folder)
        if not any(part.startswith(".") for part in path.parts):
            yield path.as_posix(), entry


def is_tar(name: str) -> bool:
    """Whether a file is one, by its name."""
    return name.lower().endswith(_TAR)


def collections(folder: Path) -> Iterator[Collection]:
    """The folder, and each tar in it, which is closed when the next is asked for. Raises
    ``UsageError`` for a tar that is none, ``OSError``.
    """
    entries = list(files(folder))
    yield _Folder(folder, entries)
    for name, entry in entries:
        if is_tar(name) and entry.size != UNKNOWN_SIZE:
            with _opened(entry.path) as tar:
                yield _Tar(entry.path, tar)


class _Folder(Collection):
    def __init__(self, folder: Path, entries: list[tuple[str, FileEntry]]) -> None:
        self._folder = folder
        self._dead = [name for name, entry in entries if entry.size == UNKNOWN_SIZE]
        names = (name for name, entry in entries if entry.size != UNKNOWN_SIZE)
        super().__init__(str(folder), names)

    def _bytes(self, name: str) -> bytes:
        return (self._folder / name).read_bytes()

    def others(self) -> Iterator[LeftOut]:
        yield from (each for each in super().others() if not is_tar(each.key))
        for name in self._dead:
            yield LeftOut(self._place, name, OTHER, "links that lead nowhere")


def _opened(path: str) -> tarfile.TarFile:
    """With all members listed. An ``OSError``, such as too many open files, says of no tar that it
    is a bad one.
    """
    try:
        tar = tarfile.open(path, "r:")  # noqa: SIM115 whoever asks closes it
        tar.getmembers()
    except tarfile.TarError as error:
        raise UsageError(f"{path}: no tar that can be read ({error})") from error
    return tar


class _Tar(Collection):
    def __init__(self, path: str, tar: tarfile.TarFile) -> None:
        self._tar = tar
        self._members = {
            str(PurePosixPath(each.name)): each for each in tar.getmembers() if each.isfile()
        }
        super().__init__(path, self._members)

    def _bytes(self, name: str) -> bytes:
        stream = self._tar.extractfile(self._members[name])
        return stream.read() if stream else b""
