"""What DPO is worth to a small model that writes with mistakes: of each training prompt the best of
its own images by what OCR reads against the worst, or (``--pairs gold``) the image that it was
trained on against the worst; judged on texts that nothing was trained on.

    python -m benchmarks.dpo_learnt --out dpo --threads 2

Two readers judge: templates of clean training images (``train.string_reader``), and the OCR that
rewards. Seeds are those of DPO: prompts, images, noise; the base is one.
"""

import argparse
import sys

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
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2])
    parser.add_argument("--steps", type=int, default=24)
    parser.add_argument("--batch", type=int, default=24, help="prompts a step")
    parser.add_argument("--rate", type=float, default=1e-4)
    parser.add_argument("--beta", type=float, default=3000.0)
    parser.add_argument("--pairs", choices=["gold", "generated"], default="generated")
    parser.add_argument("--images", type=int, default=4, help="of a prompt, gold among them")
    return short_strings.learnt(parser, "dpo", CONFIG)


if __name__ == "__main__":
    sys.exit(main())
