"""The demo's strings with captions of few words, which are most of what a step costs, and a small
model that learnt from them although many captions quote something else: it can write, and often
writes what was not asked for. What preferences are worth to it is measured in minutes.

Held-out texts are in no wrong caption, and their own are right.
"""

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
from train.data.examples import is_held_out
from train.figures import Rate

SIZE = (64, 32)
OCR = "{name: ocr, reads: line, alike: [o0]}"  # it reads an O of this face as a zero
HELD_OUT = 0.125  # of texts, as the trainer has it
_BASE = """
steps: 110
batch: 96
data: {sizes: [64x32]}
evaluation: {every: 20, images: 128, steps: 8, gradients: false}
checkpoint: {every: 20, keep: 1}
"""
JUDGED = f"""
data: {{sizes: [64x32]}}
evaluation: {{every: 10, images: 128, steps: 8, gradients: false, evaluators: [held_out_strings,
  {{name: rewards, rewards: [{OCR}]}}]}}
"""


def rows(seed: int, count: int, wrong: float) -> list[dict[str, Any]]:
    """Rows of a shard, such as of ``Red "A7".``, of which a share quotes another text."""
    pen = font(strings.choose_face("en", None))
    made = []
    for number in range(count):
        chance = random.Random(f"{seed}:{number}")
        sample = strings.render(chance, "en", pen, SIZE)
        ink = sample.caption.split('" in ', 1)[1].split(" ", 1)[0]
        text = sample.text
        if not is_held_out(text, HELD_OUT) and chance.random() < wrong:
            text = _other(chance)
        short = replace(sample, caption=f'{ink.capitalize()} "{text}".')
        made.append(
            dict.fromkeys(shard.schema().names) | dict(row(short, f"string-{number:05d}", None))
        )
    return made


def _other(chance: random.Random) -> str:
    """A text that is not held out."""
    while True:
        length = chance.randint(1, strings.LONGEST)
        text = "".join(chance.choices(strings.CHARACTERS["en"], k=length))
        if not is_held_out(text, HELD_OUT):
            return text


def written(out: Path, count: int = 4096, wrong: float = 0.35) -> str:
    """Shards of so many strings; returns their glob."""
    if not (out / "part-00000.parquet").is_file():
        write_rows(out, rows(1, count, wrong))
    return str(out / "part-*.parquet")


def base(out: Path, data: str, threads: int) -> Path:
    """A model that was trained on them. What is finished is not done again."""
    config = out.with_suffix(".yaml")
    config.write_text(_BASE)
    train(config, data, out, 0, threads)
    return out


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
