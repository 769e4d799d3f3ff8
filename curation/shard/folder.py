"""The shards of a folder as its manifest lists them, and their rows."""

from collections.abc import Iterator, Sequence
from typing import Any

from curation import storage
from curation.shard.manifest import read_manifest
from curation.shard.reading import read


def paths(folder: str) -> list[str]:
    """The shards of a folder, in order. Raises as ``read_manifest``."""
    return [storage.join(folder, info.file) for info in read_manifest(folder)]


def rows(folder: str, columns: Sequence[str] | None = None) -> Iterator[dict[str, Any]]:
    """All rows in order, one by one, with all columns or those named. Raises as ``read``."""
    for path in paths(folder):
        for batch in read(path, columns):
            yield from batch.to_pylist()
