"""The drill of damaged files: a hundred thousand of them, all formats, and nothing but refusals.

``python -m benchmarks.mutants --count 100000``

Mutants are those of ``tests/making/picture_mutants.py``: seeded damage to whole files of every
kind that is decoded, each decoded in full or reduced. They are decoded in processes of their own,
a few thousand in each; where one ends badly, its part is halved until the mutant stands alone. A
crash is a process that a signal ended, an escape an exception that is no ``PictureError``. HEIC,
whose decoder is a process of its own for each file, has a count of its own. Seconds are CPU
seconds of the slowest mutant, its decoder's process included; memory is the peak of any process.
"""

import json
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any

import typer

TESTS = Path(__file__).parents[1] / "tests"
SECONDS, MEGABYTES = 2.0, 1024  # the bars: of any mutant, of any process
_PART = 2500  # mutants that a process decodes


@dataclass
class Drill:
    """What has come of mutants so far; ``slowest`` is (CPU seconds, number)."""

    endings: Counter[str] = field(default_factory=Counter)
    faults: list[str] = field(default_factory=list)
    slowest: tuple[float, int] = (0.0, -1)
    peak: int = 0  # bytes

    def add(self, told: dict[str, Any]) -> None:
        """Count what a process told of its mutants."""
        self.endings.update(told["endings"])
        self.slowest = max(self.slowest, tuple(told["slowest"]))
        self.peak = max(self.peak, told["peak"], told["peak of children"])

    @property
    def is_passed(self) -> bool:
        """Whether all bars are kept."""
        is_bounded = self.slowest[0] < SECONDS and self.peak < MEGABYTES << 20
        return is_bounded and not self.faults and not self.endings["memory"]


def decoded(first: int, last: int, kind: str) -> Iterator[dict[str, Any] | str]:
    """What the processes told of these mutants; a text for each that ended its own badly."""
    command = [sys.executable, "-X", "faulthandler", "-m", "making.picture_mutants"]
    numbers = [str(first), str(last), *([kind] if kind else [])]
    done = subprocess.run(
        [*command, *numbers], cwd=TESTS, capture_output=True, text=True, check=False
    )
    if not done.returncode:
        yield json.loads(done.stdout)
    elif last - first == 1:
        lines = done.stderr.strip().splitlines() or [""]
        what = "escape" if done.returncode == 1 else f"crash ({done.returncode})"
        yield f"{what} of mutant {first} {kind}: {' / '.join(lines[-2:])}"
    else:
        middle = (first + last) // 2
        yield from decoded(first, middle, kind)
        yield from decoded(middle, last, kind)


def drill(count: int, kind: str, workers: int) -> Drill:
    """Decode the mutants with the numbers below ``count``, of all formats in turn or of a kind."""
    result = Drill()
    parts = [(first, min(first + _PART, count)) for first in range(0, count, _PART)]
    with ThreadPoolExecutor(workers) as pool:  # threads that wait for processes
        for told in pool.map(lambda part: list(decoded(*part, kind)), parts):
            for part in told:
                if isinstance(part, str):
                    result.faults.append(part)
                else:
                    result.add(part)
    return result


def main(
    count: Annotated[int, typer.Option(help="Mutants of all formats but HEIC.")] = 100_000,
    heic: Annotated[int, typer.Option(help="Mutants of HEIC; 0: none.")] = 2000,
    workers: Annotated[int, typer.Option(help="Processes at a time.")] = 2,
) -> None:
    """Print what came of them; exit with 1 where a bar is missed.

    Example: python -m benchmarks.mutants --count 100000
    """
    drills = {"eight formats": (count, ""), "HEIC": (heic, "heic")}
    is_passed = True
    for name, (wanted, kind) in drills.items():
        if not wanted:
            continue
        result = drill(wanted, kind, workers)
        is_passed &= result.is_passed
        seconds, number = result.slowest
        endings = ", ".join(f"{ending} {times}" for ending, times in result.endings.most_common())
        print(
            f"{name}: {wanted} mutants: {endings}; {len(result.faults)} crashes and escapes; "
            f"slowest {seconds:.2f} CPU-s (mutant {number}, bar {SECONDS}); "
            f"peak {result.peak >> 20} MB (bar {MEGABYTES})"
        )
        print(*result.faults, sep="\n", end="\n" if result.faults else "")
    raise typer.Exit(not is_passed)


if __name__ == "__main__":
    typer.run(main)
