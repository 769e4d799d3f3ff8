"""A path from the user: what every command and every setting that names a place takes it through.

An empty one is refused, because it is what an unset shell variable leaves (``-o "$OUT"``), and
would be taken for the current folder.
"""

from pathlib import Path
from typing import Any

import typer


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
