"""The list of the shards in a folder, with size and digest of each: which are whole."""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from curation import storage
from curation.shard.reading import REMEDY, ShardError, read

MANIFEST_NAME = "manifest.json"
_BLOCK = 1 << 20


@dataclass(frozen=True)
class ShardInfo:
    """One line of the manifest: ``file`` is relative to the manifest, ``size`` is in bytes."""

    file: str
    rows: int
    size: int
    sha256: str


def write_manifest(
    directory: str, shards: Sequence[ShardInfo], more: Mapping[str, Any] | None = None
) -> None:
    """Write the manifest of the shards in ``directory``, sorted by file, and ``more``."""
    rows = [asdict(info) for info in sorted(shards, key=lambda info: info.file)]
    text = json.dumps({"shards": rows, **(more or {})}, indent=1) + "\n"
    storage.write_bytes(storage.join(directory, MANIFEST_NAME), text.encode())


def read_manifest(directory: str) -> list[ShardInfo]:
    """The shards a directory lists.

    Raises ``FileNotFoundError`` without a manifest, ``ShardError`` for one that is none of ours.
    """
    path = storage.join(directory, MANIFEST_NAME)
    data = storage.read_bytes(path)
    try:
        return [ShardInfo(**row) for row in json.loads(data)["shards"]]
    except (ValueError, LookupError, TypeError, RecursionError) as error:
        raise ShardError(
            f"{path}: expected the list of shards that was written with them ({error}); {REMEDY}"
        ) from error


def undamaged(path: str) -> ShardInfo | None:
    """The line of a shard that is whole, by its manifest or, where that lacks it, page by page.

    None where there is no such shard, or a damaged one.
    """
    if not storage.exists(path):
        return None
    size, digest = digest_of(path)
    if listed := _line(path):
        return listed if (listed.size, listed.sha256) == (size, digest) else None
    try:
        return ShardInfo(
            storage.name_of(path), sum(batch.num_rows for batch in read(path)), size, digest
        )
    except ShardError:
        return None


def is_listed(path: str) -> bool:
    """Whether the manifest beside a shard lists it."""
    return _line(path) is not None


def _line(path: str) -> ShardInfo | None:
    """A shard's line of the manifest beside it; None where that is missing or damaged."""
    directory, name = path[: -len(storage.name_of(path)) - 1], storage.name_of(path)
    if not storage.exists(storage.join(directory, MANIFEST_NAME)):
        return None
    try:
        return next((info for info in read_manifest(directory) if info.file == name), None)
    except ShardError:
        return None


def verify(directory: str) -> list[ShardInfo]:
    """Check every byte of every shard against the manifest, footers too, and return the list.

    Raises ``ShardError`` naming the first file that is missing or differs, ``FileNotFoundError``
    without a manifest.
    """
    shards = read_manifest(directory)
    for info in shards:
        path = storage.join(directory, info.file)
        try:
            size, digest = digest_of(path)
        except FileNotFoundError as error:
            raise ShardError(f"{path}: missing, though the manifest lists it") from error
        if (size, digest) != (info.size, info.sha256):
            raise ShardError(
                f"{path}: {size} bytes with SHA-256 {digest}, "
                f"expected {info.size} with {info.sha256} by the manifest"
            )
    return shards


def digest_of(path: str) -> tuple[int, str]:
    """A file's size in bytes and its SHA-256, as the manifest tells them."""
    digest, size = hashlib.sha256(), 0
    with storage.open_read(path) as stream:
        while block := stream.read(_BLOCK):
            digest.update(block)
            size += len(block)
    return size, digest.hexdigest()
