"""What an export format is: a module of this package that has one as ``FORMAT``."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from curation.shard.manifest import ShardInfo


@dataclass(frozen=True)
class Source:
    """What is exported: where its shards lie, what they are, and ``run.json``, if a run left it."""

    folder: str
    shards: Sequence[ShardInfo]
    run: Mapping[str, Any]


@dataclass(frozen=True)
class Options:
    """``captions`` are the splits that one caption is chosen from, the first that has any;
    ``strip`` says that images go without their metadata.
    """

    captions: tuple[str, ...]
    strip: bool = False


class Format(Protocol):
    """How shards are written for somebody else's tools. Every shard becomes one file."""

    version: int  # raised when the same shard gives other bytes
    folder: str  # below the export, where the files go; empty for the export itself
    prefix: str
    suffix: str

    def write(self, source: str, target: str, options: Options) -> None:
        """Write the shard at ``source`` as the file ``target``, whole or not at all.

        Raises ``ShardError``, ``OSError``.
        """

    def beside(self, source: Source, files: Sequence[str]) -> Mapping[str, bytes]:
        """Files to write once all shards are there, by name; ``files`` are those of the shards."""
