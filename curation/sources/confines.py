"""Where the files of an input may lie: in the folders that were given, and nowhere else.

A link or a line of a manifest may name any file that this machine can read, and its content, or
the first words of it, would stand in shards and reports that are passed on.
"""

import os
from collections.abc import Iterable
from fnmatch import fnmatchcase

from curation import storage
from curation.sources.sample import SourceError

OUTSIDE = (
    "outside: it leads out of the input; put the file into the input's folder, or allow it by "
    "--allow-outside"
)


class Confines:
    """The folders in which files are read; with ``open_to_all`` anywhere but in the ``output``."""

    def __init__(
        self, folders: Iterable[str] = (), *, open_to_all: bool = False, output: str | None = None
    ) -> None:
        self._open = open_to_all
        self._real: dict[str, str] = {}
        self._roots = tuple(self._root(folder) for folder in folders)
        self._output = None if output is None else self._root(output)

    def refusal(self, path: str, home: str | None = None) -> str | None:
        """Why the file, links followed, is not to be read, or None; ``home`` is one more folder.

        Raises ``SourceError`` for what leads into the output: a second run would take the shards
        of the first for input.
        """
        try:
            place = self._resolved(path)
        except (OSError, ValueError):
            return None  # no path at all: reading it says so
        if self._output is not None and f"{place}/".startswith(self._output):
            raise SourceError(
                f"{path}: it leads into the output; expected an input apart; remove this link, or "
                "choose another --output"
            )
        roots = self._roots if home is None else (*self._roots, self._root(home))
        inside = self._open or any(place.startswith(root) for root in roots)
        return None if inside else OUTSIDE

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


def overlap(output: str, name: str) -> str | None:
    """Why an input, a glob perhaps, and an output cannot be used together, or None.

    Links are followed.
    """
    if storage.is_remote(output) != storage.is_remote(name):
        return None
    below, (fixed, pattern) = _parts(output), _fixed(name)
    rest = below[len(fixed) :]
    if below[: len(fixed)] == fixed and _may_match(rest, pattern):
        return f"the output lies inside the input {name}"
    if fixed[: len(below)] == below:
        return f"the input {name} lies inside the output, where runs write and remove files"
    return None


def _fixed(name: str) -> tuple[list[str], list[str]]:
    """The parts of a path up to the first that holds a wildcard, and the others."""
    if not any(mark in name for mark in "*?[") or os.path.lexists(name):
        return _parts(name), []
    parts = name.split("/")
    first = next(place for place, part in enumerate(parts) if any(mark in part for mark in "*?["))
    return _parts("/".join(parts[:first]) or ("/" if name.startswith("/") else ".")), parts[first:]


def _may_match(rest: list[str], pattern: list[str]) -> bool:
    if "**" in pattern:
        return True
    return len(pattern) <= len(rest) and all(map(fnmatchcase, rest, pattern))


def _parts(path: str) -> list[str]:
    place = path if storage.is_remote(path) else os.path.realpath(path)
    return place.rstrip("/").split("/")
