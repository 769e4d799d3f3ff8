"""What a round of the flywheel is worth: a small model is trained on strings that lack some
characters and have others in three images; ``python -m train.flywheel round`` is to find them,
render them and train on them.

    python -m benchmarks.flywheel_learnt --out flywheel --threads 2

Beside it the same base goes on for as many steps, by the same settings, on the shards of before.
Both are judged by the benchmark of held-out strings, the same prompts and seeds, whose texts no
image of either shows.
"""

import argparse
import json
import os
import random
import resource
import subprocess
import sys
from collections import Counter
from pathlib import Path

from benchmarks.string_pages import write_rows
from curation import shard
from synthesis.pure.strings import CHARACTERS
from train.data.examples import shown_text
from train.flywheel import comparing, sources
from train.flywheel.sources import Intake

STRINGS, LACKING, RARE, KEPT = 4096, 4, 4, 3
BASE = """
steps: {steps}
batch: 96
data: {{sizes: [64x32]}}
evaluation: {{every: {steps}, images: 32, steps: 8, gradients: false}}
checkpoint: {{every: {steps}, keep: 1}}
"""
FURTHER = """
batch: 96
data: {{sizes: [64x32]}}
ema: {{decay: 0.95}}
optimiser: {{kind: muon, learning_rate: 1.5e-3, muon_learning_rate: 9e-3, decay: 0.6}}
evaluation: {{every: {steps}, images: 32, steps: 8, gradients: false}}
checkpoint: {{every: {steps}, keep: 1}}
"""


def call(*arguments: str) -> None:
    """A command of ours, which says how it goes."""
    subprocess.run([sys.executable, "-m", *arguments], check=True, stdout=2)


def planted(seed: int) -> tuple[str, str]:
    """The characters that are lacking, and those that are rare."""
    chosen = random.Random(seed).sample(CHARACTERS["en"], LACKING + RARE)
    return "".join(chosen[:LACKING]), "".join(chosen[LACKING:])


def prepared(out: Path, seed: int) -> tuple[Path, Path]:
    """All strings, and those that are trained on at first. What is finished is not done again."""
    every, some = out / "strings", out / f"lacking-{seed}"
    render = ["--lang", "en", "--mode", "strings", "--size", "64x32", "--n", str(STRINGS)]
    call("synthesis.render", *render, "--out", str(every))
    if not (some / "part-00000.parquet").is_file():
        lacking, rare = planted(seed)
        kept, left = [], Counter[str]()
        for row in shard.rows(str(every)):
            text = set(shown_text(row["text_boxes"]))
            scarce = text & set(rare)
            if text & set(lacking) or any(left[each] >= KEPT for each in scarce):
                continue
            left.update(scarce)
            kept.append(row)
        write_rows(some, kept)
    return every, some


def trained(out: Path, config: str, data: Path, options: argparse.Namespace, *more: str) -> Path:
    """A training by the command; what is finished is not done again."""
    out.with_suffix(".yaml").write_text(config)
    given = ["--preset", "demo", "--config", str(out.with_suffix(".yaml")), "--data", str(data)]
    given += ["--seed", str(options.seed), "--threads", str(options.threads), *more]
    call("train", *given, "--out", str(out))
    return out


def judged(checkpoint: Path, every: Path, out: Path) -> Path:
    """The benchmark's output."""
    given = ["held_out_strings", "--checkpoint", str(checkpoint), "--data", str(every)]
    call("infer.evaluation", *given, "--out", str(out))
    return out


def report(before: Path, after: Path, others: Path, characters: str) -> list[comparing.Change]:
    """What the round changed, what the control did, and the first less the second."""
    intake = Intake()
    for name, folder in (("before", before), ("round", after), ("control", others)):
        sources.evaluation(intake, name, folder)
    of = {name: [each for each in intake.cases if each.source == name] for name in intake.results}
    added = dict.fromkeys(characters, 1)
    changes = []
    for first, second in (("before", "round"), ("before", "control"), ("control", "round")):
        print(f"\n{first} -> {second}")
        for change in comparing.changes(comparing.pairs(of[first], of[second]), added, 1.0):
            changes.append(change)
            difference = [100 * x for x in (change.difference, change.low, change.high)]
            points = "{:+.1f} points [{:+.1f}, {:+.1f}]".format(*difference)
            print(f"  {change.name}: {change.before} -> {change.after}, {points}", flush=True)
    return changes


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--steps", type=int, default=130, help="of the base")
    parser.add_argument("--more", type=int, default=70, help="of the round, and of its control")
    parser.add_argument("--threads", type=int, default=2)
    options = parser.parse_args()
    out = options.out
    out.mkdir(parents=True, exist_ok=True)
    print(f"load of this machine before: {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores")
    every, some = prepared(out, options.seed)
    lacking, rare = planted(options.seed)
    base = trained(out / f"base-{options.seed}", BASE.format(steps=options.steps), some, options)
    further, turn = out / "further.yaml", out / f"round-{options.seed}"
    further.write_text(FURTHER.format(steps=options.more))
    settings = {
        "evaluation": {"name": "held_out_strings", "data": str(every)},
        "render": {"lang": "en", "mode": "strings", "size": "64x32", "seed": 1000 + options.seed},
        "training": {
            "config": str(further),
            "steps": options.more,
            "seed": options.seed,
            "threads": options.threads,
        },
    }
    config = out / f"round-{options.seed}.yaml"
    config.write_text(json.dumps(settings))
    given = ["--checkpoint", str(base), "--shards", str(some), "--config", str(config)]
    call("train.flywheel", "round", *given, "--out", str(turn))
    more = f"steps: {options.more}\n{further.read_text()}"
    control = out / f"control-{options.seed}"
    trained(control, more, some, options, "--weights", str(base))
    others = judged(control, every, control / "judged")
    plan = json.loads((turn / "attributed" / "plan.json").read_text("utf-8"))
    planned = set(plan["characters"])
    print(f"\nplanted: none of {lacking}, {KEPT} images at most of each of {rare}")
    print(f"found: {''.join(sorted(planned & set(lacking + rare)))}", end="")
    print(f"; others: {''.join(sorted(planned - set(lacking + rare))) or 'none'}")
    report(turn / "before", turn / "after", others, lacking + rare)
    spent = resource.getrusage(resource.RUSAGE_CHILDREN)
    print(f"\n{spent.ru_utime + spent.ru_stime:.0f} CPU-s in all that was run this time")
    return 0


if __name__ == "__main__":
    sys.exit(main())
