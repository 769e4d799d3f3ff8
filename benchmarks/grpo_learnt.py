"""What GRPO is worth to a small model that writes with mistakes: groups of its own images of
training prompts, rewarded by what OCR reads; judged on strings that nothing was trained on.

    python -m benchmarks.grpo_learnt --out grpo

Seeds are those of GRPO: prompts, images, noise; the base is one (``benchmarks.short_strings``).
"""

import argparse
import sys

from benchmarks import short_strings

OBJECTIVE = """
objective: {{name: grpo, group: 10, steps: 8, noisy: 4, same_start: true, amount: 0.9, trained: 4,
  kl: {kl}, rewards: [{ocr}]}}
"""


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("--seeds", type=int, nargs="+", default=[0])
    parser.add_argument("--base-steps", type=int, default=90)
    parser.add_argument("--steps", type=int, default=200)
    parser.add_argument("--batch", type=int, default=8, help="prompts a step")
    parser.add_argument("--rate", type=float, default=5e-5)
    parser.add_argument("--decay", type=float, default=1.0, help="share of steps: the rate falls")
    parser.add_argument("--kl", type=float, default=0.0)
    return short_strings.learnt(parser, OBJECTIVE)


if __name__ == "__main__":
    sys.exit(main())
