"""Peak memory of training on photographs with long captions, on a CPU.

    python -m benchmarks.training_memory ../shared/data

Photographs of a folder with a ``manifest.csv``, 64 pixels squared by area, 128 to a step, whose
captions are made long from words of all captions: 90 words on average, log-normal, 400 at most.
Trains the preset ``nano`` for three steps as a user would, and holds the peak that its log line
says (resident memory of the process, the libraries' too) against a third of the 7.3 GiB that a
padded batch of those took.
"""

import argparse
import csv
import io
import random
import re
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa
import yaml
from PIL import Image, UnidentifiedImageError

from curation import shard

LIMIT = 7.3 / 3  # GiB
_WORDS, _SPREAD, _MOST = 4.3, 0.6, 400  # of the log-normal number of words that are added
_SETTINGS = {"batch": 128, "steps": 3, "log_every": 1, "evaluation": {"evaluators": []}}


def rows(folder: Path, copies: int) -> Iterator[dict[str, Any]]:
    """Photographs, each so many times with captions of its own."""
    with (folder / "manifest.csv").open(encoding="utf-8") as stream:
        known = [row for row in csv.DictReader(stream) if row["kind"] in ("photo", "captioned")]
    words = " ".join(row["caption_en"] for row in known).split()
    choice = random.Random(0)
    for number, row in enumerate(known * copies):
        data = (folder / row["file"]).read_bytes()
        try:
            image = Image.open(io.BytesIO(data))
        except UnidentifiedImageError:
            continue
        count = min(_MOST, int(choice.lognormvariate(_WORDS, _SPREAD)))
        text = " ".join([row["caption_en"], *choice.choices(words, k=count)])
        yield dict.fromkeys(shard.schema().names) | {
            "id": shard.content_id(b"%d" % number + data),
            "key": f"{row['file']} {number}",
            "image": {"bytes": data, "path": None},
            "width": image.width,
            "height": image.height,
            "format": image.format,
            "caption_recaption": [{"text": text, "language": "en"}],
            "synthetic": False,
        }


def peak(folder: Path, precision: str) -> float:
    """In GiB, of a run on the shards in a ``folder``."""
    config = folder / "memory.yaml"
    config.write_text(yaml.safe_dump({**_SETTINGS, "precision": precision}), "utf-8")
    command = [sys.executable, "-m", "train", "--preset", "nano", "--config", str(config)]
    command += ["--data", str(folder), "--out", str(folder / precision), "--threads", "1"]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    return float(re.findall(r"([\d.]+) GiB", done.stderr)[-1])


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("folder", type=Path, help="with manifest.csv and what it names")
    parser.add_argument("--copies", type=int, default=2)
    parser.add_argument("--precision", default="fp32")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as place:
        table = pa.Table.from_pylist(list(rows(options.folder, options.copies)), shard.schema())
        shard.write(f"{place}/part-00000.parquet", table.to_batches(), shard.schema())
        memory = peak(Path(place), options.precision)
    verdict = "met" if memory <= LIMIT else "NOT met"
    print(
        f"{options.precision}: {memory:.2f} GiB at the peak (at most {LIMIT:.2f} wanted: {verdict})"
    )
    return int(memory > LIMIT)


if __name__ == "__main__":
    sys.exit(main())
