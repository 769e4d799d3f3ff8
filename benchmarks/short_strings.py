"""The demo's strings with captions of few words, which are most of what a step costs, and a small
model that writes them with mistakes: what is taught by preferences in minutes.
"""

import random
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

from benchmarks.string_pages import write_rows
from curation import shard
from synthesis.fonts.face import font
from synthesis.pure import strings
from synthesis.sample import row

SIZE = (64, 32)
OCR = "{name: ocr, reads: line, alike: [o0]}"  # it reads an O of this face as a zero
_BASE = """
steps: {steps}
batch: 96
data: {{sizes: [64x32]}}
evaluation: {{every: 1000, steps: 8, gradients: false}}
checkpoint: {{every: 1000, keep: 1}}
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


def written(out: Path, count: int) -> str:
    """Shards of so many strings; returns their glob."""
    if not (out / "part-00000.parquet").is_file():
        write_rows(out, rows(1, count))
    return str(out / "part-*.parquet")


def base(out: Path, data: str, steps: int, threads: int) -> Path:
    """A model that was trained on them for so many steps; what is finished is not done again."""
    config = out.with_suffix(".yaml")
    config.write_text(_BASE.format(steps=steps))
    train("demo", config, data, out, 0, threads)
    return out


def train(preset: str, config: Path, data: str, out: Path, seed: int, threads: int) -> None:
    """``python -m train``, which says how it goes."""
    command = [sys.executable, "-m", "train", "--preset", preset, "--config", str(config)]
    command += ["--data", data, "--seed", str(seed), "--threads", str(threads), "--out", str(out)]
    subprocess.run(command, check=True)
