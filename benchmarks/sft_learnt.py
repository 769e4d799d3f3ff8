"""What fine-tuning on picks (SFT) is worth to a model that was trained on damaged strings: those of
the demo, of which half are blurred, blown out, noised, cropped or have the caption of another.

    python -m benchmarks.sft_learnt --base demo/train-raw --raw demo/strings-raw \\
        --kept demo/strings-curated/shards --strings 'demo/strings-en/part-*.parquet' --out sft

For people stands a rule here: of what ``beam run strings`` kept, some are picked. Beside it the
same steps go on on all that is raw. Both end early, by held-out strings and loss; each seed
shuffles and picks anew. What is judged is in no image that was trained on.
"""

import argparse
import json
import os
import random
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from benchmarks.evaluations import curve, rate
from curation import shard

PICKS, SEEDS = 800, (0, 1, 2)
CONFIG = """
steps: 80
batch: 96
weights: {base}
data: {{sizes: [64x32], resize: true{picks}}}
ema: {{decay: 0.9}}
optimiser: {{kind: muon, learning_rate: 5.0e-4, muon_learning_rate: 3.0e-3, warmup: 5, decay: 0.7}}
evaluation: {{every: 10, images: 128, steps: 8, gradients: false, stop: {{patience: 3}}}}
checkpoint: {{every: 40, keep: 1}}
phases: [{{label: sft}}]
"""


def picked(kept: str, path: Path, seed: int) -> None:
    """A file of picks, as ``beam serve`` writes it."""
    ids = sorted({row["id"] for row in shard.rows(kept, ["id"])})
    chosen = random.Random(seed).sample(ids, min(PICKS, len(ids)))
    lines = (json.dumps({"id": identity, "pick": "keep"}) + "\n" for identity in chosen)
    path.write_text("".join(lines), "utf-8")


def trained(name: str, picks: str, seed: int, options: argparse.Namespace) -> Mapping[str, Any]:
    """The result of a run; what is finished is not done again."""
    place, config = options.out / name, options.out / f"{name}.yaml"
    config.write_text(CONFIG.format(base=options.base, picks=picks))
    command = [sys.executable, "-m", "train", "--preset", "demo", "--config", str(config)]
    command += ["--data", options.raw, "--evaluate-on", options.strings, "--seed", str(seed)]
    command += ["--threads", str(options.threads), "--out", str(place), "--json"]
    done = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True)
    result: Mapping[str, Any] = json.loads(done.stdout)
    return result


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("--base", type=Path, required=True, help="a demo trained on raw strings")
    parser.add_argument("--raw", required=True, help="the shards that it was trained on")
    parser.add_argument("--kept", required=True, help="what beam run kept of them, a folder")
    parser.add_argument("--strings", required=True, help="glob of the clean strings")
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--seeds", type=int, nargs="+", default=list(SEEDS))
    parser.add_argument("--threads", type=int, default=2)
    options = parser.parse_args()
    options.out.mkdir(parents=True, exist_ok=True)
    print(f"load of this machine before: {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores")
    for seed in options.seeds:
        path = options.out / f"picks-{seed}.jsonl"
        picked(options.kept, path, seed)
        for name, picks in ((f"picks-{seed}", f", picks: {path}"), (f"raw-{seed}", "")):
            result = trained(name, picks, seed, options)
            print(f"\n{name}\n  step  held-out loss  exact")
            for entry in curve(options.out / name):
                print(f"  {entry['step']:>4}  {entry['held_out_loss']:>13.4f}  {rate(entry)}")
            print(
                f"  ended after step {result['stopped_after']} with the weights of step"
                f" {result['of_step']}: {rate(result)}, loss {result['held_out_loss']:.4f},"
                f" {result['cpu_seconds']:.0f} CPU-s",
                flush=True,
            )
    return 0


if __name__ == "__main__":
    sys.exit(main())
