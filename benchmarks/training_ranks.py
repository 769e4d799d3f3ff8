"""Networks divided among several processes beside one: how far weights are apart after two steps.

    PYTHONPATH=.:tests python benchmarks/training_ranks.py 4

Every division of so many processes, both families, AdamW and Muon; one line each.
"""

import sys
import tempfile
from pathlib import Path

import torch
from making.distributed_drill import trained
from making.places import ROOT
from making.ranks import together
from safetensors import safe_open

from train.distributed.world import World
from train.optimisers import muon

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
    torch.set_num_threads(1)
    muon.NUMBERS = torch.float32  # as the drill has it
    cases = [
        f"{family}:{optimiser}:{axes}"
        for family in ("qwen_image", "qwen_image_21")
        for optimiser in ("adamw", "muon")
        for axes in divisions(processes)
    ]
    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, "-m", "making.distributed_drill", folder, *cases]
        codes, said = together(processes, command, ROOT)
        if any(codes):
            sys.exit("\n".join(said))
        for case in cases:
            weights, norms = trained(*case.split(":")[:2], World())
            with safe_open(Path(folder) / f"{case}.safetensors", "pt") as stored:
                theirs = [float(norm) for norm in stored.metadata()["norms"].split(",")]
                off = max(
                    float((stored.get_tensor(name) - weight).abs().max())
                    for name, weight in weights.items()
                )
            of_norm = max(abs(a / b - 1) for a, b in zip(theirs, norms, strict=True))
            sys.stdout.write(f"{case:32} weights {off:.1e}  norms {of_norm:.1e}\n")


if __name__ == "__main__":
    main(int(sys.argv[1]))
