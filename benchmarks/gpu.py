"""What only a GPU can show of the trainer, on one of them, as a table: in 15 minutes.

Attention by the kernels of a GPU and compiled blocks beside what a CPU computes, bf16 beside fp32,
the share of the GPU's peak that real tokens make use of at the shapes of Qwen-Image-2.1, what
recomputation costs, float8, memory beside the plan's estimate, batches in pinned memory. Every
check stands alone: one that fails or is not there leaves the others.

    python -m benchmarks.gpu
    python -m benchmarks.gpu --cpu

The second carries the same code out on a CPU, tiny, and judges nothing: it shows that it runs.
Exit codes: 0 all reached, 1 a bar was missed or a check broke, 2 no GPU.

Steps are those of a few blocks of the published width, forward and backward, on random weights and
tokens, without optimiser, averages and data. A whole network is extrapolated by a straight line
through two numbers of blocks; what that leaves out is what grows otherwise with depth (memory that
no longer fits, for one).
"""

import argparse
import sys
import time

import torch

from benchmarks import gpu_paths
from benchmarks.gpu_measuring import CPU, GPU, VERDICTS, Check, Place, Row
from curation.failures.errors import UsageError


def table(place: Place, seconds: float) -> list[Row]:
    """The rows of all checks, those begun within so many ``seconds``; printed as they come."""
    begun, rows = time.monotonic(), list[Row]()
    for name, check in gpu_paths.CHECKS.items():
        if time.monotonic() - begun > seconds:
            made = [Row(name, "", "", "not run", "the time is over: raise --minutes")]
        else:
            made = attempted(name, check, place)
        for row in made:
            print(row, flush=True)
        rows += made
    return rows


def attempted(name: str, check: Check, place: Place) -> list[Row]:
    """The rows of a check, or the row that says why there are none."""
    try:
        return [row.on(place) for row in check(place)]
    except (UsageError, ImportError) as error:  # this machine has it not, and says so
        return [Row(name, "", "", "not run", str(error))]
    except Exception as error:  # noqa: BLE001 - the others go on
        return [Row(name, "", "", "fail", f"{type(error).__name__}: {str(error)[:200]}")]


def main() -> int:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("--cpu", action="store_true", help="the same code, tiny, on a CPU")
    parser.add_argument("--minutes", type=float, default=13.0, help="begin no check after these")
    options = parser.parse_args()
    if not (options.cpu or torch.cuda.is_available()):
        print(
            "benchmarks.gpu: no CUDA GPU here; run it on a machine with one, or see by --cpu that"
            " its code runs",
            file=sys.stderr,
        )
        return 2
    place = CPU if options.cpu else GPU
    print(f"{place.named()}, torch {torch.__version__}")
    rows = table(place, 60 * options.minutes)
    counts = {verdict: sum(row.verdict == verdict for row in rows) for verdict in VERDICTS}
    print(", ".join(f"{count} {verdict}" for verdict, count in counts.items() if count))
    return int(counts["fail"] > 0)


if __name__ == "__main__":
    sys.exit(main())
