"""How fast the demo model learns to write strings it never saw, and how fast it would with AdamW.

Renders the strings unless ``--data`` names some, trains the preset ``demo`` by its public command
and prints accuracy over CPU seconds; then, as the baseline, the same run with AdamW for everything.

    python -m benchmarks.held_out_strings --threads 2

The accuracy is what its label says: one font, fixed layout, unseen strings of seen glyphs. It
counts images whose every cell, blanks and colour included, is nearest to the right template.
"""

import argparse
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

TARGET_SECONDS = 60.0
ADAMW = "optimiser: {kind: adamw, learning_rate: 3e-3}\n"


@dataclass(frozen=True)
class Run:
    """One training run: its result, its evaluations, and what the whole command took."""

    name: str
    result: dict[str, Any]
    evaluations: list[dict[str, Any]]
    wall_seconds: float
    cpu_seconds: float


def children_cpu() -> float:
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime


def render(folder: Path) -> str:
    """The 8192 strings of the demo; returns the glob of their shards."""
    command = [sys.executable, "-m", "synthesis.render", "--lang", "en", "--mode", "strings"]
    command += ["--size", "64x32", "--n", "8192", "--seed", "1", "--out", str(folder)]
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    return str(folder / "part-*.parquet")


def train(name: str, data: str, out: Path, threads: int, seed: int, extra: str = "") -> Run:
    """``python -m train --preset demo``, start-up and reading included in what it took."""
    command = [sys.executable, "-m", "train", "--preset", "demo", "--data", data, "--json"]
    command += ["--out", str(out), "--threads", str(threads), "--seed", str(seed)]
    if extra:
        configuration = out.with_suffix(".yaml")
        configuration.write_text(extra)
        command += ["--config", str(configuration)]
    wall, cpu = time.monotonic(), children_cpu()
    done = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True)
    wall, cpu = time.monotonic() - wall, children_cpu() - cpu
    lines = (out / "evaluations.jsonl").read_text("utf-8").splitlines()
    return Run(name, json.loads(done.stdout), [json.loads(line) for line in lines], wall, cpu)


def report(run: Run) -> None:
    print(f"\n{run.name}\n  step  CPU-s  held-out loss  exact")
    for entry in run.evaluations:
        share = f"{100 * entry['held_out_accuracy']:5.1f} % of {entry['held_out_images']}"
        print(
            f"  {entry['step']:>4}  {entry['cpu_seconds']:>5.0f}  {entry['held_out_loss']:>13.4f}"
            f"  {share}"
        )
    print(
        f"  the whole command: {run.wall_seconds:.0f} s wall, {run.cpu_seconds:.0f} CPU-s;"
        f" the autoencoder alone keeps {100 * run.result['held_out_ceiling']:.1f} %"
    )


def verdict(what: str, run: Run, took: str, within: str, *, in_time: bool) -> bool:
    """Say whether all that was held out is right, and was ``in_time``; whether both."""
    share, label = run.result["held_out_accuracy"], run.result["held_out_label"]
    met = bool(share == 1 and in_time)
    print(
        f"\nheld-out {what} exact: {100 * share:.1f} % of {run.result['held_out_images']}"
        f" in {took} [{label}]\n"
        f"target 100 % within {within}: {'met' if met else 'NOT met'}"
    )
    return met


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("--data", help="glob of shards; rendered where not given")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--no-baseline", action="store_true", help="leave the AdamW run out")
    options = parser.parse_args()
    print(f"load of this machine before: {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores")
    with tempfile.TemporaryDirectory() as scratch:
        data = options.data or render(Path(scratch) / "strings")
        ours = train("demo", data, Path(scratch) / "ours", options.threads, options.seed)
        report(ours)
        if not options.no_baseline:
            name = "baseline: the same steps with AdamW for everything"
            out = Path(scratch) / "adamw"
            report(train(name, data, out, options.threads, options.seed, ADAMW))
    within = f"{TARGET_SECONDS:.0f} s on 2 idle cores"
    took = f"{ours.wall_seconds:.0f} s wall"
    met = verdict("strings", ours, took, within, in_time=ours.wall_seconds <= TARGET_SECONDS)
    return 0 if met else 1


if __name__ == "__main__":
    sys.exit(main())
