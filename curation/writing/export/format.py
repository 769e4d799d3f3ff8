"""What an export format is: a module of this package that has one as ``FORMAT``."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from curation.shard.manifest import ShardInfo
from curation.shard.selection import EVERY, Asked


@dataclass(frozen=True)
class Source:
    """What is exported: where its shards lie, what they are, and ``run.json``, if a run left it;
    of their rows those that are ``asked`` for. ``rows`` and ``size`` in bytes are what is exported.
    """

    folder: str
    shards: Sequence[ShardInfo]
    run: Mapping[str, Any]
    asked: Asked = EVERY
    rows: int = 0
    size: int = 0


@dataclass(frozen=True)
class Options:
    """``captions`` are the splits that one caption is chosen from, the first that has any;
    ``strip`` says that images go without their metadata, ``asked`` which rows go.
    """

    captions: tuple[str, ...]
    strip: bool = False
    asked: Asked = EVERY


class Format(Protocol):
    """How shards are written for somebody else's tools. Every shard becomes one file."""

    version: int  # raised when the same shard gives other bytes
    folder: str  # below the export, where the files go; empty for the export itself
    prefix: str
    suffix: str

    def write(self, source: str, target: str, options: Options) -> int:
        """Write the shard at ``source`` as the file ``target``, whole or not at all.

        Returns how many rows it has now.
        Raises ``ShardError``, ``OSError``.
        """

    def beside(self, source: Source) -> Mapping[str, bytes]:
        """Files to write once those of all shards are there, by name."""
