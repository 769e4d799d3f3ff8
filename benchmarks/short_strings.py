"""The demo's strings with captions of few words, which are most of what a step costs, and a small
model that was stopped while it still made mistakes: what preferences are worth to it in minutes.
"""

import argparse
import os
import random
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

from benchmarks.evaluations import curve, rate
from benchmarks.string_pages import write_rows
from curation import shard
from synthesis.fonts.face import font
from synthesis.pure import strings
from synthesis.sample import row
from train import checkpoint_folder
from train.figures import Rate

SIZE = (64, 32)
OCR = "{name: ocr, reads: line, alike: [o0]}"  # it reads an O of this face as a zero
LEAST = 0.7  # of some held-out strings that are exact
_BASE = """
steps: 90
batch: 96
data: {sizes: [64x32]}
evaluation: {every: 5, images: 128, steps: 8, gradients: false}
checkpoint: {every: 5, keep: 20}
"""
JUDGED = f"""
data: {{sizes: [64x32]}}
evaluation: {{every: 10, images: 128, steps: 8, gradients: false, evaluators: [held_out_strings,
  {{name: rewards, rewards: [{OCR}]}}]}}
"""


def rows(seed: int, count: int) -> list[dict[str, Any]]:
    """Rows of a shard, such as of ``Red "A7".``"""
    pen = font(strings.choose_face("en", None))
    made = []
    for number in range(count):
        sample = strings.render(random.Random(f"{seed}:{number}"), "en", pen, SIZE)
        ink = sample.caption.split('" in ', 1)[1].split(" ", 1)[0]
        short = replace(sample, caption=f'{ink.capitalize()} "{sample.text}".')
        made.append(
            dict.fromkeys(shard.schema().names) | dict(row(short, f"string-{number:05d}", None))
        )
    return made


def written(out: Path, count: int = 4096) -> str:
    """Shards of so many strings; returns their glob."""
    if not (out / "part-00000.parquet").is_file():
        write_rows(out, rows(1, count))
    return str(out / "part-*.parquet")


def base(out: Path, data: str, threads: int) -> Path:
    """The first checkpoint of a training that writes so many strings exactly. What is finished is
    not done again.
    """
    config = out.with_suffix(".yaml")
    config.write_text(_BASE)
    train(config, data, out, 0, threads)
    good = (line["step"] for line in curve(out) if line["held_out_accuracy"] >= LEAST)
    first = next(good, None)
    if first is None:
        raise SystemExit(f"{out}: no checkpoint writes {LEAST:.0%} of strings exactly")
    return out / checkpoint_folder.name(first)


def learnt(parser: argparse.ArgumentParser, name: str, config: str) -> int:
    """Train the base by the objective ``name``, once for each of the seeds, and print how it went:
    a ``config`` is filled in by the options of the ``parser``. Returns the exit code.
    """
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--threads", type=int, default=2)
    options = parser.parse_args()
    options.out.mkdir(parents=True, exist_ok=True)
    print(f"load of this machine before: {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores")
    data = written(options.out / "strings")
    start = base(options.out / "base", data, options.threads)
    path = options.out / f"{name}.yaml"
    path.write_text(config.format(base=start, ocr=OCR, **vars(options)) + JUDGED)
    for seed in options.seeds:
        place = options.out / f"seed-{seed}"
        train(path, data, place, seed, options.threads)
        report(place)
    return 0


def train(config: Path, data: str, out: Path, seed: int, threads: int) -> None:
    """``python -m train``, which says how it goes."""
    command = [sys.executable, "-m", "train", "--preset", "demo", "--config", str(config)]
    command += ["--data", data, "--seed", str(seed), "--threads", str(threads), "--out", str(out)]
    subprocess.run(command, check=True)


def report(out: Path) -> None:
    """Print the evaluations of a run, by both readers, the last by all held-out strings."""
    print(f"\n{out.name}\n  step  CPU-s  loss    exact by templates, by OCR (O as 0)")
    for entry in curve(out):
        count = entry["held_out_rewarded"]
        by_ocr = Rate(round(entry["held_out_ocr_full"] * count), count)
        print(
            f"  {entry['step']:>4}  {entry['cpu_seconds']:>5.0f}  {entry['held_out_loss']:.4f}"
            f"  {rate(entry)}; {by_ocr}",
            flush=True,
        )
