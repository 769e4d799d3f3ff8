"""What DPO is worth to a small model that writes with mistakes: of each training prompt the best of
its own images by what OCR reads against the worst, or (``--pairs gold``) the image that it was
trained on against the worst; judged on texts that nothing was trained on.

    python -m benchmarks.dpo_learnt --out dpo --threads 2

Two readers judge: templates of clean training images (``train.string_reader``), and the OCR that
rewards. Seeds are those of DPO: prompts, images, noise; the base is one.
"""

import argparse
import os
import sys
from pathlib import Path

from benchmarks import short_strings

CONFIG = """
steps: {steps}
batch: {batch}
weights: {base}
ema: {{decay: 0.8}}
optimiser: {{kind: adamw, learning_rate: {rate}, warmup: 4, decay: 0.0}}
checkpoint: {{every: 1000, keep: 1}}
objective: {{name: dpo, pairs: {pairs}, levels: flow, beta: {beta}, seeds: {images}, steps: 8,
  rewards: [{ocr}]}}
"""


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2])
    parser.add_argument("--steps", type=int, default=24)
    parser.add_argument("--batch", type=int, default=24, help="prompts a step")
    parser.add_argument("--rate", type=float, default=1e-4)
    parser.add_argument("--beta", type=float, default=3000.0)
    parser.add_argument("--pairs", choices=["gold", "generated"], default="generated")
    parser.add_argument("--images", type=int, default=4, help="of a prompt, gold among them")
    parser.add_argument("--threads", type=int, default=2)
    options = parser.parse_args()
    options.out.mkdir(parents=True, exist_ok=True)
    print(f"load of this machine before: {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores")
    data = short_strings.written(options.out / "strings")
    base = short_strings.base(options.out / "base", data, options.threads)
    config = options.out / "dpo.yaml"
    settings = {
        name: getattr(options, name)
        for name in ("steps", "batch", "rate", "beta", "pairs", "images")
    }
    text = CONFIG.format(base=base, ocr=short_strings.OCR, **settings)
    config.write_text(text + short_strings.JUDGED)
    for seed in options.seeds:
        place = options.out / f"seed-{seed}"
        short_strings.train(config, data, place, seed, options.threads)
        short_strings.report(place)
    return 0


if __name__ == "__main__":
    sys.exit(main())
