"""What a LoRA learns beside a small model that writes, and what it forgets: strings in a face that
the model was never shown, from a folder of images with captions, by ``python -m train``.

    python -m benchmarks.lora_learnt --base demo/train --strings 'demo/strings-en/part-*.parquet' \\
        --out lora-learnt --threads 2

The base is the demo's. Its texts stay held out: what is judged is in no image that the base or a
LoRA was trained on. Captions ask for "The italic text"; whether "The text" is still written as the
base writes it is what is forgotten. Seeds are those of the LoRA; the base is one.
"""

import argparse
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pyarrow as pa

from benchmarks.evaluations import curve, rate
from curation import shard
from train import checkpoint_folder
from train.data.examples import is_held_out, shown_text

FACE = "/usr/share/fonts/truetype/liberation/LiberationSerif-BoldItalic.ttf"
IMAGES, SEEDS, HELD_OUT = 512, (0, 1, 2), 0.125
CONFIG = """
steps: 300
batch: 48
recompute: none
adapter: {{rank: {rank}, base: stored}}
optimiser: {{learning_rate: {rate}, warmup: 20, decay: 0.4}}
ema: {{decay: 0.98}}
evaluation: {{every: 50, images: 64, steps: 8, guidance: 1.0, batch: 128, grid: 24}}
checkpoint: {{every: 100, keep: 1}}
"""


def call(*arguments: str) -> str:
    """A command of ours, and what it says."""
    command = [sys.executable, "-m", *arguments]
    return subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout


def prepared(out: Path, face: str) -> None:
    """A folder of images with captions, and shards with boxes to be judged on."""
    if (out / "judged" / "part-00000.parquet").is_file():
        return
    rendered = out / "rendered"
    size = ["--lang", "en", "--mode", "strings", "--size", "512x256", "--seed", "7"]
    call("synthesis.render", *size, "--n", "1600", "--fonts", face, "--out", str(rendered))
    rows = [_asked(row) for row in shard.rows(str(rendered))]
    (out / "images").mkdir(exist_ok=True)
    seen = [row for row in rows if not is_held_out(shown_text(row["text_boxes"]), HELD_OUT)]
    for number, row in enumerate(seen[:IMAGES]):
        (out / "images" / f"{number:04d}.png").write_bytes(row["image"]["bytes"])
        text = row["caption_recaption"][0]["text"]
        (out / "images" / f"{number:04d}.txt").write_text(text, "utf-8")
    (out / "judged").mkdir(exist_ok=True)
    table = pa.Table.from_pylist(rows, schema=shard.schema())
    shard.write(str(out / "judged" / "part-00000.parquet"), table.to_batches(), shard.schema())


def _asked(row: dict[str, Any]) -> dict[str, Any]:
    """A row whose caption asks for the face."""
    said = row["caption_recaption"][0]
    text = said["text"].replace("The text", "The italic text")
    return row | {"caption_recaption": [said | {"text": text}]}


def trained(out: Path, base: Path, seed: int, options: argparse.Namespace) -> Path:
    """The output of a LoRA of a seed; what is finished is not done again."""
    config, place = out / f"seed-{seed}.yaml", out / f"seed-{seed}"
    config.write_text(CONFIG.format(rank=options.rank, rate=options.rate))
    given = ["--preset", "lora", "--config", str(config), "--weights", str(base)]
    given += ["--data", str(out / "images"), "--evaluate-on", str(out / "judged")]
    given += ["--seed", str(seed), "--threads", str(options.threads), "--out", str(place)]
    call("train", *given)
    return place


def exact(checkpoint: Path, strings: str, out: Path) -> Mapping[str, Any]:
    """How many held-out strings of the base's own face a checkpoint writes exactly."""
    result = out / "result.json"
    if not result.is_file():
        given = ["--checkpoint", str(checkpoint), "--data", strings, "--sample", "256"]
        call("infer.evaluation", "held_out_strings", *given, "--out", str(out))
    figures: Mapping[str, Any] = json.loads(result.read_text("utf-8"))
    return figures


def forgotten(out: Path, base: Path, place: Path, strings: str) -> Mapping[str, Any]:
    """As ``exact``, of a base with a LoRA merged into it."""
    merged = place / "merged"
    if not merged.is_dir():
        lora = ["--checkpoint", str(base), "--lora", str(place), "-o", str(merged)]
        call("infer.export", *lora)
        settings = Path("training_state", "configuration.json")  # by which strings are held out
        (merged / settings).parent.mkdir()
        trained_as = checkpoint_folder.find(base) or base
        shutil.copyfile(trained_as / settings, merged / settings)
    return exact(merged, strings, place / "own-face")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("--base", type=Path, required=True, help="a trained demo")
    parser.add_argument("--strings", required=True, help="glob of the shards that it is judged on")
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--face", default=FACE)
    parser.add_argument("--seeds", type=int, nargs="+", default=list(SEEDS))
    parser.add_argument("--rank", type=int, default=16)
    parser.add_argument("--rate", type=float, default=4e-3)
    parser.add_argument("--threads", type=int, default=2)
    options = parser.parse_args()
    options.out.mkdir(parents=True, exist_ok=True)
    print(f"load of this machine before: {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores")
    prepared(options.out, options.face)
    places = [trained(options.out, options.base, seed, options) for seed in options.seeds]
    before = exact(options.base, options.strings, options.out / "base-own-face")
    print(f"base, its own face: {before['metrics']['exact']}")
    for seed, place in zip(options.seeds, places, strict=True):
        print(f"\nseed {seed}\n  step  CPU-s  held-out loss  exact in the new face")
        for entry in curve(place):
            print(
                f"  {entry['step']:>4}  {entry['cpu_seconds']:>5.0f}"
                f"  {entry['held_out_loss']:>13.4f}  {rate(entry)}"
            )
        own = forgotten(options.out, options.base, place, options.strings)
        print(f"  its base's own face: {own['metrics']['exact']}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
