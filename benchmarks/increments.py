"""A collection that grows: what the second run costs beside a run over all, and whom it asks.

``python -m benchmarks.increments ../shared/data --out increments/ --first 1000 --more 100``

Copies real images into one folder, runs a pipeline over it, adds more images between them, and runs
again: into the same output, into a new one, and into a new one with ``--reuse``. For each run its
CPU seconds are printed, how many rows were measured, how many images the captioner was asked about,
and whether the shards are those of the run into a new output. ``--runs`` names those to make.
"""

import argparse
import hashlib
import json
import os
import resource
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

KINDS = ("photos", "photos_open", "captioned", "quality", "text", "watermark", "codes", "dups")
SUFFIXES = {".jpg", ".jpeg", ".png", ".webp"}


def images(data: Path) -> list[Path]:
    """All images, in an order that their names do not tell."""
    files = (path for kind in KINDS for path in sorted((data / kind).rglob("*")))
    chosen = [path for path in files if path.suffix.lower() in SUFFIXES]
    return sorted(chosen, key=lambda path: hashlib.sha256(path.name.encode()).digest())


def copied(paths: list[Path], data: Path, folder: Path) -> None:
    """The images in one folder, their own folders as part of their names."""
    folder.mkdir(parents=True, exist_ok=True)
    for path in paths:
        shutil.copyfile(path, folder / "-".join(path.relative_to(data).parts))


def run(pipeline: str, source: Path, output: Path, *options: str) -> dict[str, Any]:
    """One run: its CPU seconds, and of how many images it asked what."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    command = [sys.executable, "-m", "curation.command", "run", pipeline]
    command += ["-i", str(source), "-o", str(output), *options]
    log = output.with_suffix(".txt")
    with log.open("w", encoding="utf-8") as file:
        subprocess.run(command, check=True, stdout=file, stderr=file, env=os.environ.copy())
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    written = json.loads((output / "run.json").read_text(encoding="utf-8"))
    measured = written.get("measured", {})
    return {
        "cpu": after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime,
        "in": written["counts"]["in"],
        "kept": written["counts"]["kept"],
        "measured": measured.get("base", {}).get("asked", 0),
        "captions": measured.get("recaption", {}).get("asked", 0),
        "asked": sum(of["asked"] for name, of in measured.items() if name != "base"),
        "shards": sorted(path.name for path in (output / "shards").glob("part-*")),
    }


def main() -> None:
    """Run, and print a line for each run."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("data", type=Path)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--first", type=int, default=1000)
    parser.add_argument("--more", type=int, default=100)
    parser.add_argument("--pipeline", default="curate")
    parser.add_argument("--config", help="the file that has the pipeline, if not ours")
    parser.add_argument("--runs", default="first,grown,reused,fresh")
    given = parser.parse_args()
    source, chosen = given.out / "in", images(given.data)[: given.first + given.more]
    if len(chosen) < given.first + given.more:
        parser.error(f"{given.data}: {len(chosen)} images; expected {given.first + given.more}")
    runs = {
        "first": (given.out / "grown",),
        "grown": (given.out / "grown",),
        "reused": (given.out / "reused", "--reuse", str(given.out / "grown")),
        "fresh": (given.out / "fresh",),
    }
    for name in given.runs.split(","):
        copied(chosen[: given.first if name == "first" else None], given.data, source)
        config = ("--config", given.config) if given.config else ()
        done = run(given.pipeline, source, *runs[name], *config)
        print(name, json.dumps(done), flush=True)


if __name__ == "__main__":
    main()
