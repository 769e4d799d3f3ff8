"""Where a consumer's units come from: a folder that producers write, or a server of it."""

import os
import socket
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Protocol

from train.producers import agreed
from train.producers.consuming import Store
from train.producers.folder import UnitFolder
from train.producers.plans import Version
from train.producers.spans import Span


def owner() -> str:
    """A name that no other process has."""
    host = "".join(each if each.isalnum() else "-" for each in socket.gethostname())
    return f"{host[:60]}-{os.getpid()}"


class Agreement(Protocol):
    """What producers and consumers have agreed on. Versions are as ``agreed.version`` gives them;
    ``counts`` are the producers'. Who waits for an answer ends when it is ``stopped``.
    """

    def plan(self) -> Mapping[str, Any] | None: ...

    def version(self, number: int) -> tuple[Version, bool] | None: ...

    def accept(self, version: Version) -> None: ...

    def counts(self) -> dict[str, float]: ...

    def ends_when(self, stopped: Callable[[], bool]) -> None: ...


class SharedStore(Store, Agreement, Protocol):
    """Both, as a consumer needs it."""


class FolderStore:
    """A folder on this host, or one that hosts share."""

    def __init__(self, root: Path) -> None:
        self._folder = UnitFolder(root)

    def get(self, span: Span) -> Path | None:
        """The unit, if it is there."""
        return self._folder.get(span.name)

    def remove(self, span: Span) -> None:
        """Producers make it again."""
        self._folder.discard(span.name)

    def tell_position(self, run: str, step: int) -> None:
        """Producers look ahead from here."""
        self._folder.tell_position(run, step)

    def plan(self) -> Mapping[str, Any] | None:
        """``plan.json``, if there is one."""
        return agreed.read(self._folder.root)

    def version(self, number: int) -> tuple[Version, bool] | None:
        """Another version of the plan."""
        return agreed.version(self._folder.root, number)

    def accept(self, version: Version) -> None:
        """Let it begin."""
        agreed.accept(self._folder.root, version)

    def counts(self) -> dict[str, float]:
        """What producers counted."""
        return self._folder.counts()

    def ends_when(self, stopped: Callable[[], bool]) -> None:
        """Nobody waits for a folder."""
