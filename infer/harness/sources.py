"""Where images come from: a checkpoint, a folder that somebody else filled, or a server.

A source makes what is missing in a folder of ``<prompt id>_<k>.png``; what is there stays.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from PIL import Image

from curation.failures.errors import UsageError
from curation.picture import decoding
from curation.picture.decoding import PictureError
from infer.harness.rows import Request

_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}")


@dataclass(frozen=True)
class Task:
    """A request with its ``seed`` and ``size`` settled."""

    request: Request
    seed: int
    size: tuple[int, int]


class Source(Protocol):
    """``identity`` says whose images they are, ``settings`` how they are made, None where nobody
    knows; ``folder`` is where they lie. ``size`` is the usual (width, height) in pixels.
    """

    @property
    def identity(self) -> Mapping[str, Any]: ...

    @property
    def settings(self) -> Mapping[str, Any]: ...

    @property
    def folder(self) -> Path: ...

    @property
    def size(self) -> tuple[int, int]: ...

    def make(self, benchmark: str, tasks: Sequence[Task]) -> None:
        """Make every image that is not there yet. Raises ``UsageError``, ``IncompleteError``,
        ``OSError``.
        """


@dataclass(frozen=True)
class Folder:
    """Images of somebody else's model; what is not there was not made."""

    folder: Path
    size: tuple[int, int] = (1024, 1024)

    @property
    def identity(self) -> Mapping[str, Any]:
        return {"kind": "images", "name": self.folder.name}

    @property
    def settings(self) -> Mapping[str, Any]:
        return dict.fromkeys(("steps", "guidance", "negative", "batch_size", "size"))

    def make(self, benchmark: str, tasks: Sequence[Task]) -> None:
        """Nothing. Raises ``UsageError`` where no image has the name of any."""
        if not self.folder.is_dir():
            what = "a file; expected a folder" if self.folder.is_file() else "no such folder"
            raise UsageError(f"--images {self.folder}: {what}")
        if not any((self.folder / task.request.file).is_file() for task in tasks):
            some = tasks[0].request.file
            raise UsageError(
                f"--images {self.folder}: holds no image of {benchmark}; expected files named"
                f" <prompt id>_<k>.png, such as {some}"
            )


def opened(folder: Path, request: Request) -> Image.Image | None:
    """The image of a request, RGB; None where there is none.

    Raises ``UsageError`` for a file that is no image.
    """
    path = folder / request.file
    if not path.is_file():
        return None
    try:
        return Image.fromarray(decoding.decode(path.read_bytes(), None).rgb)
    except PictureError as error:
        raise UsageError(
            f"{path}: {error.reason}: {error.detail}; remove it, and it counts as missing"
        ) from error


def inputs(request: Request) -> list[Image.Image]:
    """The images to edit of a request, RGB. Raises ``UsageError`` for what is none."""
    try:
        return [Image.fromarray(decoding.decode(each, None).rgb) for each in request.inputs]
    except PictureError as error:
        raise UsageError(f"--data: an input of {request.id}: {error.detail}") from error


def check(benchmark: str, requests: Sequence[Request]) -> None:
    """Raise ``ValueError`` for requests that cannot be told apart, which is a benchmark's bug."""
    if not requests:
        raise ValueError(f"{benchmark}: requests nothing")
    files, ids = set[str](), dict[str, tuple[Any, ...]]()
    for request in requests:
        if not _ID.fullmatch(request.id):
            raise ValueError(f"{benchmark}: prompt id {request.id!r}: expected {_ID.pattern}")
        if request.file in files:
            raise ValueError(f"{benchmark}: two requests of {request.file}")
        asked = (request.prompt, request.group, request.texts)
        if ids.setdefault(request.id, asked) != asked:
            raise ValueError(f"{benchmark}: two prompts of the id {request.id}")
        files.add(request.file)
