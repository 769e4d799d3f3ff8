"""Importing less: libraries that Beam and Arrow take along where they find them, and no run needs.

Beam imports pandas and MongoDB's client at once, Arrow imports pandas for its first ``pa.array``:
together a third of the time until a run begins, and 60 MB.
"""

import gc
import os
import sys
from collections.abc import Sequence
from importlib.abc import MetaPathFinder
from importlib.machinery import ModuleSpec
from types import ModuleType

TAKEN_ALONG = ("pandas", "bson", "pymongo")


def less(arguments: Sequence[str]) -> None:
    """Before anything is imported for a command: import less for ``run``, in this process.

    These packages then seem not to be installed. All of Arrow allocates as ``runners.memory`` does;
    what that chooses later is not for Parquet's own buffers. What is imported is no garbage, and
    looking through it again and again takes a seventh of the time: ``runners.running`` has it
    collected again.
    """
    if arguments[:1] == ["run"]:
        gc.disable()
        sys.meta_path.insert(0, _Hiding(TAKEN_ALONG))
        os.environ.setdefault("ARROW_DEFAULT_MEMORY_POOL", "system")


class _Hiding(MetaPathFinder):
    """``None`` in ``sys.modules`` would be simpler, but Arrow takes it for a module."""

    def __init__(self, packages: Sequence[str]) -> None:
        self._packages = frozenset(packages)

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        if fullname in self._packages:
            raise ModuleNotFoundError(f"No module named {fullname!r}", name=fullname)
        return None
