"""A small model on what an entry keeps: always the same model, steps and held-out strings.

Images are scaled once, by the trainer's own code; raw captions are all that it is told.
"""

import hashlib
import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa

from benchmarks import ablation_data, string_pages
from benchmarks.ablations import Arm, Bench, Group, Kind
from benchmarks.curation_bench import pool, strings
from benchmarks.curation_bench.entries import Caption, Kept
from curation import shard
from curation.picture import decoding
from curation.picture.decoding import PictureError

# chosen once, on the pool of seed 1, where 90 teach a model of `clean` 37 % of the strings, 180 all
STEPS = 150
JUDGED = 256  # held-out strings
_SCALED, _JUDGED = "scaled", "judged"
_SETTINGS: dict[str, Any] = {
    "steps": STEPS,
    "data": {
        "sizes": [],
        "resize": False,
        "held_out": strings.HELD_OUT,
        "captions": {"caption_raw": 1},
    },
    "evaluation": {"every": 10 * STEPS, "held_out": JUDGED, "images": JUDGED},
}


@dataclass(frozen=True)
class Run:
    """A training: ``accuracy`` is the share of held-out strings that are exact, 0 to 1."""

    entry: str
    seed: int
    accuracy: float
    loss: float
    cpu_seconds: float
    images: int


def prepare(out: Path) -> None:
    """The pool at the trainer's size, without what does not decode, and what it is judged by."""
    if not (out / _SCALED / "done").is_file():
        string_pages.write_rows(out / _SCALED, [*_decoded(out)])
        strings.judged(out / _JUDGED, JUDGED)
        (out / _SCALED / "done").touch()


def _decoded(out: Path) -> Iterator[dict[str, Any]]:
    for key in pool.read(out / pool.TRUTH):
        path = out / "pool" / key
        data = path.read_bytes()
        try:
            header = decoding.read_header(data)
        except PictureError:
            continue
        caption = {"text": path.with_suffix(".txt").read_text("utf-8"), "language": "en"}
        row = dict.fromkeys(shard.schema().names) | {
            "id": shard.content_id(data),
            "image": {"bytes": data, "path": None},
            "key": key,
            "width": header.width,
            "height": header.height,
            "caption_raw": [caption],
            "synthetic": False,
        }
        scaled = ablation_data.scaled(row)
        if scaled:
            yield scaled


def rows(out: Path, kept: Kept) -> list[dict[str, Any]]:
    """Rows of shards: the kept images that decode, with the captions that are left."""
    made = []
    for path in sorted((out / _SCALED).glob("*.parquet")):
        for row in pa.Table.from_batches(shard.read(str(path))).to_pylist():
            if row["key"] in kept.captions:
                own: list[Caption] | None = kept.captions[row["key"]]
                made.append(row if own is None else row | {"caption_raw": own})
    return made


def trained(out: Path, name: str, kept: Kept, seed: int, threads: int) -> Run:
    """An entry's model by one seed; entries that keep the same rows share it."""
    shown = rows(out, kept)
    said = [(row["key"], [each["text"] for each in row["caption_raw"] or ()]) for row in shown]
    digest = hashlib.blake2b(json.dumps(said).encode(), digest_size=6).hexdigest()
    data = Path("shown") / digest
    if not (out / data / "done").is_file():
        string_pages.write_rows(out / data, shown)
        (out / data / "done").touch()
    bench = Bench(out, threads, JUDGED)
    group = Group("curation", _JUDGED, STEPS, _SETTINGS, ())
    arm = Arm(name, Kind(str(data)))
    result = bench.trained(group, arm, f"{digest}-{STEPS}-{seed}", seed, _SETTINGS)
    return Run(
        name,
        seed,
        result["held_out_accuracy"],
        result["held_out_loss"],
        result["cpu_seconds"],
        len(shown),
    )
