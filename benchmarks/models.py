"""The wave of models beside a bare loop over the same model: python -m benchmarks.models [FOLDER]

The bare loop decodes, prepares and asks the model in batches of 16, and does nothing else. The wave
is what a run does: rows with ids and captions, asked in another process, each image by itself so
that no value depends on the images beside, columns as declared, a Parquet file at the end. CPU time
of both processes, on one thread each, in turn, the median of the ratios; FOLDER has images (without
one, 32 are made).
"""

import io
import os
import sys
import tempfile
import time
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from statistics import median
from typing import Any

os.environ.setdefault("OMP_NUM_THREADS", "1")

import numpy as np
import psutil
import pyarrow as pa
from PIL import Image

from curation.measuring import asking, models
from curation.measuring.asking import Asker
from curation.measuring.models import BATCH_SIZE, Asked, Model
from curation.networks import class_posterior, clip_b16, crops, weights
from curation.output import column_files
from curation.output.measured import CONTENT
from curation.picture import decoding
from curation.signals import classes, embedding, nsfw_open
from curation.signals.signal import Signal
from curation.sources.sample import Sample

IMAGES, REPEATS, LEAST = 32, 5, 0.90
Images = Sequence[bytes]


def bare_clip() -> Any:
    """CLIP's image half over batches, as its package runs it."""
    session = weights.session(clip_b16.file())

    def ask(batch: Images) -> Any:
        rgb = [crops.middle(decoding.decode(of).rgb, clip_b16.SIDE) for of in batch]
        pixels = np.concatenate([crops.normalised(of) for of in rgb])
        return session.run(["image_embeds"], {"pixel_values": pixels})

    return ask


def bare_open_nsfw() -> Any:
    """open_nsfw over batches."""
    session = weights.session(nsfw_open._file())

    def ask(batch: Images) -> Any:
        pixels = np.concatenate([nsfw_open.pixels(decoding.decode(of).rgb) for of in batch])
        return session.run(None, {"input:0": pixels})

    return ask


def bare_classes() -> Any:
    """EfficientNet over batches."""
    import torch

    torch.set_num_threads(1)
    classifier = class_posterior.Classifier()

    def ask(batch: Images) -> Any:
        rgb = [crops.middle(decoding.decode(of).rgb, class_posterior.SIDE) for of in batch]
        mean, deviation = class_posterior._MEAN, class_posterior._DEVIATION
        pixels = np.concatenate([crops.normalised(of, mean, deviation) for of in rgb])
        with torch.inference_mode():
            return torch.softmax(classifier._network(torch.from_numpy(pixels)), dim=1)

    return ask


BARE: dict[str, tuple[Signal, Callable[[], Any]]] = {
    "embedding": (embedding.embedding, bare_clip),
    "nsfw_open": (nsfw_open.nsfw_open, bare_open_nsfw),
    "classes": (classes.classes, bare_classes),
}


def made_images() -> list[bytes]:
    """Noise under waves at 640x480, as JPEG."""
    random, made = np.random.default_rng(0), []
    for number in range(IMAGES):
        down, across = np.mgrid[0:480, 0:640] / (10.0 + number)
        waves = 128 + 90 * (np.sin(across) * np.cos(down))[..., None] * np.array([1.0, 0.7, 0.4])
        pixels = np.clip(waves + random.normal(0, 8, waves.shape), 0, 255).astype(np.uint8)
        stream = io.BytesIO()
        Image.fromarray(pixels).save(stream, "JPEG", quality=90)
        made.append(stream.getvalue())
    return made


def wave(entry: Signal, images: Images, folder: Path, asker: Asker) -> Callable[[], None]:
    """What a run does with these rows and this model."""
    samples = [Sample(f"u/{n}", f"{n}", data, None, path=f"{n}") for n, data in enumerate(images)]
    names = {
        "uri": [of.uri for of in samples],
        "id": [f"{n:032x}" for n in range(len(images))],
        "source_digest": ["0"] * len(images),
        "key": [of.key for of in samples],
    }
    base = pa.table(names)
    model = Model(entry, CONTENT[:1])
    wanted = {entry.name: np.arange(len(images))}
    asked = Asked(base.select(["uri", "id"]), wanted, {entry.name: model})

    def read(uris: set[str]) -> Iterable[Sample]:
        return (of for of in samples if of.uri in uris)

    def look() -> None:
        seen: models.Values = {}
        for _, batch in models.measure(asked, read, asker):
            seen |= batch.get(entry.name, {})
        column_files.write(str(folder / "wave.parquet"), models.merged(model, base, None, seen))

    return look


def loop(ask: Callable[[Images], Any], images: Images) -> Callable[[], None]:
    """The bare loop over the images."""

    def look() -> None:
        for start in range(0, len(images), BATCH_SIZE):
            ask(images[start : start + BATCH_SIZE])

    return look


def seconds(look: Callable[[], None]) -> float:
    """CPU seconds of the process, and of the one that it asks."""
    start = _spent()
    look()
    return _spent() - start


def _spent() -> float:
    others = [of.cpu_times() for of in psutil.Process().children()]
    return time.process_time() + sum(of.user + of.system for of in others)


def main(images: Images) -> int:
    """Print a line for each model; 1 where one is below the bar."""
    failed = False
    print(f"{len(images)} images, {REPEATS} times in turn, CPU ms an image")
    for name, (entry, bare) in BARE.items():
        with tempfile.TemporaryDirectory() as folder, asking.borrowed(()) as asker:
            ours, plain = wave(entry, images, Path(folder), asker), loop(bare(), images)
            ours(), plain()
            pairs = [(seconds(plain), seconds(ours)) for _ in range(REPEATS)]
        ratio = median(a / b for a, b in pairs)
        failed |= ratio < LEAST
        each = [1000 * median(of) / len(images) for of in zip(*pairs, strict=True)]
        print(
            f"{name:<10} bare {each[0]:7.1f}  wave {each[1]:7.1f}  throughput {ratio:.0%} of bare"
        )
    return int(failed)


if __name__ == "__main__":
    folder = sorted(Path(sys.argv[1]).iterdir()) if len(sys.argv) > 1 else []
    sys.exit(main([of.read_bytes() for of in folder[:IMAGES]] or made_images()))
