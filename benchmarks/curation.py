"""CPU and memory of S1 and S2 through the real pipeline, beside the bare loop in the same run.

``python -m benchmarks.curation --data ../shared/data/photos``

Figures: CPU milliseconds per image beyond the fixed start-up (a run over one image, printed), for
photographs as they are (about 0.15 megapixels) and for 1.2 megapixel mosaics of them, everything
included: planning, reading, decoding, signals, near-duplicate join, judging, report, reading again
and writing the shards. No rule on duplicates, so that all are written; no NSFW model. The bare
loop reads and decodes with Pillow at reduced scale, nothing else. Peak memory is the sum over all
processes of the run, sampled 20 times a second.
"""

import shutil
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from io import BytesIO
from pathlib import Path
from typing import Annotated

import numpy as np
import psutil
import typer
from PIL import Image

from benchmarks.from_tests import pipeline_text

CONFIG = pipeline_text(
    {
        "s1": {"size": {"min": 1}, "short_side": {"min": 16}},
        "s2": {
            "clarity": {"min": 0.1},
            "luma": {"min": 0.01, "max": 0.99},
            "oversaturated": {"max": 1},
            "entropy": {"min": 0},
            "texture": {"max": 1},
        },
    },
    keep="s1",
    quarantine_limit=0.5,
)
BARE = """
import sys, time
from PIL import Image
paths = open(sys.argv[1]).read().splitlines()
start = time.process_time()
for path in paths:
    with open(path, "rb") as stream:
        image = Image.open(stream, formats=("JPEG",))
        scale = 256 / min(image.size)
        image.draft("RGB", (int(image.width * scale), int(image.height * scale)))
        image.load()
print(time.process_time() - start)
"""
MOSAIC = (1280, 960)


def unique(data: bytes, number: int) -> bytes:
    """The same JPEG with a comment of its own, so that no two files have equal bytes."""
    comment = f"{number:08}".encode()
    return data[:2] + b"\xff\xfe" + (len(comment) + 2).to_bytes(2, "big") + comment + data[2:]


def replicate(sources: list[bytes], folder: Path, count: int) -> list[Path]:
    """Write ``count`` files made of the sources in turn, 1,000 to a folder."""
    paths = []
    for number in range(count):
        path = folder / f"{number // 1000:03}" / f"{number:06}.jpg"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(unique(sources[number % len(sources)], number))
        paths.append(path)
    return paths


def mosaics(sources: list[bytes], count: int) -> list[bytes]:
    """Images of 1.2 megapixels put together from twelve photographs each."""
    made = []
    for number in range(count):
        canvas = Image.new("RGB", MOSAIC)
        for place in range(12):
            data = sources[(number * 12 + place) % len(sources)]
            tile = Image.open(BytesIO(data)).convert("RGB").resize((320, 320))
            canvas.paste(tile, (place % 4 * 320, place // 4 * 320))
        stream = BytesIO()
        canvas.save(stream, "JPEG", quality=90)
        made.append(stream.getvalue())
    return made


def beam_run(folder: Path, output: Path, config: Path, workers: int) -> tuple[float, float]:
    """(CPU seconds, peak memory in MB) of one ``beam run`` with everything it starts."""
    shutil.rmtree(output, ignore_errors=True)
    command = [sys.executable, "-m", "curation.command", "run", "--input", str(folder)]
    command += ["--output", str(output), "--config", str(config), "--workers", str(workers)]
    process = psutil.Popen([*command, "--json"], stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    peak, cpu, done = [0.0], [0.0], threading.Event()

    def watch() -> None:
        while not done.wait(0.05):
            try:
                family = [process, *process.children(recursive=True)]
                peak[0] = max(peak[0], sum(member.memory_info().rss for member in family) / 1e6)
                times = [member.cpu_times() for member in family]
                cpu[0] = max(cpu[0], sum(member.user + member.system for member in times))
            except psutil.Error:
                continue

    thread = threading.Thread(target=watch)
    thread.start()
    _, errors = process.communicate()
    done.set()
    thread.join()
    if process.returncode:
        raise SystemExit(errors.decode())
    return cpu[0], peak[0]


def bare_loop(paths: list[Path], listing: Path) -> float:
    """CPU seconds of reading and decoding the same files."""
    listing.write_text("\n".join(map(str, paths)))
    finished = subprocess.run(
        [sys.executable, "-c", BARE, str(listing)], capture_output=True, check=True, text=True
    )
    return float(finished.stdout)


def main(
    data: Annotated[Path, typer.Option(help="Folder of JPEG photographs.")] = Path(
        "../shared/data/photos"
    ),
    count: Annotated[int, typer.Option(help="Files per measurement.")] = 3000,
    large: Annotated[int, typer.Option(help="Files of the large memory run; 0: none.")] = 50_000,
    repeats: int = 3,
    workers: int = 2,
) -> None:
    """Print the figures.

    Example: python -m benchmarks.curation --data photos/ --count 3000
    """
    sources = [
        path.read_bytes()
        for path in sorted(data.iterdir())
        if path.suffix.lower() in (".jpg", ".jpeg")
    ]
    with tempfile.TemporaryDirectory() as name:
        work = Path(name)
        config = work / "pipelines.yaml"
        config.write_text(CONFIG)
        single = work / "one"
        replicate(sources[:1], single, 1)
        startup = [beam_run(single, work / "out", config, workers) for _ in range(repeats)]
        fixed = statistics.median(cpu for cpu, _ in startup)
        print(f"start-up: {fixed:.2f} CPU-s (one image), {startup[0][1]:.0f} MB")
        for label, made in (("as they are", sources), ("mosaics", mosaics(sources, 60))):
            folder = work / label.split()[0]
            paths = replicate(made, folder, count)
            pixels = np.mean([np.prod(Image.open(BytesIO(d)).size) for d in made]) / 1e6
            per_image, ratios, peaks = [], [], []
            for _ in range(repeats):
                bare = bare_loop(paths, work / "listing") * 1000 / count
                cpu, peak = beam_run(folder, work / "out", config, workers)
                per_image.append((cpu - fixed) * 1000 / count)
                ratios.append(per_image[-1] / bare)
                peaks.append(peak)
            print(
                f"{label}: {pixels:.2f} MP, {statistics.median(per_image):.2f} CPU-ms per image "
                f"beyond start-up (all {[round(v, 2) for v in per_image]}), "
                f"{statistics.median(ratios):.2f} x the bare loop, peak {max(peaks):.0f} MB"
            )
            shutil.rmtree(folder)
        _memory(sources, work, config, workers, large)


def _memory(sources: list[bytes], work: Path, config: Path, workers: int, large: int) -> None:
    small = []
    for data in sources[:50]:
        stream = BytesIO()
        Image.open(BytesIO(data)).convert("RGB").resize((96, 96)).save(stream, "JPEG")
        small.append(stream.getvalue())
    for count in (1000, 10_000, large) if large else (1000,):
        folder = work / f"small-{count}"
        replicate(small, folder, count)
        begin = time.perf_counter()
        cpu, peak = beam_run(folder, work / "out", config, workers)
        seconds = time.perf_counter() - begin
        print(f"{count} small files: peak {peak:.0f} MB, {cpu:.1f} CPU-s, {seconds:.0f} s wall")


if __name__ == "__main__":
    typer.run(main)
