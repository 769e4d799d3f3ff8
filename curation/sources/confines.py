"""Where the files of an input may lie: in the folders that were given, and nowhere else.

A link or a line of a manifest may name any file that this machine can read, and its content, or
the first words of it, would stand in shards and reports that are passed on.
"""

import os
from collections.abc import Iterable

from curation import storage

OUTSIDE = (
    "outside: it leads out of the input; put the file into the input's folder, or allow it by "
    "--allow-outside"
)


class Confines:
    """The folders in which files are read; with ``open_to_all`` anywhere."""

    def __init__(self, folders: Iterable[str] = (), *, open_to_all: bool = False) -> None:
        self._open = open_to_all
        self._real: dict[str, str] = {}
        self._roots = tuple(self._root(folder) for folder in folders)

    def refusal(self, path: str, home: str | None = None) -> str | None:
        """Why the file, links followed, is not to be read, or None; ``home`` is one more folder."""
        if self._open:
            return None
        try:
            place = self._resolved(path)
        except (OSError, ValueError):
            return None  # no path at all: reading it says so
        roots = self._roots if home is None else (*self._roots, self._root(home))
        return None if any(place.startswith(root) for root in roots) else OUTSIDE

    def _root(self, folder: str) -> str:
        real = folder if storage.is_remote(folder) else self._folder(folder)
        return real.rstrip("/") + "/"

    def _resolved(self, path: str) -> str:
        if storage.is_remote(path):
            return "" if ".." in path.split("/") else path
        folder, name = os.path.split(path)
        place = os.path.join(self._folder(folder), name)
        return os.path.realpath(place) if os.path.islink(place) else place

    def _folder(self, folder: str) -> str:
        if folder not in self._real:
            self._real[folder] = os.path.realpath(folder or ".")
        return self._real[folder]
