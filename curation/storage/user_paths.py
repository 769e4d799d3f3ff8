"""A path from the user: what every command and every setting that names a place takes it through.

An empty one is refused, because it is what an unset shell variable leaves (``-o "$OUT"``), and
would be taken for the current folder.
"""

import os
from pathlib import Path
from typing import Any

import typer

from curation.failures.errors import UsageError
from curation.storage.files import read_bytes
from curation.storage.names import is_remote

Place = str | Path  # as functions take it


def not_empty(path: str) -> str:
    """The path as given. Raises ``ValueError`` for an empty one, or one of spaces."""
    if not path.strip():
        raise ValueError("an empty path (is a shell variable unset?); expected the name of a place")
    return path


def path(value: Any) -> Path:
    """``parser`` of options and arguments that are a ``Path``. Raises ``typer.BadParameter``."""
    return Path(place(value))


def place(value: Any) -> str:
    """``parser`` of those that may be a glob or remote, too. Raises ``typer.BadParameter``."""
    try:
        return not_empty(str(value))
    except ValueError as error:
        raise typer.BadParameter(str(error)) from None


def argument(name: str, value: Place) -> str:
    """A path that a function was given as ``name``. Raises ``UsageError`` for an empty one."""
    try:
        return not_empty(str(value))
    except ValueError as error:
        raise UsageError(f"{name}: {error}") from None


def read(path: str, option: str = "") -> bytes:
    """The bytes of a file that was given, by an ``option`` if any. Raises ``UsageError`` where
    there is none, ``OSError``.
    """
    named = f"{option} {path}".lstrip()
    try:
        return read_bytes(path)
    except (FileNotFoundError, NotADirectoryError) as error:
        raise UsageError(f"{named}: no such file") from error
    except IsADirectoryError as error:
        raise UsageError(f"{named}: a folder; expected a file") from error


def refuse_file(folder: str) -> None:
    """Raise ``UsageError`` where a file stands in the place of a folder to write."""
    if not is_remote(folder) and os.path.isfile(folder):
        raise UsageError(f"{folder}: is a file; expected an empty or new folder")


def refuse_folder(file: str) -> None:
    """Raise ``UsageError`` where a folder stands in the place of a file to write."""
    if not is_remote(file) and os.path.isdir(file):
        raise UsageError(f"{file}: is a folder; expected the name of a file")
