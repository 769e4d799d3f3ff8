"""Rows of shards for tests: random bytes, odd captions, every kind of column."""

import random
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa

from curation import shard

SIGNALS = [pa.field("luma", pa.float32()), pa.field("phash", pa.uint64())]


SCHEMA = shard.schema(SIGNALS)


def row(number: int, size: int = 600) -> dict[str, Any]:
    data = random.Random(number).randbytes(size)
    return {
        "id": shard.content_id(data),
        "image": {"bytes": data, "path": f"{number}.jpg"},
        "key": f"{number:05}",
        "width": number,
        "height": 1,
        "format": "JPEG",
        "caption_raw": [{"text": f"<b>{number}</b> \x00 图", "language": "zh"}] * (number % 3),
        "caption_fused": None if number % 2 else [{"text": "", "language": None}],
        "text_boxes": [{"text": "a", "quad": [0.0, 1.0, 2.5, 3.0], "level": "glyph"}],
        "source": "test",
        "synthetic": False,
        "luma": number / 7,
        "phash": 2**64 - 1 - number,
    }


ROWS = [row(number) for number in range(120)]


def batches(rows: list[dict[str, Any]], *sizes: int) -> Iterator[pa.RecordBatch]:
    """The rows in batches of these sizes, the last size again and again."""
    start, each = 0, list(sizes or (len(rows),))
    while start < len(rows):
        size = each.pop(0) if len(each) > 1 else each[0]
        yield pa.RecordBatch.from_pylist(rows[start : start + size], schema=SCHEMA)
        start += size


def read_rows(path: Path) -> list[dict[str, Any]]:
    return [entry for batch in shard.read(str(path)) for entry in batch.to_pylist()]
