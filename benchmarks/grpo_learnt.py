"""What GRPO is worth to a small model that writes with mistakes: groups of its own images of
training prompts, rewarded by what OCR reads; judged on texts that nothing was trained on.

    python -m benchmarks.grpo_learnt --out grpo --threads 2

Two readers judge: templates of clean training images (``train.string_reader``), and the OCR that
rewards. Seeds are those of GRPO: prompts, images, noise; the base is one.
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
objective: {{name: grpo, group: 10, steps: 8, noisy: 4, same_start: true, amount: 0.9, trained: 3,
  kl: {kl}, rewards: [{ocr}]}}
"""


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("--seeds", type=int, nargs="+", default=[0])
    parser.add_argument("--steps", type=int, default=30)
    parser.add_argument("--batch", type=int, default=8, help="prompts a step")
    parser.add_argument("--rate", type=float, default=5e-5)
    parser.add_argument("--kl", type=float, default=0.01)
    return short_strings.learnt(parser, "grpo", CONFIG)


if __name__ == "__main__":
    sys.exit(main())
