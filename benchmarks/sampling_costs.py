"""What generating takes by size, steps and length of the prompt, and what a precision costs.

One checkpoint, or a random network of ``--width`` and ``--layers``, one image at a time. Seconds of
an image are medians of ``--repeats``: CPU seconds on a CPU, wall-clock seconds on a GPU, encoding
and decoding included. Memory is the network's weights, and all other tensors that are there at the
same time at most, the allocator's share left out. For each precision the same prompts and seeds are
compared with those of float32 (PSNR), and where prompts quote a text (``--prompts``), with what OCR
reads in images enlarged to ``--read-at`` pixels: letters and digits, cases folded.

    python -m benchmarks.sampling_costs
    python -m benchmarks.sampling_costs --checkpoint demo/train --prompts prompts.txt
"""

import argparse
import gc
import json
import statistics
import tempfile
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from itertools import product
from pathlib import Path

import numpy as np
import torch
from PIL import Image

from benchmarks import sampling
from infer import checkpoints, generating
from infer import prompts as prompt_files
from infer.engine.engine import Engine
from infer.engine.execution import Execution
from infer.engine.peaks import peak
from infer.engine.precision import PRECISIONS, Precision, bytes_of
from infer.engine.request import Request, Settings
from infer.harness.cache import Nothing
from infer.harness.readers import RapidOcr
from train import threads
from train.quotations import quoted

MEGA = 1_000_000
FULL: Precision = "float32"
_SCENES = ("an old sign above a shop", "a letter on a desk", "three boats", "a street at night")


@dataclass(frozen=True)
class Cost:
    """Of an image: seconds, and bytes of tensors beside the weights."""

    size: str
    steps: int
    characters: int
    seconds: float
    bytes: int


@dataclass(frozen=True)
class Loss:
    """Of a precision: bytes of the network's weights, ``cost`` at the usual size, and what it does
    to images: decibels beside float32 (None: the same), and the share read as asked (None: no
    prompt quotes a text).
    """

    precision: str
    weights: int
    cost: Cost
    psnr: float | None
    read: float | None


def measured(engine: Engine, request: Request, repeats: int) -> Cost:
    """The cost of a request."""
    on_gpu = engine.device.type == "cuda"

    def generate() -> None:
        list(engine.generate([request]))

    if on_gpu:
        torch.cuda.reset_peak_memory_stats()
        before = torch.cuda.memory_allocated()
    highest = peak(generate)
    if on_gpu:
        highest = torch.cuda.max_memory_allocated() - before
    clock = time.perf_counter if on_gpu else time.process_time
    seconds = []
    for _ in range(repeats):
        start = clock()
        generate()  # its images are on the CPU: nothing is left to wait for
        seconds.append(clock() - start)
    settings, length = request.settings, len(request.prompt)
    size = f"{settings.width}x{settings.height}"
    return Cost(size, settings.steps, length, statistics.median(seconds), highest)


def text(characters: int) -> str:
    """A prompt of that length."""
    return (sampling.WORDS * (1 + characters // len(sampling.WORDS)))[:characters]


def psnr(images: Sequence[Image.Image], others: Sequence[Image.Image]) -> float | None:
    """Decibels of all pixels together; None where they are the same."""
    pairs = zip(images, others, strict=True)
    errors = [np.square(np.asarray(a, float) - np.asarray(b, float)).mean() for a, b in pairs]
    error = float(np.mean(errors))
    return 10 * float(np.log10(255**2 / error)) if error else None


def read_as_asked(
    reader: RapidOcr, images: Sequence[Image.Image], prompts: Sequence[str], side: int
) -> float | None:
    """The share of images in which all that a prompt quotes is read, and nothing else."""
    wanted = [_plain("".join(quoted(prompt))) for prompt in prompts]
    if not any(wanted):
        return None
    right = 0
    for image, letters in zip(images, wanted, strict=True):
        scale = max(1, side // max(image.size))
        large = image.resize((image.width * scale, image.height * scale), Image.Resampling.BICUBIC)
        right += letters == _plain("".join(line.text for line in reader.read(large)))
    return right / len(images)


def _plain(written: str) -> str:
    return "".join(filter(str.isalnum, written.casefold()))


def losses(
    folder: Path, prompts: Sequence[str], settings: Settings, options: argparse.Namespace
) -> list[Loss]:
    """Of each precision, float32 first."""
    reader = RapidOcr(Nothing())
    asked = [Request(prompt, seed, settings) for seed, prompt in enumerate(prompts)]
    first: list[Image.Image] = []
    rows = []
    for precision in options.precisions:
        engine = Engine.load(folder, options.device, Execution(precision=precision))
        images = list(engine.generate(asked, options.batch_size))
        first = first or images
        cost = measured(engine, asked[0], options.repeats)
        read = read_as_asked(reader, images, prompts, options.read_at)
        row = Loss(precision, bytes_of(engine.transformer), cost, psnr(images, first), read)
        rows.append(row)
        del engine
        gc.collect()
    return rows


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("--checkpoint", type=Path)
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--sizes", nargs="+", default=["128x128", "256x256"])
    parser.add_argument("--steps", nargs="+", type=int, default=[2, 4])
    parser.add_argument("--characters", nargs="+", type=int, default=[16, 512])
    kinds = [each for each in PRECISIONS if each not in ("stored", FULL)]
    parser.add_argument("--precisions", nargs="+", choices=kinds, default=kinds)
    parser.add_argument("--prompts", help="a file, as --prompts of python -m infer")
    parser.add_argument("--read-at", type=int, default=512)
    parser.add_argument("--batch-size", type=int, default=8)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--width", type=int, default=512)
    parser.add_argument("--layers", type=int, default=4)
    parser.add_argument("--json", action="store_true", help="print the figures as JSON")
    options = parser.parse_args()
    options.precisions = [FULL, *options.precisions]
    threads.settle()
    read = [each.text for each in prompt_files.read(options.prompts)] if options.prompts else []
    with tempfile.TemporaryDirectory() as name:
        if options.checkpoint:
            folder = checkpoints.find(options.checkpoint)
            of = checkpoints.defaults(folder)
            usual = Settings(of.width, of.height, of.steps, of.guidance)
        else:
            folder = sampling.folder(Path(name), options.width, options.layers)
            usual = Settings(*generating.asked_size(options.sizes[0]), options.steps[0])
        engine = Engine.load(folder, options.device, Execution(precision=FULL))
        costs = []
        for size, steps, length in product(options.sizes, options.steps, options.characters):
            settings = Settings(*generating.asked_size(size), steps, usual.guidance)
            costs.append(measured(engine, Request(text(length), 0, settings), options.repeats))
        del engine
        gc.collect()
        rows = losses(folder, read or _SCENES, usual, options)
    if options.json:
        print(json.dumps({"costs": [*map(asdict, costs)], "losses": [*map(asdict, rows)]}))
        return 0
    print("| size | steps | characters of text | seconds | MB beside the weights |")
    print("|---|---|---|---|---|")
    for cost in costs:
        shown = f"{cost.seconds:.2f} | {cost.bytes / MEGA:.1f}"
        print(f"| {cost.size} | {cost.steps} | {cost.characters} | {shown} |")
    print("\n| precision | MB of weights | MB beside | seconds | PSNR to float32 | read as asked |")
    print("|---|---|---|---|---|---|")
    for row in rows:
        loss = "the same" if row.psnr is None else f"{row.psnr:.1f} dB"
        right = "-" if row.read is None else f"{row.read:.0%}"
        shown = f"{row.weights / MEGA:.2f} | {row.cost.bytes / MEGA:.1f} | {row.cost.seconds:.2f}"
        print(f"| {row.precision} | {shown} | {loss} | {right} |")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
