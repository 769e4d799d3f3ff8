"""What reading costs the trainer: memory and speed at 1,000 and at 50,000 rows.

Makes shards of small JPEG images of many sizes with captions from one word to a few hundred, then,
in a process of its own for each, indexes them and reads batches as `python -m train` does, with a
few MiB for latents. The target: at 50,000 rows the peak of memory is within 10 % of that at 1,000,
the index and the plan of an epoch besides, of which the bytes are told.

    python -m benchmarks.training_data --steps 60

``--train`` takes steps of the demo's network, too: the peak is then that of long captions.
"""

import argparse
import io
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from PIL import Image

from curation import shard

ROWS = (1_000, 50_000)
LIMIT = 1.1
_IMAGES = 500  # different ones
_PER_SHARD = 5_000
_MEMORY = 4 << 20
_LONGEST = 400  # words


def write(folder: Path, count: int) -> None:
    """Shards of ``count`` rows."""
    random = np.random.default_rng(0)
    images = [_image(random) for _ in range(min(_IMAGES, count))]
    words = ["".join(map(chr, random.integers(97, 123, n))) for n in random.integers(2, 12, 2000)]
    folder.mkdir()
    for part, start in enumerate(range(0, count, _PER_SHARD)):
        stop = min(count, start + _PER_SHARD)
        batches = _batches(range(start, stop), images, words, random)
        shard.write(str(folder / f"part-{part:05d}.parquet"), batches, shard.schema())


def _image(random: np.random.Generator) -> tuple[bytes, int, int]:
    """A smooth image of some size, as a JPEG."""
    width, height = (int(side) for side in random.integers(64, 200, 2))
    coarse = Image.fromarray(random.integers(0, 256, (6, 6, 3), dtype=np.uint8))
    stream = io.BytesIO()
    coarse.resize((width, height), Image.Resampling.BICUBIC).save(stream, "JPEG", quality=90)
    return stream.getvalue(), width, height


def _batches(
    numbers: range,
    images: list[tuple[bytes, int, int]],
    words: list[str],
    random: np.random.Generator,
) -> Iterator[pa.RecordBatch]:
    rows = []
    for number in numbers:
        data, width, height = images[number % len(images)]
        length = int(np.exp(random.uniform(0, np.log(_LONGEST))))
        caption = " ".join(random.choice(words, length))
        rows.append(
            dict.fromkeys(shard.schema().names)
            | {
                "id": f"{number:032x}",
                "key": str(number),
                "image": {"bytes": data, "path": None},
                "width": width,
                "height": height,
                "caption_raw": [{"text": caption, "language": "en"}],
                "synthetic": False,
            }
        )
    yield from pa.Table.from_pylist(rows, schema=shard.schema()).to_batches()


def measure(folder: Path, steps: int, train: bool) -> dict[str, Any]:
    """Index the shards, take the first steps, and say what that cost."""
    import torch

    from train import configuration_file, parts, stepping
    from train.autoencoders.patch_pca import PatchPcaAutoencoder
    from train.configuration import Configuration
    from train.data import loading

    content = configuration_file.shipped("demo").model_dump()
    content["data"] |= {"sizes": (), "resolution": 64, "memory_bytes": _MEMORY}
    content["evaluation"] |= {"held_out": 256}
    configuration = Configuration.model_validate(content | {"precision": "fp32"})
    noise = [torch.rand(8, 3, 64, 64)]  # fitting it on images would take more than reading does
    autoencoder = PatchPcaAutoencoder.fit(
        noise, configuration.autoencoder.factor, configuration.autoencoder.channels
    )
    clock, start = time.process_time(), peak()
    data = loading.load(loading.Sources(str(folder), autoencoder), configuration)
    indexed = time.process_time() - clock
    run = parts.assemble(configuration, data, "cpu") if train else None
    clock, images, tokens, padded = time.process_time(), 0, 0, 0
    for step in range(1, steps + 1):
        if run:
            stepping.train_step(run, step)
            continue
        batch = data.at(step)
        lengths = [len(caption.split()) for caption in batch.captions]
        images += len(lengths)
        tokens, padded = tokens + sum(lengths), padded + len(lengths) * max(lengths)
    return {
        "peak_mib": peak(),
        "start_mib": start,
        "index_mib": (data.index.nbytes + data.plan.nbytes) / 2**20,
        "bytes_a_row": data.index.nbytes / len(data.index),
        "indexed_s": indexed,
        "images_per_cpu_s": images / max(1e-9, time.process_time() - clock),
        "padding": padded / max(1, tokens),
    }


def peak() -> float:
    """Peak memory of this process in MiB."""
    unit = 2**20 if sys.platform == "darwin" else 2**10
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / unit


def _child(folder: Path, options: argparse.Namespace) -> dict[str, Any]:
    command = [sys.executable, "-m", "benchmarks.training_data", "--folder", str(folder)]
    command += ["--steps", str(options.steps), *(["--train"] if options.train else [])]
    done = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True)
    result: dict[str, Any] = json.loads(done.stdout)
    return result


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("--steps", type=int, default=60)
    parser.add_argument("--train", action="store_true", help="take steps of the demo's network")
    parser.add_argument("--folder", type=Path, help="measure these shards in this process")
    options = parser.parse_args()
    if options.folder:
        print(json.dumps(measure(options.folder, options.steps, options.train)))
        return 0
    print(f"load of this machine before: {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores")
    measurements: list[dict[str, Any]] = []
    with tempfile.TemporaryDirectory() as scratch:
        for count in ROWS:
            folder = Path(scratch) / str(count)
            write(folder, count)
            measurements.append(_child(folder, options))
            last = measurements[-1]
            print(
                f"{count:>7,} rows: peak {last['peak_mib']:.0f} MiB ({last['start_mib']:.0f} before"
                f" reading), index and plan {last['index_mib']:.1f} MiB"
                f" ({last['bytes_a_row']:.0f} bytes a row), indexed in {last['indexed_s']:.1f}"
                f" CPU-s, then {last['images_per_cpu_s']:.0f} images/CPU-s,"
                f" {last['padding']:.2f} words with padding for each"
            )
    few, many = measurements
    ratio = (many["peak_mib"] - many["index_mib"]) / (few["peak_mib"] - few["index_mib"])
    met = ratio <= LIMIT
    print(f"peak at {ROWS[1]:,} rows over that at {ROWS[0]:,}, without index: {ratio:.3f}")
    print(f"target at most {LIMIT}: {'met' if met else 'NOT met'}")
    return 0 if met else 1


if __name__ == "__main__":
    sys.exit(main())
