"""What DPO is worth to a small model that writes with mistakes: of its own images of each training
prompt the best by what OCR reads against the worst; judged on strings that nothing was trained on.

    python -m benchmarks.dpo_learnt --out dpo
    python -m benchmarks.dpo_learnt --out dpo-plain --by start --draws 1     # as the report has it

Seeds are those of DPO: prompts, images, noise; the base is one (``benchmarks.short_strings``).
"""

import argparse
import sys

from benchmarks import short_strings

OBJECTIVE = """
objective: {{name: dpo, by: {by}, beta: {beta}, draws: {draws}, seeds: {images}, steps: 8,
  rewards: [{ocr}]}}
"""


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2])
    parser.add_argument("--base-steps", type=int, default=80)
    parser.add_argument("--steps", type=int, default=60)
    parser.add_argument("--batch", type=int, default=16, help="prompts a step")
    parser.add_argument("--rate", type=float, default=5e-5)
    parser.add_argument("--decay", type=float, default=1.0, help="share of steps: the rate falls")
    parser.add_argument("--by", choices=["start", "policy"], default="policy")
    parser.add_argument("--beta", type=float, default=300.0)
    parser.add_argument("--draws", type=int, default=4, help="of level and noise, of a pair")
    parser.add_argument("--images", type=int, default=4, help="of a prompt")
    return short_strings.learnt(parser, OBJECTIVE)


if __name__ == "__main__":
    sys.exit(main())
