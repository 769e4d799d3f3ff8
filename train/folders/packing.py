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
from train.folders import left_out, places, reading
from train.folders.left_out import LeftOut
from train.folders.reading import Row
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
    entries = list(places.files(folder))
    if any(_is_shard(entry.path) for name, entry in entries if name.endswith(".parquet")):
        return False
    return any(reading.is_image(name) or places.is_tar(name) for name, _ in entries)


def refuse_inside(pattern: str, directory: Path) -> None:
    """Raise ``UsageError`` where the output lies in the folder: its shards would be read as data by
    the next run.
    """
    if directory.resolve().is_relative_to(Path(pattern).resolve()):
        raise UsageError(
            f"--out: {directory} lies in {pattern}, the folder of images: name a folder outside it"
        )


def _is_shard(path: str) -> bool:
    """Whether a table has images, and is not the list that img2dataset leaves beside them."""
    try:
        return "image" in shard.outline(path).columns
    except shard.ShardError:
        return True  # which whoever reads it will say


def packed(pattern: str, named: str, directory: Path, tell: Tell) -> None:
    """See that shards below ``directory`` hold what a folder has; they are made where they are not
    there, or the folder has changed. What was left out is told each time, and named in a file.

    ``named`` begins the sentence of the ``UsageError`` that is raised where no image has a caption.
    Raises ``OSError``.
    """
    folder, target = Path(pattern), directory / _LISTING
    listing = _listing(folder)
    if not target.is_file() or target.read_text("utf-8") != listing:
        for old in directory.glob(PARTS):
            old.unlink()
        target.unlink(missing_ok=True)
        images = sum(len(each.images()) for each in places.collections(folder))
        omitted = list[LeftOut]()
        rows = (row for each in places.collections(folder) for row in each.rows(omitted))
        _write(directory, rows, images, tell)
        if not any(directory.glob(PARTS)):
            raise UsageError(f"{named}: {_nothing(images, omitted)}")
        left_out.write(directory, omitted)
        storage.write_bytes(str(target), listing.encode())
    for line in left_out.lines(left_out.read(directory)):
        tell(f"{named}: {line}; see {directory / left_out.NAME}")


def _nothing(images: int, omitted: list[LeftOut]) -> str:
    reasons = {each.reason for each in omitted} - {left_out.OTHER}
    if reasons == {left_out.NO_CAPTION}:
        return (
            f"{images:,} images and not one caption: put cat.txt beside cat.jpg, or metadata.jsonl"
            " or metadata.csv with file_name and text into the folder"
        )
    why = "; ".join(left_out.lines(omitted)) or "its tars are empty"
    return f"none of {images:,} images can be trained on: {why}"


def _listing(folder: Path) -> str:
    """What tells a folder from another one, or from itself before it was changed."""
    lines = [f"{name} {entry.size} {entry.times[:1]}" for name, entry in places.files(folder)]
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
