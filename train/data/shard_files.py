"""Which files a folder or glob of shards stands for."""

import hashlib
from collections.abc import Sequence

from curation import shard, storage
from curation.failures.errors import UsageError
from curation.storage import FileEntry
from train.trained_on import Shards


def entries(pattern: str, named: str, *, or_images: bool = False) -> list[FileEntry]:
    """The shards that match, in order; ``named`` begins the sentence of the ``UsageError`` that is
    raised where there are none, which says whether ``or_images`` in a folder would do.
    """
    if storage.exists(of_run := storage.join(pattern, "shards", shard.MANIFEST_NAME)):
        raise UsageError(
            f"{named}: holds all that a run left; its shards lie in a folder of their own:"
            f" {of_run[: -len(shard.MANIFEST_NAME) - 1]}"
        )
    files = [entry for entry in storage.list_files(pattern) if entry.path.endswith(".parquet")]
    if not files:
        raise UsageError(
            f"{named}: no .parquet file matches; expected shards, as"
            " `python -m synthesis.render` and `beam run` write them"
            + (", or a folder of images with captions beside them" if or_images else "")
        )
    return files


def paths(pattern: str, named: str) -> list[str]:
    """Those of the ``entries``. Raises as it does."""
    return [entry.path for entry in entries(pattern, named)]


def described(pattern: str, files: Sequence[FileEntry]) -> Shards:
    """The shards of a pattern, which its ``files`` are, as a checkpoint names them."""
    lines = (f"{storage.name_of(entry.path)} {entry.size}\n" for entry in files)
    digest = hashlib.blake2b("".join(lines).encode("utf-8", "replace"), digest_size=16)
    return Shards(pattern=pattern, files=len(files), digest=digest.hexdigest())
