"""The user's own images behind the media: image files, or shards of curated images.

Decoded by ``curation.picture``, which refuses bombs; what a process keeps is bounded.
"""

from functools import cache, lru_cache
from pathlib import Path
from random import Random

import pyarrow as pa
import pyarrow.parquet as pq

from curation.failures.errors import UsageError
from curation.picture import decoding
from synthesis.raster import Pixels
from synthesis.unrenderable import UnrenderableError

SHORT_SIDE = 640  # pixels: images are kept no smaller than this, nor twice as large
_KEPT = 12  # decoded images a process keeps: at most 7 MB each
_KEPT_GROUPS = 2  # row groups of shards (at most 100 MB each) a process keeps


@cache
def _rows(path: str) -> tuple[int, ...]:
    """How many rows each row group of a shard has."""
    try:
        file = pq.ParquetFile(path)
    except (pa.ArrowInvalid, OSError) as error:
        raise UsageError(f"--backgrounds {path}: not a Parquet file ({error})") from error
    if "image" not in file.schema_arrow.names:
        raise UsageError(f"--backgrounds {path}: no column `image`; expected a curated shard")
    return tuple(file.metadata.row_group(k).num_rows for k in range(file.num_row_groups))


@lru_cache(maxsize=_KEPT_GROUPS)
def _group(path: str, number: int) -> pa.ChunkedArray:
    return pq.ParquetFile(path).read_row_group(number, columns=["image"])["image"]


@lru_cache(maxsize=_KEPT)
def _decoded(path: str, group: int, row: int) -> Pixels:
    data = Path(path).read_bytes() if group < 0 else _group(path, group)[row].as_py()["bytes"]
    return decoding.decode(data, short_side=SHORT_SIDE).rgb


def choose(random: Random, paths: tuple[str, ...]) -> Pixels:
    """One of the images as (H, W, 3) RGB; each file is as likely as any other.

    Raises ``UnrenderableError`` (``bad_background``) for one that cannot be decoded.
    """
    path = random.choice(paths)
    group, row = -1, 0
    if path.lower().endswith(".parquet"):
        counts = _rows(path)
        if not sum(counts):
            raise UsageError(f"--backgrounds {path}: no rows in it")
        row = random.randrange(sum(counts))
        group = 0
        while row >= counts[group]:
            row -= counts[group]
            group += 1
    try:
        return _decoded(path, group, row)
    except decoding.PictureError as error:
        raise UnrenderableError("bad_background", f"{Path(path).name}: {error}") from error
