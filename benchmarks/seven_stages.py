"""All seven stages of `curate` over 1,000 images, by every way to run it here: the same bytes.

``python -m benchmarks.seven_stages --data ../shared/data`` (``--no-spark`` without ``make spark``)

A collection with its captions goes through the shipped ``pipelines.yaml``, models, captioner,
taxonomy, groupings and quotas included: in threads, in worker processes, and on a real Spark
cluster of two workers on this machine. Every file of shards, ledger, columns and groups is compared
with those of the threads, which are the baseline. Models cost a second an image, so that most
images come as thumbnails, as crawls have them, and fall at the first stage. ``--pairs`` adds so
many edit pairs.
"""

import csv
import hashlib
import io
import json
import shutil
import signal
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated

import typer
from PIL import Image

from benchmarks.cluster import parts, runs
from benchmarks.cluster.spark import Cluster
from benchmarks.kills import digests
from synthesis import jobs, modes

ROOT = Path(__file__).resolve().parents[1]
WHOLE = ("bad", "dups", "quality")  # folders whose files most rules are about
OTHERS = ("photos", "photos_open", "captioned", "text", "codes", "watermark")
THUMBNAIL = 160  # pixels of the longer side
THREADS = ["--workers", "2", "--direct_running_mode=multi_threading"]


def collect(data: Path, folder: Path, count: int, large: int) -> None:
    """``count`` files of the manifest below ``data``, with their captions; of the images that
    nothing is wrong with the ``large`` largest as they are, the others as thumbnails.
    """
    with (data / "manifest.csv").open(encoding="utf-8") as lines:
        rows = {row["file"]: row for row in csv.DictReader(lines)}
    names = sorted(rows, key=lambda name: hashlib.sha256(name.encode()).digest())
    as_they_are = [name for name in names if name.split("/")[0] in WHOLE]
    others = [name for name in names if name.split("/")[0] in OTHERS]
    others.sort(key=lambda name: -_pixels(data / name))
    for place, name in enumerate([*others[:large], *as_they_are, *others[large:]][:count]):
        content = (data / name).read_bytes()
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(_thumbnail(content) if place >= large + len(as_they_are) else content)
        if captions := [*_captions(rows[name])]:
            text = json.dumps({"captions": captions}, ensure_ascii=False)
            path.with_suffix(".json").write_text(text, encoding="utf-8")


def add_pairs(folder: Path, count: int) -> None:
    """``count`` rendered edit pairs, as files of a user's own: result, input and instructions."""
    folder.mkdir()
    job = jobs.prepare("en", "edit")
    for index in range(count):
        sample, _ = modes.render_until_kept(job, index)
        if sample is None or sample.edit is None:
            continue
        (folder / f"{index}.png").write_bytes(sample.image)
        (folder / f"{index}.input.png").write_bytes(sample.edit.inputs[0])
        for language, text in sample.edit.instructions:
            (folder / f"{index}.instruction_{language}.txt").write_text(text, encoding="utf-8")


def _pixels(path: Path) -> int:
    with Image.open(path) as image:
        return image.width * image.height


def _thumbnail(content: bytes) -> bytes:
    with Image.open(io.BytesIO(content)) as image:
        small = image.convert("RGB")
    small.thumbnail((THUMBNAIL, THUMBNAIL))
    stream = io.BytesIO()
    small.save(stream, "JPEG", quality=90)
    return stream.getvalue()


def _captions(row: dict[str, str]) -> Iterator[dict[str, str]]:
    for language in ("en", "zh"):
        if text := row[f"caption_{language}"]:
            yield {"text": text, "language": language}


def told(output: Path) -> str:
    """What a run made of its input, and how much of it each of its models and groupings saw."""
    run = json.loads((output / "run.json").read_text("utf-8"))
    counts = run["counts"]
    verdicts = " + ".join(f"{name} {counts[name]}" for name in ("kept", "dropped", "quarantined"))
    passed = ", ".join(f"{name} {stage['passed']}" for name, stage in counts["stages"].items())
    seconds = {name: round(step["cpu_seconds"]) for name, step in run["steps"].items()}
    return f"in {counts['in']} = {verdicts}; passed {passed}; CPU-s {seconds}"


def main(
    data: Annotated[Path, typer.Option(help="Folder with manifest.csv and what it lists.")] = Path(
        "../shared/data"
    ),
    count: Annotated[int, typer.Option(min=20, help="Files of the collection.")] = 1000,
    large: Annotated[int, typer.Option(help="Of the good images, so many as they are.")] = 120,
    pairs: Annotated[int, typer.Option(help="Edit pairs beside them.")] = 0,
    unit_rows: Annotated[int, typer.Option(help="Rows between two resume points.")] = 64,
    processes: Annotated[bool, typer.Option(help="In worker processes, too.")] = True,
    spark: Annotated[bool, typer.Option(help="On a cluster, too.")] = True,
    keep: Annotated[Path | None, typer.Option(help="Keep logs and outputs here.")] = None,
) -> None:
    """Print what each run made of it; exit code 1 where bytes differ.

    Example: python -m benchmarks.seven_stages --count 100 --large 20 --no-spark
    """
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # a kill, too, ends the cluster
    failures = 0
    with tempfile.TemporaryDirectory() as name:
        work = (keep or Path(name)).resolve()
        work.mkdir(parents=True, exist_ok=True)
        shutil.rmtree(work / "input", ignore_errors=True)
        collect(data, work / "input", count, large)
        add_pairs(work / "input" / "pairs", pairs)
        job = runs.Job(work / "input", ROOT / "pipelines.yaml", unit_rows)
        wanted = _digests(job, work / "threads", THREADS)
        print(told(work / "threads"), flush=True)
        if processes:
            seen = _digests(job, work / "processes", runs.local())
            failures += _compare("processes", wanted, seen)
        if spark:
            with Cluster(parts.find(), work / "cluster") as cluster:
                seen = _digests(job, work / "spark", cluster.arguments())
            failures += _compare("Spark", wanted, seen)
    if failures:
        raise typer.Exit(1)


def _digests(job: runs.Job, output: Path, arguments: list[str]) -> dict[str, str]:
    shutil.rmtree(output, ignore_errors=True)
    began = time.perf_counter()
    job.finish(output, arguments)
    print(f"{output.name}: {time.perf_counter() - began:.0f} s", flush=True)
    return digests(output)


def _compare(name: str, wanted: dict[str, str], seen: dict[str, str]) -> int:
    """Say which files differ; how many do."""
    differing = sorted(path for path in seen | wanted if seen.get(path) != wanted.get(path))
    if not differing:
        print(f"{name}: all {len(wanted)} files equal, byte for byte", flush=True)
    for path in differing:
        print(f"{name}: {path} DIFFERS", flush=True)
    return len(differing)


if __name__ == "__main__":
    typer.run(main)
