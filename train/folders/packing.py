"""A folder of images is put into shards once, below the output of the run that is trained on it.

What is no such folder, shards that is, stays as it is. The images keep their bytes.
"""

import hashlib
import json
from collections.abc import Iterable
from pathlib import Path

import pyarrow as pa

from curation import shard, storage
from curation.failures.errors import UsageError
from train import saying
from train.folders import reading
from train.folders.reading import LeftOut, Row
from train.saying import Tell

PARTS = "part-*.parquet"
_LISTING = "folder.json"  # beside the shards: what they were made of
_BYTES = 64 << 20  # of images in a shard


def is_folder(pattern: str) -> bool:
    """Whether a folder of images, or of tars of them, is meant, and not shards."""
    folder = Path(pattern)
    if storage.is_remote(pattern) or not folder.is_dir():
        return False
    if (folder / "shards" / shard.MANIFEST_NAME).is_file():
        return False  # what a run left, which is told in its own words
    files = [path for path in folder.rglob("*") if path.is_file()]
    if any(path.suffix == ".parquet" and _is_shard(path) for path in files):
        return False
    return any(reading.is_image(path.name) or path.suffix == ".tar" for path in files)


def _is_shard(path: Path) -> bool:
    """Whether a table has images, and is not the list that img2dataset leaves beside them."""
    try:
        return "image" in shard.outline(str(path)).columns
    except shard.ShardError:
        return True  # which whoever reads it will say


def packed(pattern: str, named: str, directory: Path, tell: Tell) -> None:
    """See that shards below ``directory`` hold what a folder has; they are made where they are not
    there, or the folder has changed.

    ``named`` begins the sentence of the ``UsageError`` that is raised where no image has a caption.
    Raises ``OSError``.
    """
    folder, target = Path(pattern), directory / _LISTING
    listing = _listing(folder)
    if target.is_file() and target.read_text("utf-8") == listing:
        return
    for old in directory.glob(PARTS):
        old.unlink()
    target.unlink(missing_ok=True)
    collections = list(reading.collections(folder))
    images = sum(len(each.images()) for each in collections)
    left_out = LeftOut()
    rows = (row for each in collections for row in each.rows(left_out))
    _write(directory, rows, images, tell)
    for line in left_out.lines():
        tell(f"{named}: {line}")
    if not any(directory.glob(PARTS)):
        raise UsageError(f"{named}: {_nothing(images, left_out)}")
    storage.write_bytes(str(target), listing.encode())


def _nothing(images: int, left_out: LeftOut) -> str:
    if left_out.without:
        return (
            f"{images:,} images and not one caption: put cat.txt beside cat.jpg, or metadata.jsonl"
            " or metadata.csv with file_name and text into the folder"
        )
    return f"none of {images:,} images can be read"


def _listing(folder: Path) -> str:
    """What tells a folder from another one, or from itself before it was changed."""
    lines = [
        f"{path.relative_to(folder)} {path.stat().st_size} {path.stat().st_mtime_ns}"
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    ]
    digest = hashlib.blake2b("\n".join(lines).encode("utf-8", "replace"), digest_size=16)
    return json.dumps({"files": len(lines), "digest": digest.hexdigest()}) + "\n"


def _write(directory: Path, rows: Iterable[Row], images: int, tell: Tell) -> None:
    """Shards of some bytes each, whose rows are in memory while they are put together."""
    directory.mkdir(parents=True, exist_ok=True)
    held, size, number = list[Row](), 0, 0
    with saying.shown(tell, "images packed", images, f"packing {images:,} images") as done:
        for row in rows:
            held.append(row)
            size += len(row["image"]["bytes"])
            done(1)
            if size > _BYTES:
                _write_part(directory, number, held)
                held, size, number = [], 0, number + 1
    if held:
        _write_part(directory, number, held)


def _write_part(directory: Path, number: int, rows: list[Row]) -> None:
    table = pa.Table.from_pylist(rows, schema=shard.schema())
    path = directory / f"part-{number:05d}.parquet"
    shard.write(str(path), table.to_batches(), shard.schema())
