"""Networks divided among several processes beside one: how far weights are apart after two steps.

    PYTHONPATH=.:tests python -m benchmarks.training_ranks 4

Every division of so many processes, both families, AdamW and Muon; one line each.
"""

import json
import subprocess
import sys

from making.places import ENVIRONMENT, ROOT

_HEADS = 2  # of the networks of the drill


def divisions(processes: int) -> list[str]:
    """All of replicate x shard x tensor that come to so many processes."""
    counts = [count for count in range(1, processes + 1) if processes % count == 0]
    return [
        f"{replicate}x{processes // replicate // tensor}x{tensor}"
        for tensor in counts
        if _HEADS % tensor == 0
        for replicate in counts
        if processes // tensor % replicate == 0
    ]


def main(processes: int) -> None:
    """Run all cases and print what they come to."""
    cases = [
        f"{family}:{optimiser}:{axes}"
        for family in ("qwen_image", "qwen_image_21")
        for optimiser in ("adamw", "muon")
        for axes in divisions(processes)
    ]
    command = [sys.executable, "-m", "making.distributed_drill", f"{processes}", *cases]
    done = subprocess.run(command, cwd=ROOT, stdout=subprocess.PIPE, check=True, env=ENVIRONMENT)
    for case, off in json.loads(done.stdout).items():
        apart = f"weights {off['weights']:.1e} ({off['worst']})"
        sys.stdout.write(f"{case:28} norms {off['norms']:.1e}  {apart}\n")


if __name__ == "__main__":
    main(int(sys.argv[1]))
