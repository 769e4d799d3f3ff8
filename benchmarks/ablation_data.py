"""What the arms of ``benchmarks.ablations`` are trained on, each made once.

Strings are rendered, damaged and curated by their public commands at the size that rules need, then
scaled to the trainer's once, by its own code, so that runs do not pay for it.
"""

import itertools
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from benchmarks import string_pages
from curation import shard
from curation.picture.decoding import PictureError
from synthesis import png
from train.configuration import DataConfiguration
from train.data import examples

SIZE = (64, 32)
_LARGE = "512x256"
_SCALED = DataConfiguration(sizes=(f"{SIZE[0]}x{SIZE[1]}",), resize=True)

Row = dict[str, Any]


def strings(out: Path, count: int) -> None:
    """``strings-clean``, ``-raw`` and ``-curated`` of so many strings, and ``-captions``."""
    large = out / "large"
    clean, raw, curated = (large / name for name in ("clean", "raw", "curated"))
    render = ["synthesis.render", "--lang", "en", "--mode", "strings", "--size", _LARGE]
    steps = (
        [*render, "--n", str(count), "--seed", "1", "--out", str(clean)],
        ["examples.damaged_strings", "--strings", str(clean), "--out", str(raw)],
        ["curation.command", "run", "strings", "--input", str(raw), "--output", str(curated)],
    )
    for step in steps:
        subprocess.run([sys.executable, "-m", *step], check=True, stdout=subprocess.DEVNULL)
    for name, folder in (("clean", clean), ("raw", raw), ("curated", curated / "shards")):
        rewritten(folder, out / f"strings-{name}", scaled)
    rewritten(out / "strings-curated", out / "strings-captions", captioned)


def rewritten(folder: Path, to: Path, change: Callable[[Row], Row | None]) -> None:
    """The shards of ``folder`` once more, each row as ``change`` makes it; None leaves it out."""
    to.mkdir(parents=True, exist_ok=True)
    for path in sorted(folder.glob("*.parquet")):
        batches = list(shard.read(str(path)))
        rows = [
            changed for batch in batches for row in batch.to_pylist() if (changed := change(row))
        ]
        table = pa.Table.from_pylist(rows, schema=batches[0].schema)
        shard.write(str(to / path.name), table.to_batches(), table.schema)


def scaled(row: Row) -> Row | None:
    """A row at the trainer's size; None where its image cannot be decoded."""
    try:
        rgb = examples.decode(row, SIZE, _SCALED)
    except PictureError:
        return None
    opaque = np.full((*rgb.shape[:2], 1), 255, np.uint8)
    data = png.encode(np.concatenate([rgb, opaque], 2))
    scale = SIZE[0] / row["width"]
    boxes = [
        box | {"quad": [scale * corner for corner in box["quad"]]}
        for box in row["text_boxes"] or ()
    ]
    return row | {
        "image": {"bytes": data, "path": None},
        "width": SIZE[0],
        "height": SIZE[1],
        "format": "PNG",
        "text_boxes": boxes,
    }


def captioned(row: Row) -> Row:
    """A row with three kinds of captions: what a crawl would bring, which says nothing of the text,
    what a captioner says, and both fused.
    """
    (said,) = row["caption_recaption"]
    colour = said["text"].split(" in ")[1].split(" ")[0]
    about = said["text"].removeprefix("The text ")
    crawled, fused = f"{colour} sign", f"A sign with the text {about}"
    return row | {
        "caption_raw": [said | {"text": crawled}],
        "caption_fused": [said | {"text": fused}],
    }


def pages(out: Path, count: int) -> None:
    """``pages`` of two lines, some of them held out, and ``lines``, pages of the first alone."""
    held_out = string_pages.pages(2, count // 16, held_out=True)
    training = string_pages.pages(1, count, held_out=False)
    string_pages.write(out / "pages", itertools.chain(held_out, training))
    string_pages.write(out / "lines", _first_lines(count))


def _first_lines(count: int) -> Iterator[string_pages.Page]:
    for page in string_pages.pages(3, count, held_out=False):
        yield string_pages.Page(page.lines[:1], page.ink)
